"""Something wrong, from its first event until it is over."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from math import ceil
from typing import TypeAlias

from services.notifier.domain.event import (
    AboutConnection,
    AboutErrors,
    AboutGaps,
    AboutScans,
    CriticalFinding,
    Event,
    FindingFixed,
    FinishedAgain,
    Kind,
    NeverFinished,
    ScoreLow,
    ScoreRecovered,
    Severity,
    WorkflowFailing,
)
from services.notifier.domain.scope import Scope

Key: TypeAlias = tuple[str, str]
"""Location and dedup key: what events of one incident have in common."""

NEVER = datetime.fromtimestamp(0, UTC)
GATHERING = timedelta(minutes=5)
FEW_LOCATIONS, FEW_PERCENT = 3, 2


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
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    snoozed_until: datetime | None = None
    snoozed_until_worse: bool = False
    wakes_at_count: int = 0
    resolved_by: str = ""
    cause: str = ""
    fix: str = ""
    caused_by: str = ""
    """The incident that stands for it."""

    error_fingerprint: str = ""
    affected_count: int = 0
    """How many incidents it stands for."""

    told_count: int = 0
    """How bad it was when it was told last."""

    told_at: datetime = NEVER
    remind_at: datetime | None = None
    settles_at: datetime | None = None
    """When it is certain that its end lasts."""

    update_at: datetime | None = None
    """When it is told that it got worse."""

    @property
    def scope(self) -> Scope:
        """What the settings must be for that decide of it."""
        return Scope(self.location_id, self.workflow_id)

    @property
    def snoozed(self) -> bool:
        return self.snoozed_until is not None or self.snoozed_until_worse

    @property
    def looked_after(self) -> bool:
        """Whether somebody said not to be told again."""
        return self.acknowledged_at is not None or self.snoozed

    def rises_to(self, severity: Severity) -> bool:
        """Says whether it becomes so much more severe that it is told again.

        Who looks after it is told, too; who wants to hear nothing until a time is not.
        """
        asleep = self.snoozed_until is not None and not self.snoozed_until_worse
        return severity.exceeds(self.severity) and not asleep

    @property
    def weight(self) -> int:
        """How bad it has become: failures, or what it stands for, or events."""
        return self.failure_count or max(self.event_count, self.affected_count)

    @property
    def got_worse(self) -> bool:
        """Whether it has become so bad that its snooze ends."""
        return self.snoozed_until_worse and self.weight >= self.wakes_at_count

    def worsened(self, now: datetime, interval: timedelta | None) -> "Incident":
        """Gives it with the time to tell that it got worse, if it is twice as bad as was told.

        What stands for others is told with a list, which is of use while it still grows.
        """
        if interval and self.affected_count:
            interval = min(interval, GATHERING)
        doubled = self.weight >= 2 * max(self.told_count, 1)
        if interval is None or self.update_at or self.looked_after or not doubled:
            return self
        return replace(self, update_at=max(now, self.told_at + interval))


@dataclass(frozen=True, slots=True)
class EarlierFix:
    """What helped when an incident of the same kind was ended by hand."""

    incident_id: str
    cause: str
    fix: str
    resolved_by: str
    resolved_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentPosition:
    """Where a page of incidents starts: after this one."""

    last_event_at: datetime
    incident_id: str


_ENDINGS = (
    Kind.WORKFLOW_RECOVERED,
    Kind.SCORE_RECOVERED,
    Kind.SCAN_COMPLETED,
    Kind.FINDING_FIXED,
    Kind.FINISHED_AGAIN,
    Kind.CONNECTION_RESTORED,
    Kind.CONNECTION_REMOVED,
    Kind.SAME_ERROR_OVER,
    Kind.RECORDING_GAP_OVER,
)


def effect_of(kind: Kind) -> Effect:
    """Tells what an event of the kind does to its incident."""
    return Effect.RESOLVES if kind in _ENDINGS else Effect.OPENS


def dedup_key_of(event: Event) -> str:
    """Gives what makes events one incident."""
    detail = event.detail
    if isinstance(detail, AboutScans | AboutConnection):
        about = "scan" if isinstance(detail, AboutScans) else "conn"
        return f"{about}:{event.location_id}"
    if isinstance(detail, AboutErrors | AboutGaps):
        return _key_in_installation(detail)
    if isinstance(detail, CriticalFinding | FindingFixed):
        return f"issue:{detail.fingerprint or f'{detail.workflow_id}:{detail.rule_id}'}"
    if isinstance(detail, ScoreLow | ScoreRecovered):
        return f"score:{detail.workflow_id}"
    if isinstance(detail, NeverFinished | FinishedAgain):
        return f"unfinished:{detail.workflow_id}"
    return f"fail:{detail.workflow_id}"


def key_of(event: Event) -> Key:
    """Gives the key of an event's incident; batches take incidents in the order of these."""
    return event.location_id, dedup_key_of(event)


def _key_in_installation(detail: AboutErrors | AboutGaps) -> str:
    if isinstance(detail, AboutGaps):
        return f"gap:{detail.gap_id}"
    return same_error_key(detail.error_fingerprint)


STANDING_FOR_OTHERS = (
    Kind.CONNECTION_EXPIRED,
    Kind.CONNECTION_RESTORED,
    Kind.CONNECTION_REMOVED,
    Kind.SAME_ERROR,
    Kind.SAME_ERROR_OVER,
)
"""What is told with a list of what it is the cause of."""

_OPENERS = {
    "fail": Kind.WORKFLOW_FAILING,
    "issue": Kind.CRITICAL_FINDING,
    "score": Kind.SCORE_LOW,
    "scan": Kind.SCAN_FAILED,
    "unfinished": Kind.NEVER_FINISHED,
    "conn": Kind.CONNECTION_EXPIRED,
    "err": Kind.SAME_ERROR,
    "gap": Kind.RECORDING_GAP,
}


def opened_by(dedup_key: str) -> Kind:
    """Gives the kind of event that opens incidents of a key."""
    return _OPENERS[dedup_key.partition(":")[0]]


def same_error_key(fingerprint: str) -> str:
    """Gives the dedup key of the incident of one error in many locations."""
    return f"err:{fingerprint}"


def least_locations(known: int) -> int:
    """Gives in how many locations an error must be to be one of the installation."""
    return max(FEW_LOCATIONS, ceil(known * FEW_PERCENT / 100))


def fingerprint_of(event: Event) -> str:
    """Gives what is the same for the same error, wherever it is; nothing where that is not known."""
    return event.detail.error_fingerprint if isinstance(event.detail, WorkflowFailing) else ""


def cause_key_of(event: Event) -> str | None:
    """Gives the dedup key of the incident that stands for such an event while it is open."""
    if isinstance(event.detail, WorkflowFailing):
        return f"conn:{event.location_id}"
    return None


def failures_in(event: Event) -> int:
    """Counts the failures an event adds to its incident."""
    match event.detail:
        case WorkflowFailing(new_failures=number) | NeverFinished(new_runs=number):
            return number
        case _:
            return 0
