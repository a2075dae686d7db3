"""Sends again what was given up or missed: the same deliveries, with the same ids."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Result, and_, exists, false, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import DeliveryStatus, Replayable, Span
from services.notifier.domain.target import Target
from services.notifier.store.tables import DeliveryAttemptRow, DeliveryRow, TargetRow


async def missed(session: AsyncSession, target: Target) -> int:
    """Lets a target have what it missed since it began to fail or was switched off.

    Each message costs as much of the target's pace as when it was new.
    """
    switched_off = and_(
        col(DeliveryRow.status) == DeliveryStatus.SUPPRESSED,
        col(DeliveryRow.suppressed_because) == Suppression.TARGET_DISABLED,
        sendable(),
    )
    return await again(
        session,
        col(DeliveryRow.target_id) == target.target_id,
        or_(switched_off, _given_up_since_it_failed(target)),
    )


async def given_up(session: AsyncSession, location_id: str, span: Span, *, force: bool) -> int:
    """Sends again what a location's targets did not take in a span of time; gives how much."""
    taken = [DeliveryStatus.FAILED, *([DeliveryStatus.DELIVERED] if force else [])]
    end = func.clock_now() if span.end is None else span.end
    of_target = col(DeliveryRow.target_id) == span.target_id if span.target_id else true()
    return await again(
        session,
        col(DeliveryRow.location_id) == location_id,
        col(DeliveryRow.status).in_(taken),
        col(DeliveryRow.created_at) >= span.begin,
        col(DeliveryRow.created_at) < end,
        of_target,
        sendable(),
        _has_open_target(),
    )


async def held(
    session: AsyncSession, location_id: str, delivery_ids: Collection[str]
) -> Mapping[str, Replayable]:
    """Gives what is to be known of deliveries before they are sent again, and holds them."""
    query = (
        select(DeliveryRow, TargetRow)
        .outerjoin(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
        .where(
            col(DeliveryRow.location_id) == location_id,
            col(DeliveryRow.delivery_id).in_(list(delivery_ids)),
        )
        .order_by(col(DeliveryRow.position))
        .with_for_update(of=DeliveryRow)
    )
    return {row.delivery_id: _replayable(row, at) for row, at in await session.execute(query)}


async def named(session: AsyncSession, delivery_ids: Collection[str]) -> int:
    """Sends held deliveries again; gives how many."""
    return await again(session, col(DeliveryRow.delivery_id).in_(list(delivery_ids)))


async def again(session: AsyncSession, *which: ColumnElement[bool]) -> int:
    """Makes deliveries due once more, as if never tried; gives how many."""
    done: Result[Any] = await session.execute(
        update(DeliveryRow)
        .where(*which)
        .values(
            status=DeliveryStatus.PENDING,
            suppressed_because="",
            attempts=0,
            last_error="",
            delivered_at=None,
            next_attempt_at=func.clock_now(),
            held_until=None,
            replayed=True,
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def sendable() -> ColumnElement[bool]:
    """Says in SQL that what a delivery tells is still known."""
    return or_(col(DeliveryRow.message_id).is_not(None), col(DeliveryRow.content).is_not(None))


def _has_open_target() -> ColumnElement[bool]:
    return exists().where(
        col(TargetRow.target_id) == DeliveryRow.target_id,
        col(TargetRow.removed_at).is_(None),
        col(TargetRow.disabled_because) == "",
    )


def _replayable(row: DeliveryRow, target: TargetRow | None) -> Replayable:
    lost = row.message_id is None and row.content is None
    return Replayable(
        status=DeliveryStatus(row.status),
        lost=lost or target is None or target.removed_at is not None,
        switched_off=target is not None and bool(target.disabled_because),
    )


def _given_up_since_it_failed(target: Target) -> ColumnElement[bool]:
    if target.health.failing_since is None:
        return false()
    tried = exists().where(
        col(DeliveryAttemptRow.message_id) == DeliveryRow.message_id,
        col(DeliveryAttemptRow.ended_at) >= target.health.failing_since,
    )
    return and_(col(DeliveryRow.status) == DeliveryStatus.FAILED, tried)
