"""The words of messages: one title and the facts below it, for each kind of event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from services.notifier.domain.change import since_change
from services.notifier.domain.event import (
    AboutWorkflow,
    ConnectionExpired,
    CriticalFinding,
    Event,
    FindingFixed,
    Kind,
    NeverFinished,
    RecordingGap,
    RecordingGapOver,
    SameError,
    SameErrorOver,
    ScanCompleted,
    ScanFailed,
    ScheduleOverdue,
    ScoreLow,
    ScoreRecovered,
    Severity,
    WorkflowFailing,
    WorkflowRecovered,
)
from services.notifier.domain.gap import MEANING, NOTHING_MORE, REMEDY, during
from services.notifier.domain.incident import EarlierFix, Incident
from services.notifier.domain.text import cut

TEST_TITLE = "Runwarden can reach you"
RECONNECT = "Connect the location again; until then its workflows cannot be read."
DISCONNECTED = "The location is not connected to GoHighLevel any more"
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
    links: tuple[str, ...] = ()
    """Where each line leads; none, or one for each."""

    def linked(self) -> Sequence[tuple[str, str]]:
        """Gives each line with where it leads; an empty link where it leads nowhere."""
        return list(zip_longest(self.lines, self.links, fillvalue=""))


def moment(at: datetime) -> str:
    """Gives a time as people read it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def title_of(event: Event, ended: Incident | None = None) -> str:
    """Gives the one line that says it all; `ended` is the incident that is over with the event."""
    return _TITLES[event.detail.kind](event.detail, ended)


def facts_of(event: Event, at: datetime, ended: Incident | None = None) -> tuple[Fact, ...]:
    """Gives what is known, in the order in which people ask; nothing that is empty."""
    facts = [*_own_facts(event, at), Fact("Location", event.location_id)]
    if ended:
        facts.append(Fact("Began", moment(ended.opened_at)))
        facts.append(Fact("Was over", moment(ended.resolved_at or at)))
    else:
        facts.append(Fact("Reported", moment(at)))
    return tuple(each for each in facts if each.text)


def facts_of_fix(earlier: EarlierFix | None) -> tuple[Fact, ...]:
    """Gives what helped the last time."""
    if earlier is None:
        return ()
    when = f"{moment(earlier.resolved_at)}, {earlier.resolved_by}"
    facts = (
        Fact("Cause last time", earlier.cause),
        Fact("What helped last time", earlier.fix),
        Fact("Noted", when),
    )
    return tuple(each for each in facts if each.text)


def facts_of_incident(incident: Incident, at: datetime) -> tuple[Fact, ...]:
    """Gives what is known of an incident by itself, without an event that says more."""
    failures = incident.failure_count
    facts = (
        Fact("Workflow", _named(incident.workflow_id, incident.workflow_name)),
        Fact("Location", incident.location_id),
        Fact("Began", moment(incident.opened_at)),
        Fact("Last event", moment(incident.last_event_at)),
        Fact("Counted", counted(failures, "failure") if failures else ""),
        Fact("Was over", _moment_or_empty(incident.resolved_at)),
        Fact("Ended by", incident.resolved_by),
        Fact("Cause", incident.cause),
        Fact("What helped", incident.fix),
        Fact("Reported", "" if incident.resolved_at else moment(at)),
    )
    return tuple(each for each in facts if each.text)


def still_open(incident: Incident, at: datetime) -> str:
    """Gives the one line of a reminder."""
    hours = round((at - incident.opened_at).total_seconds() / 3600)
    since = f"for {counted(hours, 'hour')}" if hours else "since less than an hour"
    return f"Still open {since}: {incident.title}"


def became(severity: Severity, title: str) -> str:
    """Gives the one line of what became more severe."""
    return f"Now {severity}: {title}"


def got_worse(incident: Incident) -> str:
    """Gives the one line of what got worse."""
    failures = incident.failure_count
    by_now = f" ({counted(failures, 'failure')} by now)" if failures else ""
    return f"Getting worse: {incident.title}{by_now}"


def listings_of(event: Event) -> tuple[Listing, ...]:
    """Gives what comes in several lines."""
    match event.detail:
        case WorkflowFailing(execution_ids=ids):
            found = Listing("Newest failed executions", ids)
        case NeverFinished(run_ids=ids):
            found = Listing("Newest runs that never finished", ids)
        case ScoreLow(deductions=lines):
            found = Listing("What took the points", lines)
        case ScanCompleted(worst_workflows=lines):
            found = Listing("Worst workflows", lines)
        case _:
            return ()
    return (found,) if found.lines else ()


