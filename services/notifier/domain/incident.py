"""Something wrong, from its first event until it is over."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from services.notifier.domain.event import (
    CriticalFinding,
    Event,
    Kind,
    ScanCompleted,
    ScanFailed,
    ScoreLow,
    ScoreRecovered,
    Severity,
    WorkflowFailing,
)


class IncidentStatus(StrEnum):
    """Whether an incident is over."""

    OPEN = "open"
    RESOLVED = "resolved"


class Effect(Enum):
    """What an event does to the incident of its dedup key."""

    OPENS = "opens it, or counts in the open one"
    RESOLVES = "ends it"


@dataclass(frozen=True, slots=True)
class Incident:
    """At most one is open for each location and dedup key."""

    incident_id: str
    location_id: str
    dedup_key: str
    status: IncidentStatus
    severity: Severity
    title: str
    workflow_id: str
    workflow_name: str
    event_count: int
    failure_count: int
    opened_at: datetime
    last_event_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentPosition:
    """Where a page of incidents starts: after this one."""

    last_event_at: datetime
    incident_id: str


_ENDINGS = (Kind.WORKFLOW_RECOVERED, Kind.SCORE_RECOVERED, Kind.SCAN_COMPLETED)


def effect_of(kind: Kind) -> Effect:
    """Tells what an event of the kind does to its incident."""
    return Effect.RESOLVES if kind in _ENDINGS else Effect.OPENS


def dedup_key_of(event: Event) -> str:
    """Gives what makes events one incident."""
    detail = event.detail
    if isinstance(detail, ScanCompleted | ScanFailed):
        return f"scan:{event.location_id}"
    if isinstance(detail, CriticalFinding):
        return f"issue:{detail.fingerprint or f'{detail.workflow_id}:{detail.rule_id}'}"
    if isinstance(detail, ScoreLow | ScoreRecovered):
        return f"score:{detail.workflow_id}"
    return f"fail:{detail.workflow_id}"


def failures_in(event: Event) -> int:
    """Counts the failures an event adds to its incident."""
    return event.detail.new_failures if isinstance(event.detail, WorkflowFailing) else 0
