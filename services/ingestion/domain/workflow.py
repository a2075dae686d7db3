"""Workflows as their runs show them: who they are, their numbers, their history."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct

from libs import problems
from services.ingestion.domain.breakdown import ErrorGroup, FailingStep
from services.ingestion.domain.change import WorkflowChange
from services.ingestion.domain.execution import Execution, Status, WorkflowKey
from services.ingestion.domain.gap import Gap
from services.ingestion.domain.threshold import Standing
from services.ingestion.domain.trend import RunCounts, Trend

RECENT_RUNS = 20
BUSY_PERIOD = timedelta(days=14)


class WorkflowNotFound(problems.NotFound):
    """No workflow with this id ever ran in this location; check both ids."""

    reason = "WORKFLOW_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow that was seen in executions."""

    location_id: str
    workflow_id: str
    name: str
    first_seen_at: datetime
    last_execution_at: datetime | None
    last_status: Status | None
    failing: bool
    run_limit_hours: int | None
    """Hours a run may take; None is as long as elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowHealth:
    """A workflow, and how it has been lately."""

    workflow: Workflow
    last_24_hours: RunCounts
    last_7_days: RunCounts
    last_failure_at: datetime | None
    last_change: WorkflowChange | None
    """How it came to be as it is in GoHighLevel; None until a scan reported it."""
    default_run_limit_hours: int
    """What holds for workflows without a limit of their own."""


class Sighting(Struct, frozen=True, kw_only=True):
    """What one batch says of a workflow."""

    workflow: WorkflowKey
    name: str
    named_at: datetime | None
    last_execution_at: datetime
    last_status: Status
    failures: int
    """Those that count to its threshold."""
    succeeded: bool
    """Whether a run did."""


class Sighted(Struct, frozen=True):
    """A workflow's row after a batch was added to it."""

    workflow: WorkflowKey
    name: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The numbers of one workflow over a window and the equal window before it."""

    workflow: WorkflowKey
    name: str
    window_start: datetime
    window_end: datetime
    current: RunCounts
    previous: RunCounts
    trend: Trend
    last_failure_at: datetime | None
    last_execution_at: datetime | None
    top_errors: tuple[ErrorGroup, ...] = ()
    """The most frequent, as many as were asked for."""
    top_failing_steps: tuple[FailingStep, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """Times of both windows in which nothing could be recorded, newest first."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One run, as far as a rule looks at it."""

    status: Status
    executed_at: datetime
    execution_id: str
    expected: bool
    """Whether it failed for a reason that is no fault of the workflow."""


@dataclass(frozen=True, slots=True)
class ErrorClassCount:
    """How often one class of errors occurred."""

    error_class: str
    count: int
    sample_message: str
    execution_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BusyPeriod:
    """How dense the runs were in the 14 days that ended with the last one."""

    runs: int = 0
    median_gap: timedelta | None = None
    longest_gap: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHistory:
    """What the rules of a scan need to know of one workflow's runs."""

    workflow_id: str
    as_of: datetime
    recent_runs: tuple[RunOutcome, ...]
    last_7_days: RunCounts
    last_24_hours: RunCounts
    error_classes: tuple[ErrorClassCount, ...]
    busy_period: BusyPeriod
    hourly_runs: tuple[int, ...] = ()
    """Runs of each hour of the last 7 days, oldest first; empty when there were none."""

    @property
    def last_execution_at(self) -> datetime | None:
        return self.recent_runs[0].executed_at if self.recent_runs else None


def sightings(executions: Iterable[Execution]) -> list[Sighting]:
    """Sums a batch up by workflow, in the order in which workflows are locked."""
    by_workflow = defaultdict(list)
    for execution in executions:
        by_workflow[execution.workflow].append(execution)
    return [_sighting(workflow, by_workflow[workflow]) for workflow in sorted(by_workflow)]


def _sighting(workflow: WorkflowKey, runs: list[Execution]) -> Sighting:
    last = max(runs, key=Execution.order) if len(runs) > 1 else runs[0]
    named = last if last.workflow_name else _last_named(runs)
    return Sighting(
        workflow=workflow,
        name=named.workflow_name if named else "",
        named_at=named.executed_at if named else None,
        last_execution_at=last.executed_at,
        last_status=last.status,
        failures=sum(run.counts_to_threshold for run in runs),
        succeeded=any(run.status == Status.SUCCESS for run in runs),
    )


def _last_named(runs: Iterable[Execution]) -> Execution | None:
    return max((run for run in runs if run.workflow_name), key=Execution.order, default=None)
