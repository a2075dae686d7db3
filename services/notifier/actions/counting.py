"""Counts the events of one batch in their incidents, and writes the counts once at its end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

from services.notifier.actions.audiences import Audiences
from services.notifier.domain import wording
from services.notifier.domain.decision import Mute, Suppression
from services.notifier.domain.event import AboutWorkflow, Event
from services.notifier.domain.incident import (
    EarlierFix,
    Effect,
    Incident,
    Key,
    cause_key_of,
    effect_of,
    failures_in,
    fingerprint_of,
    key_of,
    same_error_key,
)
from services.notifier.store import Transaction, deliveries, incidents, reports
from services.notifier.store.reports import Counts, Earlier, Entered, Opening


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

    Most events are repeats: they cost no statement of their own. What they open is
    opened in one statement, before the first of them is counted.
    """

    def __init__(
        self,
        transaction: Transaction,
        audiences: Audiences,
        entered: Entered,
        earlier: Earlier,
    ) -> None:
        self._transaction = transaction
        self._audiences = audiences
        self._open = {
            (each.location_id, each.dedup_key): _Open(each, each.incident_id in entered.heard)
            for each in entered.held
        }
        self._just_opened: dict[Key, tuple[Incident, bool]] = {}
        self._settling = dict(earlier.settling)
        self._endings = set(earlier.endings)
        self._fixes = earlier.fixes
        self._spread_by = entered.spread_by
        self._happened = entered.happened
        self._causes: dict[str, str] = {}
        self._remind_by: dict[str, datetime] = {}
        self.went_on = False
        """Whether what had ended is open again: its beginning may be told after all."""

    @classmethod
    async def about(
        cls,
        transaction: Transaction,
        events: Sequence[Event],
        audiences: Audiences,
        entered: Entered,
    ) -> Self:
        """Holds what the events are about, and opens the incidents that they open."""
        open_now = {(each.location_id, each.dedup_key) for each in entered.held}
        closed = {key_of(each) for each in events} - open_now
        earlier = await reports.look_back(transaction, closed)
        counting = cls(transaction, audiences, entered, earlier)
        await counting._open_for(events, closed - earlier.settling.keys())
        return counting

    async def _open_for(self, events: Sequence[Event], keys: Collection[Key]) -> None:
        """Opens the incidents of those keys whose first event opens one."""
        first: dict[Key, Event] = {}
        for each in events:
            first.setdefault(key_of(each), each)
        openings = [
            self._opening(each)
            for key, each in first.items()
            if key in keys and effect_of(each.detail.kind) is Effect.OPENS
        ]
        for incident, opened in await reports.open_incidents(self._transaction, openings):
            key = (incident.location_id, incident.dedup_key)
            self._just_opened[key] = incident, opened

    async def count(self, event: Event, at: datetime) -> tuple[Incident, Counted]:
        """Counts an event in its open incident, or opens one; says which."""
        there = self._open.get(key_of(event)) or await self._gone_on(event)
        if there:
            there.incident = self._worsened(_counted(there.incident, event, at))
            there.changed = True
            if there.incident.got_worse:
                _wake(there, self._audiences.now)
        else:
            incident, opened = await self._opened(event)
            there = self._open[key_of(event)] = _Open(incident, heard=False)
            if opened:
                return incident, Counted.OPENED
            heard = await deliveries.heard_of(self._transaction, [incident.incident_id])
            there.heard = bool(heard)
        raised = self._raised(there, event)
        return there.incident, Counted.RAISED if raised else Counted.REPEATED

    async def _opened(self, event: Event) -> tuple[Incident, bool]:
        """Gives what was opened for an event; opens it if an earlier event ended the last one."""
        if key_of(event) not in self._just_opened:
            await self._open_for([event], [key_of(event)])
        return self._just_opened.pop(key_of(event))

    def _opening(self, event: Event) -> Opening:
        at = self._happened[event.event_id]
        return Opening(event, at, self._remind_after(event))

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
        self.went_on = True
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
        await reports.note(self._transaction, _counts_of([there]))
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

    def counts(self) -> Counts:
        """Gives what is to be written at the end."""
        counts = _counts_of(self._open.values())
        return replace(counts, causes=self._causes, remind_by=self._remind_by)


def _counts_of(held: Collection[_Open]) -> Counts:
    # What is due now is told by the next look at the reminders.
    woken = {each.incident.incident_id: each.remind_at for each in held if each.woken}
    return Counts([each.incident for each in held if each.changed], woken)


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
