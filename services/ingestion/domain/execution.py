"""One run of one workflow: as it is reported, and as it is kept."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from libs import problems
from services.ingestion.domain import failure

LONGEST_PAST = timedelta(days=30)
LONGEST_FUTURE = timedelta(minutes=5)


class ExecutedAtOutOfRange(problems.InvalidRequest):
    """Give the time the run ended, at most 30 days ago, or leave it out."""

    reason = "EXECUTED_AT_OUT_OF_RANGE"


class Status(StrEnum):
    """How a run ended."""

    SUCCESS = "success"
    FAILED = "failed"
    PARTIAL = "partial"


class Source(StrEnum):
    """The way a run reached us."""

    WEBHOOK = "webhook"
    GRPC = "grpc"
    IMPORT = "import"


Order = tuple[datetime, str]
"""When a run was and its id: runs of the same moment are ordered as they arrived."""


class Key(NamedTuple):
    """What makes a repeated delivery count once; sorts the way keys are locked."""

    location_id: str
    workflow_id: str
    phase: str
    key: str


class WorkflowKey(NamedTuple):
    """Names a workflow; sorts the way workflows are locked."""

    location_id: str
    workflow_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a report and a kept execution have in common."""

    location_id: str
    workflow_id: str
    status: Status
    workflow_name: str = ""
    failed_action_id: str = ""
    failed_action_name: str = ""
    error_message: str = ""
    error_message_truncated: bool = False
    execution_time_ms: int | None = None
    run_id: str = ""
    source: Source = Source.GRPC

    @property
    def workflow(self) -> WorkflowKey:
        return WorkflowKey(self.location_id, self.workflow_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Run):
    """What a caller says of a run."""

    executed_at: datetime | None = None
    idempotency_key: str = ""

    @property
    def key(self) -> Key | None:
        if not self.idempotency_key:
            return None
        return Key(self.location_id, self.workflow_id, "finished", self.idempotency_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution(Run):
    """A run as it is kept."""

    execution_id: str
    executed_at: datetime
    received_at: datetime
    executed_at_adjusted: bool = False
    error_class: str = ""
    error_fingerprint: str = ""

    @property
    def counts_to_threshold(self) -> bool:
        return self.status == Status.FAILED and self.error_class != failure.EXPECTED

    def order(self) -> Order:
        """Gives what runs are sorted by."""
        return self.executed_at, self.execution_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions of a location are wanted."""

    location_id: str
    workflow_id: str = ""
    statuses: tuple[Status, ...] = ()
    executed_from: datetime | None = None
    executed_before: datetime | None = None


def received(report: Report, *, execution_id: str, now: datetime) -> Execution:
    """Gives the execution to keep of a report that arrives now."""
    executed_at, adjusted = _placed(report.executed_at or now, now)
    kind = _failure_of(report)
    return Execution(
        **{each.name: getattr(report, each.name) for each in fields(Run)},
        execution_id=execution_id,
        executed_at=executed_at,
        received_at=now,
        executed_at_adjusted=adjusted,
        error_class=kind.error_class,
        error_fingerprint=kind.fingerprint,
    )


def _placed(executed_at: datetime, now: datetime) -> tuple[datetime, bool]:
    if executed_at < now - LONGEST_PAST:
        raise ExecutedAtOutOfRange.at("executed_at")
    if executed_at > now + LONGEST_FUTURE:
        return now, True
    return executed_at, False


def _failure_of(report: Report) -> failure.Failure:
    if report.status == Status.SUCCESS or not report.error_message:
        return failure.NONE
    return failure.failure_of(report.error_message, report.failed_action_name)
