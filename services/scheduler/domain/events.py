"""What a scan tells the notifier, as values that go through JSON and back, and when it does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, ClassVar

from services.scheduler.domain.comparison import Comparison, Standing
from services.scheduler.domain.finding import Finding, Severity
from services.scheduler.domain.result import WorkflowResult
from services.scheduler.domain.score import Deduction, Grade, grade_of
from services.scheduler.domain.summary import ScanSummary, WorkflowScore

LOW = 50
RECOVERED = 60
AGAIN_AFTER = timedelta(hours=24)


class EventKindUnknown(Exception):
    """No event has this kind: it was written by another release of this program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something people may have to know."""

    kind: ClassVar[str]
    location_id: str
    occurred_at: datetime

    def to_payload(self) -> dict[str, Any]:
        """Gives the event as JSON values."""
        return {each.name: _to_json(getattr(self, each.name)) for each in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanEvent(Event):
    """Something a scan found, or what became of it."""

    scan_id: str
    """Empty where a schedule fires no scan, because it cannot be computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalFindingEvent(ScanEvent):
    """A scan found something critical that the scan before did not have."""

    kind = "critical_finding"
    workflow_id: str
    workflow_name: str
    rule_id: str
    title: str
    evidence: str
    remedy: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFixed(ScanEvent):
    """A critical finding is gone, or people live with it from now on and say why."""

    kind = "finding_fixed"
    workflow_id: str
    workflow_name: str
    rule_id: str
    title: str
    fingerprint: str
    ignored_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLow(ScanEvent):
    """A workflow's health score is below 50; the deductions are lines, worst first."""

    kind = "score_low"
    workflow_id: str
    workflow_name: str
    score: int
    deductions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecovered(ScanEvent):
    """A workflow's health score is 60 or more again."""

    kind = "score_recovered"
    workflow_id: str
    workflow_name: str
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCompleted(ScanEvent):
    """A scan is complete; the worst workflows are lines, worst first."""

    kind = "scan_completed"
    trigger: str
    workflows_scanned: int
    issues_found: int
    critical_issues: int
    new_issues: int
    fixed_issues: int
    known_issues: int
    score: int | None
    partial: bool
    started_at: datetime
    completed_at: datetime
    summary: str
    worst_workflows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFailed(ScanEvent):
    """A scan failed for good."""

    kind = "scan_failed"
    error: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionExpired(Event):
    """HighLevel does not accept the token of the location any more."""

    kind = "connection_expired"
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRestored(Event):
    """HighLevel accepts the token of the location again, or another one."""

    kind = "connection_restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRemoved(Event):
    """A location was disconnected whose token had expired."""

    kind = "connection_removed"
    removed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOverdue(Event):
    """No scan of a schedule was completed for one and a half periods."""

    kind = "schedule_overdue"
    due_at: datetime
    """When the scan that is missing was due."""
    last_scan_at: datetime | None
    """When the last one completed; None when none ever did."""


_KINDS: Mapping[str, type[Event]] = {
    each.kind: each
    for each in (
        CriticalFindingEvent,
        FindingFixed,
        ScoreLow,
        ScoreRecovered,
        ScanCompleted,
        ScanFailed,
        ConnectionExpired,
        ConnectionRestored,
        ConnectionRemoved,
        ScheduleOverdue,
    )
}


def from_payload(kind: str, payload: Mapping[str, Any]) -> Event:
    """Gives the event back from its kind and JSON values; raises `EventKindUnknown`."""
    if kind not in _KINDS:
        raise EventKindUnknown(kind)
    event = _KINDS[kind]
    # What an earlier release did not know yet is as if nothing were said of it.
    known = [each for each in fields(event) if each.name in payload]
    return event(**{each.name: _from_json(each.type, payload[each.name]) for each in known})


