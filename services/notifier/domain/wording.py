"""The words of messages: one title and the facts below it, for each kind of event."""

from dataclasses import dataclass
from datetime import datetime

from services.notifier.domain.event import (
    AboutWorkflow,
    CriticalFinding,
    Event,
    ScanCompleted,
    ScanFailed,
    ScoreLow,
    ScoreRecovered,
    WorkflowFailing,
    WorkflowRecovered,
)
from services.notifier.domain.incident import Incident
from services.notifier.domain.text import cut

TEST_TITLE = "Runwarden can reach you"
LONGEST_NAME = 80
"""A name longer than this would push what happened out of the subject line."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what it is, and how it is."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Several lines under one heading."""

    label: str
    lines: tuple[str, ...]


def moment(at: datetime) -> str:
    """Gives a time as people read it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def title_of(event: Event, ended: Incident | None = None) -> str:
    """Gives the one line that says it all; `ended` is the incident that is over with the event."""
    match event.detail:
        case WorkflowFailing() as failing:
            often = f"{failing.failure_count}× in {failing.time_window_hours} h"
            return f"{_name(failing)} failed {often}"
        case WorkflowRecovered() as recovered:
            after = f" after {_counted(ended.failure_count, 'failure')}" if ended else ""
            return f"{_name(recovered)} succeeded again{after}"
        case CriticalFinding() as finding:
            return f"{_name(finding)}: {cut(finding.title or finding.rule_id, LONGEST_NAME)}"
        case ScoreLow() | ScoreRecovered() as scored:
            again = " again" if isinstance(scored, ScoreRecovered) else ""
            return f"{_name(scored)} has a health score of {scored.score}{again}"
        case ScanCompleted() as scan:
            return "Scans work again" if ended else _scan_title(scan)
        case ScanFailed():
            return "A scan failed"


def facts_of(event: Event, at: datetime, ended: Incident | None = None) -> tuple[Fact, ...]:
    """Gives what is known, in the order in which people ask; nothing that is empty."""
    facts = [*_own_facts(event, at), Fact("Location", event.location_id)]
    if ended:
        facts.append(Fact("Began", moment(ended.opened_at)))
        facts.append(Fact("Was over", moment(ended.resolved_at or at)))
    else:
        facts.append(Fact("Reported", moment(at)))
    return tuple(each for each in facts if each.text)


def listings_of(event: Event) -> tuple[Listing, ...]:
    """Gives what comes in several lines."""
    match event.detail:
        case WorkflowFailing(execution_ids=ids):
            found = Listing("Newest failed executions", ids)
        case ScoreLow(deductions=lines):
            found = Listing("What took the points", lines)
        case ScanCompleted(worst_workflows=lines):
            found = Listing("Worst workflows", lines)
        case _:
            return ()
    return (found,) if found.lines else ()


def _own_facts(event: Event, at: datetime) -> list[Fact]:
    match event.detail:
        case WorkflowFailing() as failing:
            return _failing_facts(failing)
        case WorkflowRecovered() as recovered:
            return [_workflow(recovered), Fact("Succeeded", moment(recovered.recovered_at or at))]
        case CriticalFinding() as finding:
            rule = " ".join(filter(None, [finding.rule_id, finding.title]))
            return [
                _workflow(finding),
                Fact("Rule", rule),
                Fact("Seen", finding.evidence),
                Fact("What to do", finding.remedy),
            ]
        case ScoreLow() | ScoreRecovered() as scored:
            return [_workflow(scored), Fact("Health score", f"{scored.score} of 100")]
        case ScanCompleted() as scan:
            return _scan_facts(scan)
        case ScanFailed() as failed:
            return [Fact("Error", failed.error), Fact("Attempts", str(failed.attempts or ""))]


def _failing_facts(failing: WorkflowFailing) -> list[Fact]:
    limit = f"alert from {failing.failure_threshold} in {failing.time_window_hours} h"
    return [
        _workflow(failing),
        Fact("Failures", f"{failing.failure_count} ({limit})"),
        Fact("First failure", _moment_or_empty(failing.first_failure_at)),
        Fact("Last failure", _moment_or_empty(failing.last_failure_at)),
        Fact("Failed step", failing.failed_action_name),
        Fact("Error", failing.error_message),
        Fact("Error class", failing.error_class),
    ]


def _scan_facts(scan: ScanCompleted) -> list[Fact]:
    looked_at = _counted(scan.workflows_scanned, "workflow")
    return [
        Fact("Summary", scan.summary),
        Fact("Scanned", looked_at + (" (not everything could be read)" if scan.partial else "")),
        Fact("Issues", f"{scan.issues_found} ({scan.critical_issues} critical)"),
        Fact("Against the last scan", _compared(scan)),
        Fact("Health score", "" if scan.score is None else f"{scan.score} of 100"),
        Fact("Started by", scan.trigger),
        Fact("Started", _moment_or_empty(scan.started_at)),
        Fact("Complete", _moment_or_empty(scan.completed_at)),
    ]


def _scan_title(scan: ScanCompleted) -> str:
    return f"Scan complete: {_compared(scan)}"


def _compared(scan: ScanCompleted) -> str:
    return f"{scan.new_issues} new, {scan.fixed_issues} fixed, {scan.known_issues} known"


def _workflow(
    detail: AboutWorkflow,
) -> Fact:
    named = detail.workflow_name and detail.workflow_name != detail.workflow_id
    return Fact(
        "Workflow",
        f"{detail.workflow_name} ({detail.workflow_id})" if named else detail.workflow_id,
    )


def _name(
    detail: AboutWorkflow,
) -> str:
    return cut(detail.workflow_name or detail.workflow_id, LONGEST_NAME)


def _moment_or_empty(at: datetime | None) -> str:
    return moment(at) if at else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
