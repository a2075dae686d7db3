"""Sends again what was given up or missed: the same deliveries, with the same ids."""

from typing import Any

from sqlalchemy import ColumnElement, Result, and_, exists, false, func, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import DeliveryStatus
from services.notifier.domain.target import Target
from services.notifier.store.tables import DeliveryAttemptRow, DeliveryRow


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


def _given_up_since_it_failed(target: Target) -> ColumnElement[bool]:
    if target.health.failing_since is None:
        return false()
    tried = exists().where(
        col(DeliveryAttemptRow.message_id) == DeliveryRow.message_id,
        col(DeliveryAttemptRow.ended_at) >= target.health.failing_since,
    )
    return and_(col(DeliveryRow.status) == DeliveryStatus.FAILED, tried)
