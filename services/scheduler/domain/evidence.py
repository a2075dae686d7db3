"""What a scan knows of a workflow before any rule looks at it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from services.scheduler.domain.definition import (
    Definition,
    LocationGraph,
    WorkflowLinks,
    links_of,
    read_definition,
)
from services.scheduler.domain.references import References

ACTIVE_WITHIN = timedelta(days=30)
"""A workflow that ran within it counts as active where its status is not known."""


class Evidence(StrEnum):
    """A kind of evidence."""

    METADATA = "metadata"
    RUNS = "runs"
    DEFINITION = "definition"
    REFERENCES = "references"
    LOCATION = "other definitions"
    EARLIER_SCAN = "earlier scan"
    STEP_LOGS = "step logs"


class ExecutionStatus(StrEnum):
    """How a run ended."""

    SUCCESS = "success"
    FAILED = "failed"
    PARTIAL = "partial"


class WorkflowStatus(StrEnum):
    """Whether a workflow takes in contacts."""

    PUBLISHED = "published"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Runs of one window; total = succeeded + failed + partial.

    `expected` are those of `failed` that are no fault of the workflow (unsubscribed, DND).
    """

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    partial: int = 0
    expected: int = 0

    @property
    def at_fault(self) -> int:
        """Failed runs without the expected ones."""
        return max(self.failed - self.expected, 0)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One run, as far as a rule looks at it.

    `expected` says that it failed for a reason that is no fault of the workflow.
    """

    status: ExecutionStatus
    executed_at: datetime
    execution_id: str
    expected: bool = False

    @property
    def at_fault(self) -> bool:
        """Whether it failed, and not for an expected reason."""
        return self.status is ExecutionStatus.FAILED and not self.expected


@dataclass(frozen=True, slots=True)
class ErrorClassCount:
    """How often one class of errors occurred."""

    error_class: str
    count: int
    sample_message: str = ""
    execution_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHistory:
    """What ingestion knows of one workflow's runs; all windows end at `as_of`."""

    workflow_id: str
    as_of: datetime
    recent_runs: tuple[RunOutcome, ...] = ()
    last_7_days: RunCounts = field(default_factory=RunCounts)
    last_24_hours: RunCounts = field(default_factory=RunCounts)
    error_classes: tuple[ErrorClassCount, ...] = ()
    last_execution_at: datetime | None = None
    busy_period_runs: int = 0
    median_gap: timedelta | None = None
    longest_gap: timedelta | None = None
    """The longest of the pauses that `median_gap` is the median of; `None` where not told."""
    hourly_runs: tuple[int, ...] | None = None
    """Runs of each hour, oldest first, the last hour ending at `as_of`; `None` where not told.

    A week of them (168) shows what is usual; a rule wants at least three days.
    """
    most_starts: int | None = None
    """The most starts of one contact or dedupe key within 30 minutes of the last 24 hours."""

    @property
    def fresh_runs(self) -> tuple[RunOutcome, ...]:
        """The newest runs of the last 30 days, newest first: older ones say nothing of today."""
        since = self.as_of - ACTIVE_WITHIN
        return tuple(run for run in self.recent_runs if run.executed_at > since)


