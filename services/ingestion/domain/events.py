"""What ingestion tells the notifier, as values and as the JSON that waits in the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar, get_args

from services.ingestion.domain.change import WorkflowChange

LONGEST_MESSAGE = 1000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFailing:
    """A workflow is at or over its failure threshold."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str
    new_failures: int
    failure_count: int
    failure_threshold: int
    time_window_hours: int
    first_failure_at: datetime
    last_failure_at: datetime
    failed_action_name: str
    error_message: str
    error_class: str
    execution_ids: tuple[str, ...]
    error_fingerprint: str = ""
    last_change: WorkflowChange | None = None
    """The newest change of the workflow before its newest failure."""
    first_since_change: datetime | None = None
    """The first failure since that change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRecovered:
    """A workflow that was failing succeeded again."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str
    recovered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverFinished:
    """Runs of a workflow began and did not end in their time."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str
    new_runs: int
    oldest_started_at: datetime
    run_ids: tuple[str, ...]
    """The newest of them, at most 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedAgain:
    """A run of such a workflow ended."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingGap:
    """Nothing could be recorded for a while; of the whole installation."""

    location_id: str = ""
    occurred_at: datetime
    gap_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingGapOver:
    """What was sent again of such a time has come."""

    location_id: str = ""
    occurred_at: datetime
    gap_id: str
    start: datetime
    end: datetime
    execution_count: int
    """Executions that ran in that time and came after it, counted up to 1,000,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactForgotten:
    """A contact is forgotten; alerts may have told what its runs said."""

    location_id: str
    occurred_at: datetime
    execution_ids: tuple[str, ...]
    """Those that failed: alerts tell of no others."""

    run_ids: tuple[str, ...]
    """Their run ids, as far as they had one."""


Event = (
    WorkflowFailing
    | WorkflowRecovered
    | NeverFinished
    | FinishedAgain
    | RecordingGap
    | RecordingGapOver
    | ContactForgotten
)
KINDS: Mapping[str, type[Event]] = {
    "workflow_failing": WorkflowFailing,
    "workflow_recovered": WorkflowRecovered,
    "never_finished": NeverFinished,
    "finished_again": FinishedAgain,
    "recording_gap": RecordingGap,
    "recording_gap_over": RecordingGapOver,
    "contact_forgotten": ContactForgotten,
}


def kind_of(event: Event) -> str:
    """Gives the name of the event's kind."""
    return next(kind for kind, type_ in KINDS.items() if isinstance(event, type_))


def payload_of(event: Event | WorkflowChange) -> dict[str, Any]:
    """Gives the event as JSON."""
    return {each.name: _to_json(getattr(event, each.name)) for each in fields(event)}


def event_from(kind: str, payload: Mapping[str, Any]) -> Event:
    """Gives back the event that was written as JSON, also by an older version of this service."""
    return _read(KINDS[kind], payload)


def _read(type_: type[T], written: Mapping[str, Any]) -> T:
    known = {each.name: each.type for each in fields(type_)}  # type: ignore[arg-type]  # it is one
    return type_(**{name: _from_json(known[name], value) for name, value in written.items()})


def _to_json(value: object) -> object:
    if isinstance(value, WorkflowChange):
        return payload_of(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _from_json(type_: object, value: Any) -> Any:
    if isinstance(value, dict):
        return _read(WorkflowChange, value)
    if isinstance(value, str) and datetime in (type_, *get_args(type_)):
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value
