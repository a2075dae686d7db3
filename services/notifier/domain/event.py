"""What the other services report: something happened that people may have to know."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from services.notifier.domain.change import WorkflowChange
from services.notifier.domain.scope import Scope


class Severity(StrEnum):
    """How bad it is."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    def exceeds(self, other: "Severity") -> bool:
        """Says whether it is worse than another."""
        worst_first = list(Severity)
        return worst_first.index(self) < worst_first.index(other)


class Kind(StrEnum):
    """What happened."""

    WORKFLOW_FAILING = "workflow_failing"
    WORKFLOW_RECOVERED = "workflow_recovered"
    CRITICAL_FINDING = "critical_finding"
    SCORE_LOW = "score_low"
    SCORE_RECOVERED = "score_recovered"
    SCAN_COMPLETED = "scan_completed"
    SCAN_FAILED = "scan_failed"
    FINDING_FIXED = "finding_fixed"
    NEVER_FINISHED = "never_finished"
    FINISHED_AGAIN = "finished_again"
    CONNECTION_EXPIRED = "connection_expired"
    CONNECTION_RESTORED = "connection_restored"
    CONNECTION_REMOVED = "connection_removed"
    SCHEDULE_OVERDUE = "schedule_overdue"
    SAME_ERROR = "same_error"
    SAME_ERROR_OVER = "same_error_over"
    RECORDING_GAP = "recording_gap"
    RECORDING_GAP_OVER = "recording_gap_over"


_SEVERITIES = {
    Kind.WORKFLOW_FAILING: Severity.CRITICAL,
    Kind.CRITICAL_FINDING: Severity.CRITICAL,
    Kind.CONNECTION_EXPIRED: Severity.CRITICAL,
    Kind.SAME_ERROR: Severity.CRITICAL,
    Kind.SCORE_LOW: Severity.WARNING,
    Kind.SCAN_FAILED: Severity.WARNING,
    Kind.NEVER_FINISHED: Severity.WARNING,
    Kind.SCHEDULE_OVERDUE: Severity.WARNING,
    Kind.RECORDING_GAP: Severity.WARNING,
}


CRITICAL_SCORE = 25
"""A health score below it is graded critical."""