@dataclass(frozen=True, slots=True)
class WorkflowSnapshot:
    """What the last completed scan knew of a workflow.

    `status` is `None` when HighLevel's list did not have it then, or could not be read.
    """

    status: WorkflowStatus | None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A change of a workflow: from when on runs follow the version."""

    changed_at: datetime
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLog:
    """What HighLevel's step logs say of one step over their window (at most 30 days).

    `skipped` leaves out the reasons that are as they should be: do not disturb, outside the time
    window, waiting for an appointment, already active.
    """

    step_id: str
    step_name: str = ""
    rows: int = 0
    skipped: int = 0
    silent_failures: int = 0
    """Rows of status success whose own `meta.status` is 400 or more."""
    sample_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowEvidence:
    """All that is known of one workflow; what could not be read is `None`."""

    workflow_id: str
    workflow_name: str = ""
    status: WorkflowStatus | None = None
    history: RunHistory | None = None
    definition: Mapping[str, object] | None = field(default=None, repr=False)
    """The definition as it was read or uploaded; any JSON value is safe."""
    definition_refusal: str = ""
    """Why there is no definition, for people (`WORKFLOW_API_NOT_ENABLED_FOR_LOCATION`)."""
    listed: bool | None = None
    """Whether HighLevel's list of workflows has it; `None` when the list was not read."""
    selected: bool = False
    """Whether the schedule names it."""
    created_at: datetime | None = None
    version: int | None = None
    """Which edit of it this is, by HighLevel's list."""
    previous: WorkflowSnapshot | None = None
    """What the last completed scan knew; `None` when there was none or it did not see this one."""
    standing: frozenset[str] = frozenset()
    """Rules on changes whose findings of it stand since earlier scans."""
    version_changes: tuple[VersionChange, ...] | None = None
    """The changes of the last 30 days, newest first; `None` when they are not followed."""
    step_logs: tuple[StepLog, ...] | None = None
    """Step logs of HighLevel's v3 API; `None` where it is not open."""
    reading: Definition | None = field(init=False, repr=False, compare=False)
    """What was understood of the definition, which may be nothing."""

    def __post_init__(self) -> None:
        found = None if self.definition is None else read_definition(self.definition)
        object.__setattr__(self, "reading", found)

    @property
    def parsed(self) -> Definition | None:
        """What the definition says; `None` when there is none, or none of a shape we know."""
        return self.reading if self.reading and self.reading.readable else None

    @property
    def kinds(self) -> frozenset[Evidence]:
        """The kinds of evidence there are."""
        found = {
            Evidence.METADATA: self.status if self.listed is None else self.listed,
            Evidence.RUNS: self.history,
            Evidence.DEFINITION: self.parsed,
            Evidence.EARLIER_SCAN: self.previous,
            Evidence.STEP_LOGS: self.step_logs,
        }
        return frozenset(kind for kind, evidence in found.items() if evidence is not None)

    @property
    def published(self) -> bool | None:
        """Whether it takes in contacts; its definition tells where the list does not."""
        if self.status is not None:
            return self.status is WorkflowStatus.PUBLISHED
        told = self.parsed.status if self.parsed else ""
        return {"published": True, "active": True, "draft": False}.get(told)

    @property
    def known_version(self) -> int | None:
        """Which edit of it this is; its definition tells where the list does not."""
        return self.parsed.version if self.version is None and self.parsed else self.version

    @property
    def draft(self) -> bool:
        """Whether it is known to take in nobody."""
        return self.published is False

    @property
    def active(self) -> bool:
        """Whether it is published; where that is not known, whether it ran in the last 30 days."""
        if self.listed is False:
            return False
        if self.status is not None:
            return self.status is WorkflowStatus.PUBLISHED
        return self.ran_lately

    @property
    def ran_lately(self) -> bool:
        """Whether it is known to have run in the last 30 days."""
        if self.history is None or self.history.last_execution_at is None:
            return False
        return self.history.as_of - self.history.last_execution_at < ACTIVE_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationEvidence:
    """All that is known of the location as a whole; what could not be read is `None`."""

    location_id: str
    references: References | None = None
    """The location's lists, each of them `None` when it was refused."""
    graph: LocationGraph | None = None
    """How its workflows start and stop each other; see `location_graph`."""
    reporting_workflows: int | None = None
    """How many of its workflows had a run in the last 30 days."""
    cut_short: str = ""
    """Why the scan could not read all it wanted (a rate limit), for people; empty when it could."""

    @property
    def kinds(self) -> frozenset[Evidence]:
        """The kinds of evidence there are."""
        found = {Evidence.REFERENCES: self.references, Evidence.LOCATION: self.graph}
        return frozenset(kind for kind, evidence in found.items() if evidence is not None)


def location_graph(
    workflows: Iterable[WorkflowEvidence], *, complete: bool = True
) -> LocationGraph:
    """Gives the graph of a location from its workflows, of which it keeps a few names each.

    `workflows` may be read one after the other from wherever they are; `complete` says whether
    they are all the location has. A workflow without a definition makes the graph incomplete.
    """
    found: list[WorkflowLinks] = []
    for each in workflows:
        if each.parsed is None:
            complete = False
            continue
        found.append(
            links_of(
                each.parsed,
                workflow_id=each.workflow_id,
                workflow_name=each.workflow_name,
                live=each.published,
            )
        )
    return LocationGraph(found, complete=complete)
