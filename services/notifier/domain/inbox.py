"""What people do with incidents, and the record of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from libs import problems
from services.notifier.domain import wording
from services.notifier.domain.delivery import Delivery
from services.notifier.domain.event import ConnectionRemoved, Event, FindingFixed, RecordingGapOver
from services.notifier.domain.incident import EarlierFix, Incident

LONGEST_SNOOZE = timedelta(days=30)


class IncidentNotFound(problems.NotFound):
    """The location has no such incident."""

    reason = "INCIDENT_NOT_FOUND"


class IncidentOver(problems.WrongState):
    """The incident is over; reopen it first if it is not."""

    reason = "INCIDENT_OVER"


class IncidentOpenAgain(problems.WrongState):
    """A later incident of the same kind is open; look after that one."""

    reason = "INCIDENT_OPEN_AGAIN"


class SnoozeWithoutEnd(problems.InvalidRequest):
    """Say when the snooze ends: give `until`, `until_worse`, or both."""

    reason = "SNOOZE_WITHOUT_END"


class SnoozeOutOfRange(problems.InvalidRequest):
    """A snooze ends in the future, at most 30 days from now."""

    reason = "SNOOZE_OUT_OF_RANGE"


class Deed(StrEnum):
    """What was done to an incident."""

    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    NOTED = "noted"
    REMINDED = "reminded"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Action:
    """Who did what to an incident; nobody did what came due."""

    deed: Deed
    actor: str = ""
    note: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event as it counted in an incident."""

    event_id: str
    kind: str
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver a message."""

    delivery_id: str
    verdict: str
    code: int | None
    detail: str
    elapsed_ms: int
    ended_at: datetime


Entry: TypeAlias = Occurrence | Delivery | Attempt | Action


@dataclass(frozen=True, slots=True)
class Story:
    """An incident with everything that happened to it, newest first."""

    incident: Incident
    entries: tuple[tuple[datetime, Entry], ...]
    earlier_fixes: tuple[EarlierFix, ...]
    affected: tuple[Incident, ...]
    """What the incident stands for."""


def end_of(event: Event) -> Action | None:
    """Gives what is noted of an incident that ends without what was wrong being mended."""
    match event.detail:
        case ConnectionRemoved(removed_by=actor):
            return Action(Deed.RESOLVED, actor, f"{wording.DISCONNECTED}.")
        case FindingFixed(ignored_because=reason) if reason:
            return Action(Deed.RESOLVED, note=f"The finding is ignored: {reason}")
        case RecordingGapOver() as over:
            return Action(Deed.RESOLVED, note=f"{wording.came_later(over)}.")
        case _:
            return None


def check_snooze(now: datetime, until: datetime | None, *, until_worse: bool) -> None:
    """Refuses a snooze that would never end, or not begin."""
    if until is None and not until_worse:
        raise SnoozeWithoutEnd.at("until")
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        raise SnoozeOutOfRange.at("until")
