"""Explains what was decided of an event, of an incident, or would be of an event that is imagined."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.db.database import Database
from services.notifier.actions import audiences
from services.notifier.actions.addressing import Addressing, Notice
from services.notifier.domain.decision import Audience, Suppression
from services.notifier.domain.delivery import Delivery, DeliveryFilter, DeliveryStatus, Draft
from services.notifier.domain.event import Event, ScanCompleted
from services.notifier.domain.explanation import (
    REASONS,
    Decision,
    Explanation,
    Fate,
    Heard,
    Outcome,
    decided,
)
from services.notifier.domain.inbox import Attempt
from services.notifier.domain.incident import Effect, Incident, dedup_key_of, effect_of
from services.notifier.domain.links import Links
from services.notifier.domain.message import summary, unfolded
from services.notifier.domain.pace import lane_of
from services.notifier.domain.settings import AlertSettings
from services.notifier.domain.wording import moment
from services.notifier.store import Transaction, causes, deliveries, inbox, incidents, targets
from services.notifier.store import events as event_log
from services.notifier.store.events import Decided
from services.notifier.store.now import now

MOST = 100
TOLD = (Outcome.OPENED, Outcome.RAISED, Outcome.SUMMED_UP)
"""What is told to all that want to hear of it."""


class Explaining:
    """Says why somebody was told, or was not."""

    def __init__(
        self, database: Database, addressing: Addressing, links: Links, built_in: AlertSettings
    ) -> None:
        self._database = database
        self._addressing = addressing
        self._links = links
        self._built_in = built_in

    async def event(self, location_id: str, event_id: str) -> Explanation:
        """Explains what became of an event; raises `EventNotFound`."""
        async with self._database.snapshot() as transaction:
            found = await event_log.decided(transaction, location_id, event_id)
            told = await deliveries.of_event(transaction, event_id, MOST)
            if not told and found.incident_id:
                # It only counted; then what was told of its incident is the answer.
                told = await _told(transaction, location_id, found.incident_id)
            return await self._real(transaction, location_id, found, told)

    async def incident(self, location_id: str, incident_id: str) -> Explanation:
        """Explains who was told of an incident; raises `IncidentNotFound` or `EventNotFound`."""
        async with self._database.snapshot() as transaction:
            await inbox.of(transaction, location_id, incident_id)
            found = await event_log.that_opened(transaction, incident_id)
            told = await _told(transaction, location_id, incident_id)
            return await self._real(transaction, location_id, found, told)

    async def imagined(self, event: Event) -> Explanation:
        """Explains what would become of an event now; changes nothing and tells nobody."""
        async with self._database.transaction() as transaction:
            held = await audiences.held_still(transaction, [event.scope], self._built_in)
            audience = held.of(event.scope)
            open_one = await incidents.open_of(transaction, event.location_id, dedup_key_of(event))
            decision = await self._imagine(transaction, event, audience, open_one)
            told: Sequence[Heard] = ()
            if decision.outcome in TOLD and not decision.mute:
                told = await self._would_hear(transaction, event, audience)
            return Explanation(
                location_id=event.location_id,
                workflow_id=event.scope.workflow_id,
                kind=event.detail.kind,
                severity=event.severity,
                dedup_key=dedup_key_of(event),
                decision=decision,
                decided_at=audience.now,
                incident=open_one,
                heard=told,
                imagined=True,
            )

    async def _imagine(
        self,
        transaction: Transaction,
        event: Event,
        audience: Audience,
        open_one: Incident | None,
    ) -> Decision:
        cause = await causes.cause_of(transaction, event)
        mute = audience.mute_for(event.detail.kind, event.severity, cause)
        if isinstance(event.detail, ScanCompleted):
            mute = mute or audience.mute_for_summary(event.detail)
            return decided(Outcome.SUMMED_UP, audience.settings, mute, audience.now)
        if effect_of(event.detail.kind) is Effect.RESOLVES:
            outcome = Outcome.RESOLVED if open_one else Outcome.NOTHING_OPEN
            return decided(outcome, audience.settings, None, audience.now)
        if open_one and open_one.rises_to(event.severity):
            return decided(Outcome.RAISED, audience.settings, mute, audience.now)
        if open_one and await self._was_heard(transaction, open_one):
            return Decision(outcome=Outcome.COUNTED)
        return decided(Outcome.OPENED, audience.settings, mute, audience.now)

    async def _was_heard(self, transaction: Transaction, incident: Incident) -> bool:
        heard = await deliveries.heard_of(transaction, [incident.incident_id])
        return bool(heard) or incident.looked_after

    async def _would_hear(
        self, transaction: Transaction, event: Event, audience: Audience
    ) -> Sequence[Heard]:
        summed_up = isinstance(event.detail, ScanCompleted)
        make = summary if summed_up else unfolded
        message = make(event, audience.now, self._links)
        drafts = self._addressing.to_all(Notice(message, event.location_id, None, None), audience)
        return [await _would(transaction, each, audience) for each in drafts]

    async def _real(
        self,
        transaction: Transaction,
        location_id: str,
        found: Decided,
        told: Sequence[Delivery],
    ) -> Explanation:
        incident = None
        if found.incident_id:
            incident = await inbox.of(transaction, location_id, found.incident_id)
        tries = await inbox.attempts_of(transaction, [each.message_id for each in told])
        return Explanation(
            location_id=location_id,
            workflow_id=found.workflow_id,
            kind=found.kind,
            severity=found.severity,
            dedup_key=incident.dedup_key if incident else "",
            decision=found.decision,
            decided_at=found.received_at,
            incident=incident,
            heard=_heard(told, tries, await now(transaction)),
        )


async def _told(transaction: Transaction, location_id: str, incident_id: str) -> Sequence[Delivery]:
    return await deliveries.newest(
        transaction, location_id, DeliveryFilter(incident_id), None, MOST
    )


async def _would(transaction: Transaction, draft: Draft, audience: Audience) -> Heard:
    target, mute = draft.target, draft.mute
    if mute or target is None:
        reason = REASONS[mute.because] if mute else ""
        return Heard(fate=Fate.SUPPRESS, reason=reason.capitalize(), target=target)
    until = audience.now + draft.wait
    if draft.held_because:
        reason = f"Held ({draft.held_because}) until {moment(until)}."
        return Heard(fate=Fate.HOLD, reason=reason, until=until, target=target)
    paid_for = await targets.next_paid_for(transaction, target, lane_of(draft.message))
    if paid_for:
        reason = f"Folded with what else waits, when the pace allows: {moment(paid_for)}."
        return Heard(fate=Fate.FOLD, reason=reason, until=paid_for, target=target)
    seconds = round(draft.wait.total_seconds())
    reason = f"Sent after {seconds} s of waiting for company." if seconds else "Sent at once."
    return Heard(fate=Fate.SEND, reason=reason, target=target)


def _heard(
    told: Sequence[Delivery], tries: Mapping[str, Sequence[Attempt]], at: datetime
) -> Sequence[Heard]:
    return [
        Heard(
            fate=_fate(each, at),
            reason=_reason(each, at),
            until=each.held_until if each.is_held(at) else None,
            delivery=each,
            attempts=tries.get(each.message_id, ()),
        )
        for each in told
    ]


def _fate(delivery: Delivery, at: datetime) -> Fate:
    if delivery.status is DeliveryStatus.SUPPRESSED:
        return Fate.SUPPRESS
    if delivery.is_held(at):
        return Fate.HOLD
    folded = delivery.message_id and delivery.message_id != delivery.delivery_id
    return Fate.FOLD if folded else Fate.SEND


def _reason(delivery: Delivery, at: datetime) -> str:
    match delivery.status:
        case DeliveryStatus.SUPPRESSED:
            return f"Not told: {REASONS[Suppression(delivery.suppressed_because)]}"
        case DeliveryStatus.DELIVERED:
            return f"Told at {moment(delivery.delivered_at or delivery.created_at)}."
        case DeliveryStatus.FAILED:
            return f"Given up after {delivery.attempts} attempts: {delivery.last_error}"
    if delivery.held_until and delivery.is_held(at):
        return f"Held ({delivery.held_because}) until {moment(delivery.held_until)}."
    if delivery.attempts:
        often = "once" if delivery.attempts == 1 else f"{delivery.attempts} times"
        return f"Tried {often}; the other side said: {delivery.last_error}"
    return "About to be sent."
