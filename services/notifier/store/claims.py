"""Hands out deliveries that are due, one target at a time, and writes down what came of them.

The lease is on the target, not on the delivery. So over all replicas there is at
most one request at once to a target, its deliveries keep their order, and a slow
target holds nobody else up. Whoever lost the lease meanwhile writes nothing.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    Insert,
    Select,
    Update,
    case,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import col

from libs.ids import new_id
from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import LARGEST_ANSWER, Claim, DeliveryStatus, Frozen
from services.notifier.domain.retry import HOLD, Fate, Outcome, Verdict
from services.notifier.domain.target import Channel, Target
from services.notifier.domain.text import cut_to_bytes
from services.notifier.store import deliveries, targets
from services.notifier.store.tables import (
    ChannelHoldRow,
    DeliveryAttemptRow,
    DeliveryRow,
    TargetRow,
)

LEASES = {Channel.WEBHOOK: timedelta(seconds=20), Channel.EMAIL: timedelta(seconds=60)}
"""Twice as long as an attempt takes at most."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No delivery was handed out; `look_again` when another process was only just faster."""

    look_again: bool


async def claim(session: AsyncSession) -> Claim | Nothing:
    """Takes the lease on a target for which something is due, and gives its oldest due delivery."""
    token = new_id()
    row = await session.scalar(_lease_next(token))
    if row is None:
        return Nothing(look_again=False)
    target = targets.target_from(row)
    delivery = await session.scalar(_oldest_due(target.target_id))
    if delivery is None:
        # It was due when the targets were looked through; its delivery was made since.
        await targets.hand_back(session, target, token)
        return Nothing(look_again=True)
    return _claim(token, target, delivery)


async def settle(
    session: AsyncSession, claim: Claim, outcome: Outcome, fate: Fate, elapsed_ms: int
) -> bool:
    """Writes an attempt and its consequences, and ends the lease; False when it was lost."""
    target_id = claim.target.target_id
    address = await targets.hand_back(session, claim.target, claim.lease_token, fate.pause)
    if address is None:
        return False
    if address != claim.target.address:
        # It was changed meanwhile; what the old one said does not bind the new one.
        fate = Fate(wait=timedelta(0))
    await session.execute(_attempt(claim, outcome, fate, elapsed_ms))
    await session.execute(_consequence(claim, outcome, fate))
    if fate.disables_target:
        await targets.disable(session, target_id, outcome.detail)
        await deliveries.suppress_waiting_for(session, target_id, Suppression.TARGET_DISABLED)
    if fate.holds_channel:
        await session.execute(_hold(claim.target.channel))
    return True


def _lease_next(token: str) -> ReturningUpdate[TargetRow]:
    held = exists().where(
        col(ChannelHoldRow.channel) == TargetRow.channel,
        col(ChannelHoldRow.held_until) > func.clock_now(),
    )
    due = exists().where(
        col(DeliveryRow.target_id) == TargetRow.target_id,
        deliveries.PENDING,
        col(DeliveryRow.next_attempt_at) <= func.clock_now(),
    )
    longest_unserved = (
        select(col(TargetRow.target_id))
        .where(
            targets.free(),
            col(TargetRow.next_at) <= func.clock_now(),
            col(TargetRow.removed_at).is_(None),
            ~held,
            due,
        )
        .order_by(col(TargetRow.next_at))
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
        .scalar_subquery()
    )
    spans = {channel: literal(span) for channel, span in LEASES.items()}
    return (
        update(TargetRow)
        .where(col(TargetRow.target_id) == longest_unserved)
        .values(
            lease_until=func.clock_now() + case(spans, value=col(TargetRow.channel)),
            lease_token=token,
        )
        .returning(TargetRow)
    )


def _oldest_due(target_id: str) -> Select[DeliveryRow]:
    return (
        select(DeliveryRow)
        .where(
            col(DeliveryRow.target_id) == target_id,
            deliveries.PENDING,
            col(DeliveryRow.next_attempt_at) <= func.clock_now(),
        )
        .order_by(col(DeliveryRow.position))
        .limit(1)
    )


def _claim(token: str, target: Target, delivery: DeliveryRow) -> Claim:
    return Claim(
        lease_token=token,
        target=target,
        delivery_id=delivery.delivery_id,
        incident_id=delivery.incident_id,
        attempts=delivery.attempts,
        frozen=Frozen(
            subject=delivery.subject,
            text=delivery.body_text,
            html=delivery.body_html,
            body=delivery.body,
        ),
        created_at=delivery.created_at,
    )


def _attempt(claim: Claim, outcome: Outcome, fate: Fate, elapsed_ms: int) -> Insert:
    return insert(DeliveryAttemptRow).values(
        delivery_id=claim.delivery_id,
        verdict=outcome.verdict,
        code=outcome.code,
        detail=cut_to_bytes(outcome.detail, LARGEST_ANSWER),
        charged=fate.charged,
        elapsed_ms=elapsed_ms,
        ended_at=func.clock_now(),
    )


def _consequence(claim: Claim, outcome: Outcome, fate: Fate) -> Update:
    attempts = DeliveryRow.attempts + (1 if fate.charged else 0)
    one = update(DeliveryRow).where(col(DeliveryRow.delivery_id) == claim.delivery_id)
    if outcome.verdict is Verdict.DELIVERED:
        # Also when it was suppressed while it was under way: what arrived, arrived.
        return one.values(
            status=DeliveryStatus.DELIVERED,
            suppressed_because="",
            attempts=attempts,
            last_error="",
            next_attempt_at=None,
            delivered_at=func.clock_now(),
        )
    # It may have been suppressed while it was under way; then it stays so.
    still = deliveries.PENDING
    after = DeliveryStatus.FAILED if fate.wait is None else DeliveryStatus.PENDING
    due = null() if fate.wait is None else func.clock_now() + fate.wait
    return one.values(
        status=case((still, after), else_=DeliveryRow.status),
        attempts=attempts,
        last_error=cut_to_bytes(outcome.detail, LARGEST_ANSWER),
        next_attempt_at=case((still, due), else_=DeliveryRow.next_attempt_at),
    )


def _hold(channel: Channel) -> Insert:
    until = func.clock_now() + HOLD
    return (
        upsert(ChannelHoldRow)
        .values(channel=channel, held_until=until)
        .on_conflict_do_update(constraint="channel_holds_pkey", set_={"held_until": until})
    )
