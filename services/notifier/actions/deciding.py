"""What follows from one event: its incident, and who is told what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.ids import new_id
from services.notifier.actions.posting import Posting
from services.notifier.domain.decision import Audience, Suppression
from services.notifier.domain.delivery import Draft, Frozen
from services.notifier.domain.event import Event, ScanCompleted
from services.notifier.domain.incident import Effect, Incident, effect_of
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message, opening, resolution, summary
from services.notifier.domain.target import Target
from services.notifier.store import Transaction, deliveries, incidents


@dataclass(frozen=True, slots=True)
class _Notice:
    """A message, and what it is about."""

    message: Message
    event: Event
    incident_id: str | None


class Deciding:
    """Decides, in the transaction of the event.

    Nothing disappears: an event counts in an incident, or is written as
    deliveries, or as one suppressed delivery that says why there is none.
    """

    def __init__(self, posting: Posting, links: Links) -> None:
        self._posting = posting
        self._links = links

    async def decide(
        self, transaction: Transaction, event: Event, at: datetime, audience: Audience
    ) -> Incident | None:
        """Writes what follows from an event; gives the incident that it counted in."""
        if effect_of(event.detail.kind) is Effect.OPENS:
            return await self._open(transaction, event, at, audience)
        incident = await incidents.resolve(transaction, event, at)
        if incident:
            await self._tell_the_end(transaction, event, at, audience, incident)
        if isinstance(event.detail, ScanCompleted):
            message = summary(event, at, self._links)
            notice = _Notice(message, event, None)
            await deliveries.add(transaction, self._to_all(notice, audience))
        elif incident is None:
            notice = _Notice(resolution(event, at, None, self._links), event, None)
            await deliveries.add(transaction, [_silenced(notice, Suppression.NO_OPEN_INCIDENT)])
        return incident

    async def _open(
        self, transaction: Transaction, event: Event, at: datetime, audience: Audience
    ) -> Incident:
        incident, opened = await incidents.count(transaction, event, at)
        if opened:
            await deliveries.supersede_endings(transaction, event.location_id, incident.dedup_key)
        elif not await _must_still_be_told(transaction, event, audience, incident):
            return incident
        notice = _Notice(opening(event, at, incident, self._links), event, incident.incident_id)
        await deliveries.add(transaction, self._to_all(notice, audience))
        return incident

    async def _tell_the_end(
        self,
        transaction: Transaction,
        event: Event,
        at: datetime,
        audience: Audience,
        incident: Incident,
    ) -> None:
        told = await deliveries.close_openings(transaction, incident.incident_id)
        if not told:
            return
        message = resolution(event, at, incident, self._links)
        notice = _Notice(message, event, incident.incident_id)
        if not audience.settings.enabled:
            drafts = [_silenced(notice, Suppression.ALERTS_DISABLED)]
        else:
            there = {each.target_id: each for each in audience.targets}
            drafts = [self._to(notice, there.get(each)) for each in told]
        await deliveries.add(transaction, drafts)

    def _to_all(self, notice: _Notice, audience: Audience) -> Sequence[Draft]:
        silence = audience.silence_for(notice.event.detail.kind)
        if silence:
            return [_silenced(notice, silence)]
        return [self._to(notice, each) for each in audience.targets]

    def _to(self, notice: _Notice, target: Target | None) -> Draft:
        if target is None:
            return _silenced(notice, Suppression.TARGET_REMOVED)
        if target.disabled:
            return _silenced(notice, Suppression.TARGET_DISABLED, target)
        return _draft(notice, self._posting.freeze(notice.message, target.channel), target)


async def _must_still_be_told(
    transaction: Transaction, event: Event, audience: Audience, incident: Incident
) -> bool:
    """Says whether a repeat is the first that reaches somebody: a target was set meanwhile."""
    if not audience.reaches_somebody(event.detail.kind):
        return False
    return not await deliveries.somebody_hears_of(transaction, incident.incident_id)


def _silenced(notice: _Notice, because: Suppression, target: Target | None = None) -> Draft:
    return _draft(notice, Frozen(notice.message.subject), target, because)


def _draft(
    notice: _Notice, frozen: Frozen, target: Target | None, because: Suppression | None = None
) -> Draft:
    return Draft(
        delivery_id=new_id(),
        location_id=notice.event.location_id,
        incident_id=notice.incident_id,
        event_id=notice.event.event_id,
        occasion=notice.message.occasion,
        frozen=frozen,
        target=target,
        suppressed_because=because,
    )