def _own_facts(event: Event, at: datetime) -> Sequence[Fact]:
    detail = event.detail
    about = [_workflow(detail)] if isinstance(detail, AboutWorkflow) else []
    return [*about, *_FACTS[detail.kind](detail, at)]


def _failing_title(failing: WorkflowFailing, _: Incident | None) -> str:
    often = f"{failing.failure_count}× in {failing.time_window_hours} h"
    return f"{_name(failing)} failed {often}"


def _recovered_title(recovered: WorkflowRecovered, ended: Incident | None) -> str:
    after = f" after {counted(ended.failure_count, 'failure')}" if ended else ""
    return f"{_name(recovered)} succeeded again{after}"


def _finding_title(finding: CriticalFinding, _: Incident | None) -> str:
    return f"{_name(finding)}: {cut(finding.title or finding.rule_id, LONGEST_NAME)}"


def _fixed_title(fixed: FindingFixed, _: Incident | None) -> str:
    end = "ignored" if fixed.ignored_because else "fixed"
    return f"{_name(fixed)}: {end}: {cut(fixed.title or fixed.rule_id, LONGEST_NAME)}"


def _score_title(scored: ScoreLow | ScoreRecovered, _: Incident | None) -> str:
    again = " again" if isinstance(scored, ScoreRecovered) else ""
    return f"{_name(scored)} has a health score of {scored.score}{again}"


def _scan_title(scan: ScanCompleted, ended: Incident | None) -> str:
    return "Scans work again" if ended else f"Scan complete: {_compared(scan)}"


def _stuck_title(stuck: NeverFinished, _: Incident | None) -> str:
    return f"{_name(stuck)}: {counted(stuck.new_runs, 'run')} never finished"


def _same_error_title(error: SameError, _: Incident | None) -> str:
    said = cut(error.error_message or error.error_class or "unknown", LONGEST_NAME)
    return f"The same error in {counted(error.location_count, 'location')}: {said}"


def _same_error_over_title(_: SameErrorOver, ended: Incident | None) -> str:
    return f"Over everywhere: {ended.title}" if ended else "The same error is over everywhere"


def _gap_over_title(over: RecordingGapOver, _: Incident | None) -> str:
    return f"Recording gap {during(over)}: {came_later(over)}"


def came_later(over: RecordingGapOver) -> str:
    """Gives "12 executions came later"."""
    return f"{counted(over.execution_count, 'execution')} came later"


def _always(title: str) -> Callable[[Any, Incident | None], str]:
    return lambda _detail, _ended: title


_TITLES: Mapping[Kind, Callable[[Any, Incident | None], str]] = {
    Kind.WORKFLOW_FAILING: _failing_title,
    Kind.WORKFLOW_RECOVERED: _recovered_title,
    Kind.CRITICAL_FINDING: _finding_title,
    Kind.FINDING_FIXED: _fixed_title,
    Kind.SCORE_LOW: _score_title,
    Kind.SCORE_RECOVERED: _score_title,
    Kind.SCAN_COMPLETED: _scan_title,
    Kind.SCAN_FAILED: _always("A scan failed"),
    Kind.NEVER_FINISHED: _stuck_title,
    Kind.FINISHED_AGAIN: lambda again, _: f"{_name(again)} finishes its runs again",
    Kind.CONNECTION_EXPIRED: _always("The connection to GoHighLevel has expired"),
    Kind.CONNECTION_RESTORED: _always("The connection to GoHighLevel works again"),
    Kind.CONNECTION_REMOVED: _always(DISCONNECTED),
    Kind.SCHEDULE_OVERDUE: _always("A scan is overdue"),
    Kind.SAME_ERROR: _same_error_title,
    Kind.SAME_ERROR_OVER: _same_error_over_title,
    Kind.RECORDING_GAP: lambda gap, _: f"Nothing could be recorded {during(gap)}",
    Kind.RECORDING_GAP_OVER: _gap_over_title,
}


def _failing_facts(failing: WorkflowFailing, _: datetime) -> list[Fact]:
    limit = f"alert from {failing.failure_threshold} in {failing.time_window_hours} h"
    return [
        Fact("Failures", f"{failing.failure_count} ({limit})"),
        Fact("Since a change", _since_change(failing)),
        Fact("First failure", _moment_or_empty(failing.first_failure_at)),
        Fact("Last failure", _moment_or_empty(failing.last_failure_at)),
        Fact("Failed step", failing.failed_action_name),
        Fact("Error", failing.error_message),
        Fact("Error class", failing.error_class),
    ]


def _since_change(failing: WorkflowFailing) -> str:
    change = failing.last_change
    return since_change(change, failing.first_failure_since_change_at) if change else ""


def _recovered_facts(recovered: WorkflowRecovered, at: datetime) -> list[Fact]:
    return [Fact("Succeeded", moment(recovered.recovered_at or at))]


