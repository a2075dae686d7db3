"""Counts the events of one batch in their incidents, and writes the counts once at its end."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

from services.notifier.actions.audiences import Audiences
from services.notifier.domain import wording
from services.notifier.domain.decision import Mute, Suppression
from services.notifier.domain.event import AboutWorkflow, Event
from services.notifier.domain.inbox import Action, Deed
from services.notifier.domain.incident import (
    EarlierFix,
    Incident,
    cause_key_of,
    dedup_key_of,
    failures_in,
    fingerprint_of,
    same_error_key,
)
from services.notifier.store import Transaction, causes, deliveries, inbox, incidents

Key = tuple[str, str]
WOKEN = Action(Deed.WOKEN, note="It got worse.")


class Counted(Enum):
    """What an event did to the incident that it counted in."""

    OPENED = "opened it"
    RAISED = "made it more severe"
    REPEATED = "only counted"


@dataclass(slots=True)
class _Open:
    """An incident that is open and held by this transaction."""

    incident: Incident
    heard: bool
    changed: bool = False
    woken: bool = False
    remind_at: datetime | None = None
    """When it is told again, once it is woken."""


class Counting:
    """The open incidents that a batch is about, all held since before its first event.

    Most events are repeats: they cost no statement of their own.
    """

    def __init__(
        self,
        transaction: Transaction,
        audiences: Audiences,
        held: dict[Key, _Open],
        *,
        settling: Mapping[Key, Incident],
        endings: Collection[Key],
        fixes: Mapping[Key, Sequence[EarlierFix]],
        spread_by: Mapping[str, str],
    ) -> None:
        self._transaction = transaction
        self._audiences = audiences
        self._open = held
        self._settling = dict(settling)
        self._endings = set(endings)
        self._fixes = fixes
        self._spread_by = spread_by
        self._causes: dict[str, str] = {}
        self._remind_by: dict[str, datetime] = {}

    @classmethod
    async def about(
        cls, transaction: Transaction, events: Collection[Event], audiences: Audiences
    ) -> Self:
        """Holds the open incidents of the events."""
        keys = {key_of(each) for each in events}
        above = {(each.location_id, key) for each in events if (key := cause_key_of(each))}
        found = await incidents.held_open(transaction, keys | above)
        # In a second statement: who was told is only certain once the incidents are held.
        heard = await deliveries.heard_of(transaction, [each.incident_id for each in found])
        held = {
            (each.location_id, each.dedup_key): _Open(each, each.incident_id in heard)
            for each in found
        }
        closed = keys - held.keys()
        settling = {
            (each.location_id, each.dedup_key): each
            for each in await incidents.held_settling(transaction, closed)
        }
        endings = await deliveries.waiting_endings(transaction, closed)
        fixes = await inbox.earlier_fixes(transaction, closed)
        spread = {same_error_key(each) for event in events if (each := fingerprint_of(event))}
        spread_by = await causes.open_in_installation(transaction, spread)
        return cls(
            transaction,
            audiences,
            held,
            settling=settling,
            endings=endings,
            fixes=fixes,
            spread_by=spread_by,
        )

    async def count(self, event: Event, at: datetime) -> tuple[Incident, Counted]:
        """Counts an event in its open incident, or opens one; says which."""
        there = self._open.get(key_of(event)) or await self._gone_on(event)
        if there:
            there.incident = self._worsened(_counted(there.incident, event, at))
            there.changed = True
            if there.incident.got_worse:
                _wake(there, self._audiences.now)
        else:
            after = self._remind_after(event)
            incident, opened = await incidents.count(self._transaction, event, at, after)
            there = self._open[key_of(event)] = _Open(incident, heard=False)
            if opened:
                return incident, Counted.OPENED
            heard = await deliveries.heard_of(self._transaction, [incident.incident_id])
            there.heard = bool(heard)
        raised = self._raised(there, event)
        return there.incident, Counted.RAISED if raised else Counted.REPEATED

    def _raised(self, there: _Open, event: Event) -> bool:
        """Makes an incident as severe as an event; says whether that is to be told."""
        told = there.incident.rises_to(event.severity)
        if event.severity.exceeds(there.incident.severity):
            there.incident = replace(there.incident, severity=event.severity)
            there.changed = True
        if told:
            after = self._remind_after(event)
            again_at = self._audiences.now + after if after else None
            if there.incident.snoozed_until_worse:
                _wake(there, again_at)
            elif again_at:
                self._remind_by[there.incident.incident_id] = again_at
        return told

    def _remind_after(self, event: Event) -> timedelta | None:
        return self._audiences.of(event.scope).settings.reminder_after(event.severity)

    def _worsened(self, incident: Incident) -> Incident:
        settings = self._audiences.of(incident.scope).settings
        return incident.worsened(self._audiences.now, settings.update_interval)

    async def _gone_on(self, event: Event) -> _Open | None:
        """Opens the incident again whose end was not certain yet; None when there is none."""
        settling = self._settling.pop(key_of(event), None)
        if settling is None:
            return None
        after = self._audiences.of(settling.scope).settings.reminder_after(settling.severity)
        incident = await incidents.go_on(self._transaction, settling.incident_id, after)
        await deliveries.take_back_end(self._transaction, incident.incident_id)
        heard = await deliveries.heard_of(self._transaction, [incident.incident_id])
        there = self._open[key_of(event)] = _Open(incident, heard=bool(heard))
        return there

    async def resolve(self, event: Event, at: datetime, hold_down: timedelta) -> Incident | None:
        """Ends the open incident of an event; None when there is none."""
        there = self._open.pop(key_of(event), None)
        if there is None:
            return None
        await self._write([there])
        ended = await incidents.resolve(self._transaction, event, at, hold_down)
        self._endings.add(key_of(event))
        if ended and hold_down:
            self._settling[key_of(event)] = ended
        return ended

    def end_may_wait(self, event: Event) -> bool:
        """Says whether a message may still wait that an incident of the event is over."""
        return key_of(event) in self._endings

    def earlier_fix(self, event: Event) -> EarlierFix | None:
        """Gives what helped the last time, if somebody told."""
        return next(iter(self._fixes.get(key_of(event), ())), None)

    def somebody_heard_of(self, event: Event) -> bool:
        """Says whether the opening of the event's incident was or will be sent to anybody."""
        return self._open[key_of(event)].heard

    def cause_of(self, event: Event) -> str:
        """Gives the open incident that stands for an event's; nothing when there is none."""
        key = cause_key_of(event)
        cause = self._open.get((event.location_id, key)) if key else None
        return cause.incident.incident_id if cause else ""

    def spread_of(self, event: Event) -> str:
        """Gives the open incident that tells the installation of the same error everywhere."""
        return self._spread_by.get(same_error_key(fingerprint_of(event)), "")

    def note_muted(self, event: Event, mute: Mute) -> None:
        """Notes that an incident is not told, and when it may be."""
        muted = self._open[key_of(event)].incident.incident_id
        if mute.until:
            self._remind_by[muted] = mute.until
        cause = self._open.get((event.location_id, cause_key_of(event) or ""))
        if mute.because is not Suppression.INHIBITED or cause is None:
            return
        self._causes[muted] = mute.by
        affected = cause.incident.affected_count + 1
        cause.incident = self._worsened(replace(cause.incident, affected_count=affected))
        cause.changed = True

    async def inhibit(self, event: Event) -> None:
        """Keeps back what waits to be told of what the event's new incident stands for."""
        there = self._open[key_of(event)]
        cause = there.incident.incident_id
        kept_back = await deliveries.inhibit_failures(self._transaction, event.location_id, cause)
        self._causes |= dict.fromkeys(kept_back, cause)
        there.incident = replace(there.incident, affected_count=len(kept_back))
        there.changed = True

    def note_heard(self, event: Event) -> None:
        """Notes that the opening of the event's incident will be sent."""
        there = self._open[key_of(event)]
        if there.incident.caused_by:
            self._causes[there.incident.incident_id] = ""
        there.heard = there.changed = True
        there.incident = replace(
            there.incident,
            told_count=there.incident.weight,
            told_at=self._audiences.now,
            update_at=None,
        )

    async def write(self) -> None:
        """Writes the counts."""
        await self._write(self._open.values())
        await causes.note(self._transaction, self._causes)
        for incident_id, at in self._remind_by.items():
            await incidents.remind_by(self._transaction, incident_id, at)

    async def _write(self, held: Collection[_Open]) -> None:
        await incidents.write(self._transaction, [each.incident for each in held if each.changed])
        for each in held:
            if each.woken:
                # What is due now is told by the next look at the reminders.
                incident_id = each.incident.incident_id
                await incidents.wake(self._transaction, incident_id, each.remind_at)
                await inbox.note(self._transaction, each.incident.incident_id, WOKEN)


def key_of(event: Event) -> Key:
    """Gives what events of one incident have in common; batches take them in this order."""
    return event.location_id, dedup_key_of(event)


def _wake(there: _Open, remind_at: datetime | None) -> None:
    there.woken, there.remind_at = True, remind_at
    there.incident = replace(there.incident, snoozed_until=None, snoozed_until_worse=False)


def _counted(incident: Incident, event: Event, at: datetime) -> Incident:
    named = event.detail.workflow_name if isinstance(event.detail, AboutWorkflow) else ""
    return replace(
        incident,
        event_count=incident.event_count + 1,
        failure_count=incident.failure_count + failures_in(event),
        last_event_at=max(incident.last_event_at, at),
        title=wording.title_of(event),
        workflow_name=named or incident.workflow_name,
        error_fingerprint=fingerprint_of(event) or incident.error_fingerprint,
    )