def severity_of(kind: Kind, score: int | None = None) -> Severity:
    """Gives how bad an event of the kind is; of a low score how low it is decides."""
    if kind is Kind.SCORE_LOW and score is not None and score < CRITICAL_SCORE:
        return Severity.CRITICAL
    return _SEVERITIES.get(kind, Severity.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFailing:
    """A workflow is at or over its failure threshold."""

    kind: ClassVar = Kind.WORKFLOW_FAILING
    workflow_id: str
    workflow_name: str = ""
    new_failures: int = 0
    failure_count: int = 0
    failure_threshold: int = 0
    time_window_hours: int = 0
    first_failure_at: datetime | None = None
    last_failure_at: datetime | None = None
    failed_action_name: str = ""
    error_message: str = ""
    error_class: str = ""
    error_fingerprint: str = ""
    execution_ids: tuple[str, ...] = ()
    last_change: WorkflowChange | None = None
    first_failure_since_change_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRecovered:
    """A workflow that was failing succeeded again."""

    kind: ClassVar = Kind.WORKFLOW_RECOVERED
    workflow_id: str
    workflow_name: str = ""
    recovered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalFinding:
    """A scan found something critical that is new."""

    kind: ClassVar = Kind.CRITICAL_FINDING
    scan_id: str
    workflow_id: str
    workflow_name: str = ""
    rule_id: str = ""
    title: str = ""
    evidence: str = ""
    remedy: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLow:
    """A workflow's health score is below 50."""

    kind: ClassVar = Kind.SCORE_LOW
    scan_id: str
    workflow_id: str
    workflow_name: str = ""
    score: int = 49
    """The least that is low where nobody said."""

    deductions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecovered:
    """A workflow's health score is 60 or more again."""

    kind: ClassVar = Kind.SCORE_RECOVERED
    scan_id: str
    workflow_id: str
    workflow_name: str = ""
    score: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCompleted:
    """A scan is complete."""

    kind: ClassVar = Kind.SCAN_COMPLETED
    scan_id: str
    trigger: str = ""
    workflows_scanned: int = 0
    issues_found: int = 0
    critical_issues: int = 0
    new_issues: int = 0
    fixed_issues: int = 0
    known_issues: int = 0
    score: int | None = None
    partial: bool = False
    started_at: datetime | None = None
    completed_at: datetime | None = None
    summary: str = ""
    worst_workflows: tuple[str, ...] = ()

    @property
    def has_changed(self) -> bool:
        """Whether it says anything that the scan before did not say."""
        return bool(self.new_issues or self.fixed_issues or self.partial)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFailed:
    """A scan failed for good."""

    kind: ClassVar = Kind.SCAN_FAILED
    scan_id: str
    error: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFixed:
    """A critical finding is gone, or people live with it from now on."""

    kind: ClassVar = Kind.FINDING_FIXED
    scan_id: str
    workflow_id: str
    workflow_name: str = ""
    rule_id: str = ""
    title: str = ""
    fingerprint: str = ""
    ignored_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverFinished:
    """Runs of a workflow began and did not finish in their time."""

    kind: ClassVar = Kind.NEVER_FINISHED
    workflow_id: str
    workflow_name: str = ""
    new_runs: int = 0
    oldest_started_at: datetime | None = None
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedAgain:
    """A workflow whose runs never finished finished one again."""

    kind: ClassVar = Kind.FINISHED_AGAIN
    workflow_id: str
    workflow_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionExpired:
    """GoHighLevel does not let us in any more."""

    kind: ClassVar = Kind.CONNECTION_EXPIRED
    error: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionRestored:
    """GoHighLevel lets us in again."""

    kind: ClassVar = Kind.CONNECTION_RESTORED


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRemoved:
    """A location was disconnected from GoHighLevel whose connection had expired."""

    kind: ClassVar = Kind.CONNECTION_REMOVED
    removed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOverdue:
    """A scan that was due did not run."""

    kind: ClassVar = Kind.SCHEDULE_OVERDUE
    due_at: datetime | None = None
    last_scan_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SameError:
    """Workflows of several locations fail with the same error; nobody reports it, we see it."""

    kind: ClassVar = Kind.SAME_ERROR
    error_fingerprint: str = ""
    error_message: str = ""
    error_class: str = ""
    location_count: int = 0
    workflow_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SameErrorOver:
    """No workflow fails with that error any more."""

    kind: ClassVar = Kind.SAME_ERROR_OVER
    error_fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingGap:
    """Nothing could be recorded for a while, whatever was the reason."""

    kind: ClassVar = Kind.RECORDING_GAP
    gap_id: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingGapOver:
    """What was sent again of such a time has come as far as it will by itself."""

    kind: ClassVar = Kind.RECORDING_GAP_OVER
    gap_id: str = ""
    start: datetime | None = None
    end: datetime | None = None
    execution_count: int = 0
    """Executions that ran in that time and came after it."""


AboutWorkflow: TypeAlias = (
    WorkflowFailing
    | WorkflowRecovered
    | CriticalFinding
    | FindingFixed
    | ScoreLow
    | ScoreRecovered
    | NeverFinished
    | FinishedAgain
)
AboutScans: TypeAlias = ScanCompleted | ScanFailed | ScheduleOverdue
AboutConnection: TypeAlias = ConnectionExpired | ConnectionRestored | ConnectionRemoved
AboutErrors: TypeAlias = SameError | SameErrorOver
AboutGaps: TypeAlias = RecordingGap | RecordingGapOver
Detail: TypeAlias = AboutWorkflow | AboutScans | AboutConnection | AboutErrors | AboutGaps


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a location. Without a time it happened when it was reported."""

    event_id: str
    location_id: str
    occurred_at: datetime | None
    detail: Detail

    @property
    def scope(self) -> Scope:
        """What the settings must be for that decide of it."""
        about = self.detail.workflow_id if isinstance(self.detail, AboutWorkflow) else ""
        return Scope(self.location_id, about)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return severity_of(self.detail.kind, getattr(self.detail, "score", None))

    @property
    def once_key(self) -> str | None:
        """Names what may be told only once, even by events of different ids."""
        if isinstance(self.detail, ScanCompleted) and self.detail.scan_id:
            return f"scan:{self.detail.scan_id}"
        return None


DETAILS: Mapping[Kind, type[Detail]] = {
    each.kind: each
    for each in (
        WorkflowFailing,
        WorkflowRecovered,
        CriticalFinding,
        FindingFixed,
        ScoreLow,
        ScoreRecovered,
        NeverFinished,
        FinishedAgain,
        ScanCompleted,
        ScanFailed,
        ScheduleOverdue,
        ConnectionExpired,
        ConnectionRestored,
        ConnectionRemoved,
        SameError,
        SameErrorOver,
        RecordingGap,
        RecordingGapOver,
    )
}
"""What is told of each kind."""


def imagined(location_id: str, workflow_id: str, kind: Kind) -> Event:
    """Gives an event of which nothing is known but its kind and where it would happen."""
    known = {field.name for field in fields(DETAILS[kind])}
    given: dict[str, Any] = {"workflow_id": workflow_id, "scan_id": ""}
    detail = DETAILS[kind](**{name: each for name, each in given.items() if name in known})
    return Event("", location_id, None, detail)


def payload_of(detail: Detail) -> dict[str, Any]:
    """Gives the facts as JSON can hold them; times as RFC 3339."""
    return _in_json(detail)


def _in_json(facts: Detail | WorkflowChange) -> dict[str, Any]:
    # dataclasses.asdict copies each time part by part, which took longer than all the rest.
    return {each.name: _fact_in_json(getattr(facts, each.name)) for each in fields(facts)}


def _fact_in_json(fact: Any) -> Any:
    if isinstance(fact, datetime):
        return rfc3339(fact)
    return _in_json(fact) if isinstance(fact, WorkflowChange) else fact


def rfc3339(at: datetime) -> str:
    """Gives a UTC time as the contracts and webhooks write it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