def _finding_facts(finding: CriticalFinding, _: datetime) -> list[Fact]:
    return [
        Fact("Rule", f"{finding.rule_id} {finding.title}".strip()),
        Fact("Seen", finding.evidence),
        Fact("What to do", finding.remedy),
    ]


def _fixed_facts(fixed: FindingFixed, _: datetime) -> list[Fact]:
    rule = f"{fixed.rule_id} {fixed.title}".strip()
    return [Fact("Rule", rule), Fact("Ignored because", fixed.ignored_because)]


def _score_facts(scored: ScoreLow | ScoreRecovered, _: datetime) -> list[Fact]:
    return [Fact("Health score", f"{scored.score} of 100")]


def _stuck_facts(stuck: NeverFinished, _: datetime) -> list[Fact]:
    oldest = _moment_or_empty(stuck.oldest_started_at)
    return [Fact("Runs", str(stuck.new_runs or "")), Fact("Oldest began", oldest)]


def _failed_scan_facts(failed: ScanFailed, _: datetime) -> list[Fact]:
    return [Fact("Error", failed.error), Fact("Attempts", str(failed.attempts or ""))]


def _expired_facts(expired: ConnectionExpired, _: datetime) -> list[Fact]:
    return [Fact("Error", expired.error), Fact("What to do", RECONNECT)]


def _scan_facts(scan: ScanCompleted, _: datetime) -> list[Fact]:
    looked_at = counted(scan.workflows_scanned, "workflow")
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


def _overdue_facts(overdue: ScheduleOverdue, _: datetime) -> list[Fact]:
    return [
        Fact("Was due", _moment_or_empty(overdue.due_at)),
        Fact("Last scan", _moment_or_empty(overdue.last_scan_at)),
    ]


def _same_error_facts(error: SameError, _: datetime) -> list[Fact]:
    return [
        Fact("Error", error.error_message),
        Fact("Error class", error.error_class),
        Fact("Locations", str(error.location_count)),
        Fact("Workflows", str(error.workflow_count)),
    ]


def _gap_facts(gap: RecordingGap | RecordingGapOver, _: datetime) -> list[Fact]:
    over = isinstance(gap, RecordingGapOver)
    return [
        Fact("From", _moment_or_empty(gap.start)),
        Fact("Until", _moment_or_empty(gap.end)),
        Fact("What it means", NOTHING_MORE if over else MEANING),
        Fact("What to do", REMEDY),
    ]


def _nothing(_detail: object, _at: datetime) -> list[Fact]:
    return []


_FACTS: Mapping[Kind, Callable[[Any, datetime], list[Fact]]] = {
    Kind.WORKFLOW_FAILING: _failing_facts,
    Kind.WORKFLOW_RECOVERED: _recovered_facts,
    Kind.CRITICAL_FINDING: _finding_facts,
    Kind.FINDING_FIXED: _fixed_facts,
    Kind.SCORE_LOW: _score_facts,
    Kind.SCORE_RECOVERED: _score_facts,
    Kind.SCAN_COMPLETED: _scan_facts,
    Kind.SCAN_FAILED: _failed_scan_facts,
    Kind.NEVER_FINISHED: _stuck_facts,
    Kind.FINISHED_AGAIN: _nothing,
    Kind.CONNECTION_EXPIRED: _expired_facts,
    Kind.CONNECTION_RESTORED: _nothing,
    Kind.CONNECTION_REMOVED: lambda removed, _: [Fact("Disconnected by", removed.removed_by)],
    Kind.SCHEDULE_OVERDUE: _overdue_facts,
    Kind.SAME_ERROR: _same_error_facts,
    Kind.SAME_ERROR_OVER: _nothing,
    Kind.RECORDING_GAP: _gap_facts,
    Kind.RECORDING_GAP_OVER: _gap_facts,
}


def _compared(scan: ScanCompleted) -> str:
    return f"{scan.new_issues} new, {scan.fixed_issues} fixed, {scan.known_issues} known"


def _workflow(
    detail: AboutWorkflow,
) -> Fact:
    return Fact("Workflow", _named(detail.workflow_id, detail.workflow_name))


def _named(workflow_id: str, workflow_name: str) -> str:
    if not workflow_name or workflow_name == workflow_id:
        return workflow_id
    return f"{workflow_name} ({workflow_id})"


def _name(
    detail: AboutWorkflow,
) -> str:
    return cut(detail.workflow_name or detail.workflow_id, LONGEST_NAME)


def _moment_or_empty(at: datetime | None) -> str:
    return moment(at) if at else ""


def counted(number: int, noun: str) -> str:
    """Gives a number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
