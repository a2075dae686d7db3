"""What ingestion tells the notifier, as values and as the JSON that waits in the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

LONGEST_MESSAGE = 1000


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRecovered:
    """A workflow that was failing succeeded again."""

    location_id: str
    occurred_at: datetime
    workflow_id: str
    workflow_name: str
    recovered_at: datetime


Event = WorkflowFailing | WorkflowRecovered
KINDS: Mapping[str, type[WorkflowFailing] | type[WorkflowRecovered]] = {
    "workflow_failing": WorkflowFailing,
    "workflow_recovered": WorkflowRecovered,
}


def kind_of(event: Event) -> str:
    """Gives the name of the event's kind."""
    return next(kind for kind, type_ in KINDS.items() if isinstance(event, type_))


def payload_of(event: Event) -> dict[str, Any]:
    """Gives the event as JSON."""
    return {each.name: _to_json(getattr(event, each.name)) for each in fields(event)}


def event_from(kind: str, payload: Mapping[str, Any]) -> Event:
    """Gives back the event that was written as JSON."""
    type_ = KINDS[kind]
    return type_(**{each.name: _from_json(each.type, payload[each.name]) for each in fields(type_)})


def _to_json(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _from_json(type_: object, value: Any) -> Any:
    if type_ is datetime:
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value