def _to_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _from_json(wanted: object, value: Any) -> Any:
    if wanted in (datetime, datetime | None) and value is not None:
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class LowScoreAlert:
    """That people were told of a low score: with which critical rules, when, of which version."""

    critical_rule_ids: frozenset[str]
    alerted_at: datetime
    workflow_version: int | None = None
    critical: bool = False
    """Whether the score itself was graded critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFacts:
    """A completed scan, as far as its events need it."""

    location_id: str
    scan_id: str
    trigger: str
    partial: bool
    started_at: datetime
    completed_at: datetime
    results: Sequence[WorkflowResult]
    comparison: Comparison
    summary: ScanSummary


@dataclass(frozen=True, slots=True)
class Announcement:
    """The events of a scan, and the low score alerts that stand after it, by workflow id."""

    events: tuple[Event, ...]
    low_scores: Mapping[str, LowScoreAlert]


def announced(scan: ScanFacts, low_scores: Mapping[str, LowScoreAlert]) -> Announcement:
    """Decides what goes out, given the low score alerts that stand, by workflow id.

    Nothing goes out about drafts but that they are. Between 50 and 59, and without a score, an alert
    stands as it is.
    """
    events: list[Event] = [*_critical_findings(scan), *_fixed_findings(scan)]
    standing = dict(low_scores)
    for result in scan.results:
        if result.draft or result.score.value is None:
            continue
        alert = standing.get(result.workflow_id)
        if result.score.value < LOW and _is_due(alert, result, scan.completed_at):
            events.append(_score_low(scan, result, result.score.value))
            standing[result.workflow_id] = LowScoreAlert(
                _critical_rule_ids(result),
                scan.completed_at,
                result.version,
                critical=_is_critical(result),
            )
        elif result.score.value >= RECOVERED and alert:
            events.append(_score_recovered(scan, result, result.score.value))
            del standing[result.workflow_id]
    return Announcement((*events, _completed(scan)), standing)


def _is_due(alert: LowScoreAlert | None, result: WorkflowResult, now: datetime) -> bool:
    if alert is None or alert.critical_rule_ids != _critical_rule_ids(result):
        return True
    if _is_critical(result) and not alert.critical:
        return True
    versions = {alert.workflow_version, result.version} - {None}
    return len(versions) > 1 or now - alert.alerted_at >= AGAIN_AFTER


def _is_critical(result: WorkflowResult) -> bool:
    return grade_of(result.score.value) is Grade.CRITICAL


def _critical_rule_ids(result: WorkflowResult) -> frozenset[str]:
    return frozenset(
        finding.rule_id for finding in result.findings if finding.severity is Severity.CRITICAL
    )


def _critical_findings(scan: ScanFacts) -> Iterator[CriticalFindingEvent]:
    quiet = scan.comparison.in_drafts
    for finding in (*scan.comparison.risen, *scan.comparison.surfaced):
        if finding.severity is Severity.CRITICAL and finding.fingerprint not in quiet:
            yield _critical_finding(scan, finding)


def _fixed_findings(scan: ScanFacts) -> Iterator[FindingFixed]:
    for past in scan.comparison.fixed:
        if past.severity is Severity.CRITICAL and past.standing is not Standing.DRAFT:
            yield FindingFixed(
                location_id=scan.location_id,
                scan_id=scan.scan_id,
                occurred_at=scan.completed_at,
                workflow_id=past.workflow_id,
                workflow_name=past.workflow_name,
                rule_id=past.rule_id,
                title=past.title,
                fingerprint=past.fingerprint,
            )


def _critical_finding(scan: ScanFacts, finding: Finding) -> CriticalFindingEvent:
    return CriticalFindingEvent(
        location_id=scan.location_id,
        scan_id=scan.scan_id,
        occurred_at=scan.completed_at,
        workflow_id=finding.workflow_id,
        workflow_name=finding.workflow_name,
        rule_id=finding.rule_id,
        title=finding.title,
        evidence=finding.evidence,
        remedy=finding.remedy,
        fingerprint=finding.fingerprint,
    )


def _score_low(scan: ScanFacts, result: WorkflowResult, score: int) -> ScoreLow:
    return ScoreLow(
        location_id=scan.location_id,
        scan_id=scan.scan_id,
        occurred_at=scan.completed_at,
        workflow_id=result.workflow_id,
        workflow_name=result.workflow_name,
        score=score,
        deductions=tuple(_deducted(line) for line in result.score.deductions),
    )


def _score_recovered(scan: ScanFacts, result: WorkflowResult, score: int) -> ScoreRecovered:
    return ScoreRecovered(
        location_id=scan.location_id,
        scan_id=scan.scan_id,
        occurred_at=scan.completed_at,
        workflow_id=result.workflow_id,
        workflow_name=result.workflow_name,
        score=score,
    )


def _completed(scan: ScanFacts) -> ScanCompleted:
    summary = scan.summary
    return ScanCompleted(
        location_id=scan.location_id,
        scan_id=scan.scan_id,
        occurred_at=scan.completed_at,
        trigger=scan.trigger,
        workflows_scanned=len(scan.results),
        issues_found=summary.critical_count + summary.warning_count + summary.info_count,
        critical_issues=summary.critical_count,
        new_issues=summary.new_count,
        fixed_issues=summary.fixed_count,
        known_issues=summary.known_count,
        score=summary.score,
        partial=scan.partial,
        started_at=scan.started_at,
        completed_at=scan.completed_at,
        summary=summary.text,
        worst_workflows=tuple(_ranked(each) for each in summary.worst_workflows),
    )


def _deducted(line: Deduction) -> str:
    rule = f" ({line.rule_id})" if line.rule_id else ""
    return f"{-line.points:+g} {line.label}{rule}"


def _ranked(workflow: WorkflowScore) -> str:
    return f"{workflow.workflow_name or workflow.workflow_id}: {workflow.score}"
