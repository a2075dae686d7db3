"""Hands out messages that are due, one target at a time, and writes down what came of them.

The lease is on the target, not on the message. So over all replicas there is at
most one request at once to a target, what is new keeps its order, and a slow
target holds nobody else up. Whoever lost the lease meanwhile writes nothing.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Update,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import col

from libs.ids import new_id
from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import (
    LARGEST_ANSWER,
    Claim,
    DeliveryStatus,
    Frozen,
    Waiting,
)
from services.notifier.domain.folding import unpacked
from services.notifier.domain.pace import PACES, Lane, lane_of, most_in_one
from services.notifier.domain.retry import WORN_OUT_FAILURES, Fate, Outcome, Verdict, worn_out
from services.notifier.domain.target import Channel, Target
from services.notifier.domain.text import cut_to_bytes
from services.notifier.store import deliveries, holds, targets
from services.notifier.store.now import now
from services.notifier.store.tables import (
    DeliveryAttemptRow,
    DeliveryRow,
    MessageRow,
    TargetRow,
)
from services.notifier.store.targets import EPOCH

LEASES = dict.fromkeys(Channel, timedelta(seconds=20)) | {Channel.EMAIL: timedelta(seconds=60)}
"""Twice as long as an attempt takes at most."""


async def lease_next(
    session: AsyncSession, *, but_failing: bool = False
) -> tuple[Target, str] | None:
    """Takes the lease on a target for which something is due; gives it with the lease's token.

    With `but_failing` none that did not take what it was sent last.
    """
    token = new_id()
    row = await session.scalar(_lease_next(token, but_failing=but_failing))
    return (targets.target_from(row), token) if row else None


async def due(session: AsyncSession, target: Target, token: str) -> Claim | Waiting | None:
    """Gives what is to be sent to a leased target: a message, or what is to become one.

    The urgent lane goes first, and in a lane what was begun before what is new.
    None when it was sent since the targets were looked through.
    """
    first = await session.scalar(_first_due(target.target_id))
    if first is None:
        return None
    if first.message_id is None:
        return await _waiting(session, target, Lane(first.lane))
    if first.replayed:
        await _pay_again(session, target, first)
    query = select(MessageRow).where(col(MessageRow.message_id) == first.message_id)
    message = (await session.scalars(query)).one()
    return _claim(token, target, message, first.attempts)


async def freeze(
    session: AsyncSession, target: Target, token: str, waiting: Waiting, frozen: Frozen
) -> Claim:
    """Makes waiting deliveries one message, which from now on keeps its id and bytes."""
    first, *more = waiting.incident_ids
    statement = (
        insert(MessageRow)
        .values(
            message_id=waiting.delivery_ids[0],
            target_id=target.target_id,
            incident_id=None if more else first,
            subject=frozen.subject,
            body_text=frozen.text,
            body_html=frozen.html,
            body=frozen.body,
            created_at=func.clock_now(),
        )
        .returning(MessageRow)
    )
    message = (await session.scalars(statement)).one()
    await session.execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.delivery_id).in_(list(waiting.delivery_ids)))
        .values(message_id=message.message_id, next_attempt_at=func.clock_now(), replayed=False)
    )
    await targets.pay(session, target, lane_of(waiting.messages[0]))
    return _claim(token, target, message, attempts=0)


async def settle(
    session: AsyncSession, claim: Claim, outcome: Outcome, fate: Fate, elapsed_ms: int
) -> Fate | None:
    """Writes an attempt and its consequences, and ends the lease.

    Gives what becomes of the message now; None when the lease was lost.
    """
    target_id = claim.target.target_id
    target = await targets.hand_back(session, claim.target, claim.lease_token, fate.pause, outcome)
    if target is None:
        return None
    if target.address != claim.target.address:
        # It was changed meanwhile; what the old one said does not bind the new one.
        fate = Fate(wait=timedelta(0))
    elif target.health.failures >= WORN_OUT_FAILURES and worn_out(
        target.health, await now(session)
    ):
        fate = replace(fate, disables_target=True)
    await session.execute(_attempt(claim, outcome, fate, elapsed_ms))
    await session.execute(_consequence(claim, outcome, fate))
    if fate.disables_target:
        await targets.disable(session, target_id, outcome.detail)
        await deliveries.suppress_waiting_for(session, target_id, Suppression.TARGET_DISABLED)
    if fate.holds_channel:
        await holds.hold(session, claim.target.channel)
    return fate


async def _pay_again(session: AsyncSession, target: Target, first: DeliveryRow) -> None:
    await targets.pay(session, target, Lane(first.lane))
    await session.execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.message_id) == first.message_id)
        .values(replayed=False)
    )


def late() -> Select[Any]:
    """Asks how many deliveries could be sent now, and for how long the oldest of them could."""
    since = func.greatest(
        DeliveryRow.next_attempt_at,
        TargetRow.next_at,
        TargetRow.lease_until,
        case(
            (col(DeliveryRow.message_id).is_not(None), EPOCH),
            (
                col(DeliveryRow.lane) == Lane.URGENT,
                TargetRow.urgent_paid_until - _slack(Lane.URGENT),
            ),
            else_=TargetRow.calm_paid_until - _slack(Lane.CALM),
        ),
    )
    return (
        select(func.count(), func.clock_now() - func.min(since))
        .select_from(DeliveryRow)
        .join(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
        .where(*_is_due(), _is_paid_for(), *_can_be_served())
    )


def _lease_next(token: str, *, but_failing: bool) -> ReturningUpdate[TargetRow]:
    due = exists().where(
        col(DeliveryRow.target_id) == TargetRow.target_id, *_is_due(), _is_paid_for()
    )
    longest_unserved = (
        select(col(TargetRow.target_id))
        .where(*_can_be_served(), *_works(but_failing), due)
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


def _can_be_served() -> tuple[ColumnElement[bool], ...]:
    return (
        targets.free(),
        col(TargetRow.next_at) <= func.clock_now(),
        col(TargetRow.removed_at).is_(None),
        ~holds.is_held(),
    )


def _works(only: bool) -> tuple[ColumnElement[bool], ...]:
    return (col(TargetRow.failures) == 0,) if only else ()


def _slack(lane: Lane) -> ColumnElement[timedelta]:
    slack = {channel: literal(PACES[channel, lane].slack) for channel in Channel}
    return case(slack, value=col(TargetRow.channel))


def _is_due() -> tuple[ColumnElement[bool], ...]:
    return deliveries.PENDING, col(DeliveryRow.next_attempt_at) <= func.clock_now()


def _is_paid_for() -> ColumnElement[bool]:
    """Says in SQL that the pace allows it: a new message costs, another attempt does not."""
    return or_(
        and_(col(DeliveryRow.message_id).is_not(None), ~col(DeliveryRow.replayed)),
        and_(col(DeliveryRow.lane) == Lane.URGENT, targets.has_credit(Lane.URGENT)),
        and_(col(DeliveryRow.lane) != Lane.URGENT, targets.has_credit(Lane.CALM)),
    )


def _first_due(target_id: str) -> Select[DeliveryRow]:
    return (
        select(DeliveryRow)
        .join(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
        .where(col(DeliveryRow.target_id) == target_id, *_is_due(), _is_paid_for())
        .order_by(
            col(DeliveryRow.lane), col(DeliveryRow.message_id).is_(None), col(DeliveryRow.position)
        )
        .limit(1)
    )


async def _waiting(session: AsyncSession, target: Target, lane: Lane) -> Waiting | None:
    """Gives all that waits in a lane; what only waits for company goes along."""
    query = (
        select(DeliveryRow)
        .where(
            col(DeliveryRow.target_id) == target.target_id,
            deliveries.PENDING,
            col(DeliveryRow.message_id).is_(None),
            col(DeliveryRow.lane) == lane,
            func.coalesce(DeliveryRow.held_until, EPOCH) <= func.clock_now(),
        )
        .order_by(col(DeliveryRow.position))
        .limit(most_in_one(target.channel, lane))
        .with_for_update()
    )
    rows = (await session.scalars(query)).all()
    if not rows:
        return None
    return Waiting(
        [row.delivery_id for row in rows],
        [row.incident_id for row in rows],
        [unpacked(row.content or {}) for row in rows],
    )


def _claim(token: str, target: Target, message: MessageRow, attempts: int) -> Claim:
    return Claim(
        lease_token=token,
        target=target,
        message_id=message.message_id,
        incident_id=message.incident_id,
        attempts=attempts,
        frozen=Frozen(
            subject=message.subject,
            text=message.body_text,
            html=message.body_html,
            body=message.body,
        ),
        created_at=message.created_at,
    )


def _attempt(claim: Claim, outcome: Outcome, fate: Fate, elapsed_ms: int) -> Insert:
    return insert(DeliveryAttemptRow).values(
        message_id=claim.message_id,
        verdict=outcome.verdict,
        code=outcome.code,
        detail=cut_to_bytes(outcome.detail, LARGEST_ANSWER),
        charged=fate.charged,
        elapsed_ms=elapsed_ms,
        ended_at=func.clock_now(),
    )


def _consequence(claim: Claim, outcome: Outcome, fate: Fate) -> Update:
    attempts = DeliveryRow.attempts + (1 if fate.charged else 0)
    one = update(DeliveryRow).where(col(DeliveryRow.message_id) == claim.message_id)
    if outcome.verdict is Verdict.DELIVERED:
        # Also when it was suppressed while it was under way: what arrived, arrived.
        return one.values(
            status=DeliveryStatus.DELIVERED,
            suppressed_because="",
            attempts=attempts,
            last_error="",
            last_code=outcome.code,
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
        last_code=outcome.code,
        next_attempt_at=case((still, due), else_=DeliveryRow.next_attempt_at),
    )
