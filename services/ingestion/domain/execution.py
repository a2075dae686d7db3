"""One run of one workflow: as it is reported, and as it is kept."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, structs

from libs import problems
from services.ingestion.domain import failure

LONGEST_PAST = timedelta(days=30)
LONGEST_FUTURE = timedelta(minutes=5)
LONGEST_SEARCH = timedelta(days=7)


class ExecutedAtOutOfRange(problems.InvalidRequest):
    """Give the time the run ended, at most 30 days ago, or leave it out."""

    reason = "EXECUTED_AT_OUT_OF_RANGE"


class ExecutionNotFound(problems.NotFound):
    """No execution with this id is in the log of this location; check both ids."""

    reason = "EXECUTION_NOT_FOUND"


class TextRangeTooLong(problems.InvalidRequest):
    """Texts and contacts are looked for in 7 days at most; give a later start or an earlier end."""

    reason = "TEXT_RANGE_TOO_LONG"


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


class Run(Struct, kw_only=True):
    """What a report and a kept execution have in common.

    A struct is made in less than half of a dataclass's time, and every webhook makes some.
    """

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
    contact_ref: str | None = None
    """Whom it was about, as `ContactRefs` makes it."""

    @property
    def workflow(self) -> WorkflowKey:
        return WorkflowKey(self.location_id, self.workflow_id)


class Report(Run, kw_only=True):
    """What a caller says of a run."""

    executed_at: datetime | None = None
    idempotency_key: str = ""
    never_finished: bool = False
    contact_id: str = ""
    """Whom it was about; nothing but the reference is kept."""

    def dated(self, at: datetime) -> "Report":
        """Gives the same as of a time, unless it says its own."""
        return structs.replace(self, executed_at=self.executed_at or at)

    @property
    def key(self) -> Key | None:
        if not self.idempotency_key:
            return None
        return Key(self.location_id, self.workflow_id, "finished", self.idempotency_key)


class Execution(Run, kw_only=True):
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
    failed_action_id: str = ""
    failed_action_name: str = ""
    error_class: str = ""
    error_fingerprint: str = ""
    error_text: str = ""
    contact_id: str = ""
    contact_refs: tuple[str, ...] = ()
    """Under what the contact is kept."""

    @property
    def searches(self) -> bool:
        """Says whether it asks for what no index knows."""
        return bool(self.error_text or self.contact_id)

    def searching(self, now: datetime) -> "ExecutionFilter":
        """Gives the same within the days that are searched; unchanged when an index knows."""
        if not self.searches:
            return self
        end = self.executed_before or now
        if self.executed_from is None:
            return replace(self, executed_from=end - LONGEST_SEARCH)
        if end - self.executed_from > LONGEST_SEARCH:
            raise TextRangeTooLong.at("executed_from")
        return self


def received(
    report: Report, *, execution_id: str, now: datetime, contact_ref: str | None = None
) -> Execution:
    """Gives the execution to keep of a report that arrives now."""
    executed_at, adjusted = _placed(report.executed_at, now) if report.executed_at else (now, False)
    found = remembered(report, executed_at, execution_id=execution_id, now=now)
    found.executed_at_adjusted = adjusted
    found.contact_ref = contact_ref or report.contact_ref
    return found


def remembered(
    report: Report, executed_at: datetime, *, execution_id: str, now: datetime
) -> Execution:
    """Gives the execution to keep of a report whose time is taken as it is."""
    kind = _failure_of(report)
    return Execution(
        location_id=report.location_id,
        workflow_id=report.workflow_id,
        status=report.status,
        workflow_name=report.workflow_name,
        failed_action_id=report.failed_action_id,
        failed_action_name=report.failed_action_name,
        error_message=report.error_message,
        error_message_truncated=report.error_message_truncated,
        execution_time_ms=report.execution_time_ms,
        run_id=report.run_id,
        source=report.source,
        execution_id=execution_id,
        executed_at=executed_at,
        received_at=now,
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
    if report.never_finished:
        return failure.UNFINISHED
    if report.status == Status.SUCCESS or not report.error_message:
        return failure.NONE
    return failure.failure_of(report.error_message, report.failed_action_name)
