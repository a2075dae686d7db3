"""What follows from one event: its incident, and who is told what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.notifier.actions.addressing import Addressing, Notice, unsent
from services.notifier.actions.audiences import Audiences
from services.notifier.actions.counting import Counted, Counting
from services.notifier.domain.decision import Audience, Mute, Suppression
from services.notifier.domain.delivery import Draft
from services.notifier.domain.event import ConnectionExpired, Event, Kind, ScanCompleted, Severity
from services.notifier.domain.explanation import Decision, Outcome, decided
from services.notifier.domain.inbox import end_of
from services.notifier.domain.incident import Effect, Incident, effect_of
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message, opening, raised, resolution, summary
from services.notifier.store import Transaction, deliveries, inbox, reports


@dataclass(slots=True)
class Batch:
    """Events that are taken in by one transaction, and what was decided of them so far."""

    transaction: Transaction
    counting: Counting
    audiences: Audiences
    _decisions: dict[str, Decision] = field(default_factory=dict)
    _drafts: list[Draft] = field(default_factory=list)
    _sends: bool = False

    def add(self, drafts: Sequence[Draft]) -> None:
        """Keeps what was decided until it is written."""
        self._drafts += drafts
        self._sends = self._sends or not all(each.mute for each in drafts)

    @property
    def has_news(self) -> bool:
        """Whether something is to be sent that was not before; most events only count."""
        return self._sends or self.counting.went_on

    def audience_of(self, event: Event) -> Audience:
        """Gives whom an event is told, if it is."""
        audience = self.audiences.of(event.scope)
        return replace(audience, spread_by=self.counting.spread_of(event))

    def note(self, event: Event, outcome: Outcome, mute: Mute | None = None) -> None:
        """Keeps what was decided of an event, for whoever asks why."""
        settings = self.audiences.of(event.scope).settings
        self._decisions[event.event_id] = decided(outcome, settings, mute, self.audiences.now)

    def note_count(self, event: Event) -> None:
        """Keeps that an event only counted; most do."""
        self._decisions[event.event_id] = Decision(outcome=Outcome.COUNTED)

    async def write_drafts(self) -> None:
        """Writes what was decided, before something looks for it."""
        drafts, self._drafts = self._drafts, []
        await deliveries.add(self.transaction, drafts)

    async def conclude(self, incident_of: Mapping[str, str]) -> None:
        """Writes everything that is not written yet, and commits."""
        counts = self.counting.counts()
        await reports.conclude(self.transaction, counts, self._drafts, self._decisions, incident_of)


class Deciding:
    """Decides, in the transaction of the event.

    Nothing disappears: an event counts in an incident, or is written as
    deliveries, or as one suppressed delivery that says why there is none.
    """

    def __init__(self, addressing: Addressing, links: Links, hold_down: timedelta) -> None:
        self._addressing = addressing
        self._links = links
        self._hold_down = hold_down

    async def decide(self, batch: Batch, event: Event, at: datetime) -> Incident | None:
        """Decides what follows from an event; gives the incident that it counted in."""
        if effect_of(event.detail.kind) is Effect.OPENS:
            return await self._open(batch, event, at)
        incident = await batch.counting.resolve(event, at, self._hold_down)
        if incident:
            await self._tell_the_end(batch, event, at, incident)
            if end := end_of(event):
                await inbox.note(batch.transaction, incident.incident_id, end)
        if isinstance(event.detail, ScanCompleted):
            self._sum_up(batch, event, event.detail, at)
        elif incident:
            batch.note(event, Outcome.RESOLVED)
        else:
            notice = _notice(event, resolution(event, at, None, self._links), None)
            mute = Mute(Suppression.NO_OPEN_INCIDENT)
            batch.add([unsent(notice, mute)])
            batch.note(event, Outcome.NOTHING_OPEN, mute)
        return incident

    def _sum_up(self, batch: Batch, event: Event, scan: ScanCompleted, at: datetime) -> None:
        message = summary(event, at, self._links)
        audience = batch.audiences.of(event.scope)
        mute = audience.mute_for(Kind.SCAN_COMPLETED, event.severity) or audience.mute_for_summary(
            scan
        )
        self._tell_all(batch, event, message, None, mute)
        batch.note(event, Outcome.SUMMED_UP, mute)

    async def _open(self, batch: Batch, event: Event, at: datetime) -> Incident:
        end_may_wait = batch.counting.end_may_wait(event)
        if end_may_wait:
            await batch.write_drafts()  # among them may be that end
        incident, counted = await batch.counting.count(event, at)
        if counted is Counted.OPENED and end_may_wait:
            await deliveries.supersede_endings(
                batch.transaction, event.location_id, incident.dedup_key
            )
        elif counted is Counted.REPEATED and not _must_still_be_told(batch, event, incident):
            batch.note_count(event)
            return incident
        if counted is Counted.OPENED and isinstance(event.detail, ConnectionExpired):
            await batch.write_drafts()  # among them may be what it stands for
            await batch.counting.inhibit(event)
        if counted is Counted.RAISED:
            await self._tell_the_rise(batch, event, at, incident)
        else:
            earlier = batch.counting.earlier_fix(event)
            message = opening(event, at, incident, self._links, earlier)
            self._tell_what_is_wrong(batch, event, message, incident, Outcome.OPENED)
        return incident

    async def _tell_the_rise(
        self, batch: Batch, event: Event, at: datetime, incident: Incident
    ) -> None:
        await batch.write_drafts()  # among them may be what this makes outdated
        message = raised(event, at, incident, self._links)
        told = self._tell_what_is_wrong(batch, event, message, incident, Outcome.RAISED)
        await deliveries.outdate(batch.transaction, incident.incident_id, told)

    def _tell_what_is_wrong(
        self, batch: Batch, event: Event, message: Message, incident: Incident, outcome: Outcome
    ) -> Collection[str]:
        """Gives the targets that will be told."""
        cause = batch.counting.cause_of(event)
        audience = batch.audience_of(event)
        mute = audience.mute_for(event.detail.kind, incident.severity, cause)
        told = self._tell_all(batch, event, message, incident, mute)
        if told:
            batch.counting.note_heard(event)
        if mute:
            batch.counting.note_muted(event, mute)
        batch.note(event, outcome, mute)
        return told

    async def _tell_the_end(
        self, batch: Batch, event: Event, at: datetime, incident: Incident
    ) -> None:
        await batch.write_drafts()
        told = await deliveries.close_openings(batch.transaction, incident.incident_id)
        message = resolution(event, at, incident, self._links)
        urgent = incident.severity is Severity.CRITICAL
        notice = replace(_notice(event, message, incident), prompt=urgent)
        audience = batch.audiences.of(event.scope)
        hold = (incident.settles_at or audience.now) - audience.now
        batch.add(self._addressing.to_those(notice, told, audience, hold=hold))

    def _tell_all(
        self,
        batch: Batch,
        event: Event,
        message: Message,
        incident: Incident | None,
        mute: Mute | None,
    ) -> Collection[str]:
        """Gives the targets that will be told."""
        notice = _notice(event, message, incident)
        audience = batch.audience_of(event)
        drafts = [unsent(notice, mute)] if mute else self._addressing.to_all(notice, audience)
        batch.add(drafts)
        return [each.target.target_id for each in drafts if each.target and not each.mute]


def _must_still_be_told(batch: Batch, event: Event, incident: Incident) -> bool:
    """Says whether a repeat is the first that reaches somebody: a target was set meanwhile."""
    if incident.looked_after or batch.counting.somebody_heard_of(event):
        return False
    cause = batch.counting.cause_of(event)
    return batch.audience_of(event).reaches_somebody(
        event.detail.kind, incident.severity, cause=cause
    )


def _notice(event: Event, message: Message, incident: Incident | None) -> Notice:
    return Notice(
        message, event.location_id, event.event_id, incident.incident_id if incident else None
    )
