"""What ingestion tells the notifier, as values and as the JSON that waits in the outbox."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.ingestion.domain.change import WorkflowChange

LONGEST_MESSAGE = 1000


class WorkflowFailing(Struct, frozen=True, kw_only=True):
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


class WorkflowRecovered(Struct, frozen=True, kw_only=True):
    """A workflow that was failing succeeded again."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str
    recovered_at: datetime


class NeverFinished(Struct, frozen=True, kw_only=True):
    """Runs of a workflow began and did not end in their time."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str
    new_runs: int
    oldest_started_at: datetime
    run_ids: tuple[str, ...]
    """The newest of them, at most 5."""


class FinishedAgain(Struct, frozen=True, kw_only=True):
    """A run of such a workflow ended."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str


class RecordingGap(Struct, frozen=True, kw_only=True):
    """Nothing could be recorded for a while; of the whole installation."""

    location_id: str = ""
    occurred_at: datetime
    gap_id: str
    start: datetime
    end: datetime


class RecordingGapOver(Struct, frozen=True, kw_only=True):
    """What was sent again of such a time has come."""

    location_id: str = ""
    occurred_at: datetime
    gap_id: str
    start: datetime
    end: datetime
    execution_count: int
    """Executions that ran in that time and came after it, counted up to 1,000,000."""


class ContactForgotten(Struct, frozen=True, kw_only=True):
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


def payload_of(event: Event) -> dict[str, Any]:
    """Gives the event as JSON."""
    written: dict[str, Any] = msgspec.to_builtins(event)
    return written


def event_from(kind: str, payload: Mapping[str, Any]) -> Event:
    """Gives back the event that was written as JSON, also by an older version of this service."""
    return msgspec.convert(payload, KINDS[kind])
