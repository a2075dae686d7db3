"""What a target may still be sent, where sending costs."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.delivery import DeliveryStatus
from services.notifier.domain.retry import STALE
from services.notifier.domain.target import Target
from services.notifier.store import deliveries
from services.notifier.store.tables import DeliveryRow

TOO_OLD = "Not sent: an SMS would have come more than 30 minutes late"


async def expire(session: AsyncSession, target: Target) -> None:
    """Gives up what waits for a target and would come too late."""
    began = func.coalesce(DeliveryRow.held_until, DeliveryRow.created_at)
    await session.execute(
        update(DeliveryRow)
        .where(
            deliveries.PENDING,
            col(DeliveryRow.target_id) == target.target_id,
            began < func.clock_now() - STALE[target.channel],
            ~col(DeliveryRow.replayed),
        )
        .values(status=DeliveryStatus.FAILED, next_attempt_at=None, last_error=TOO_OLD)
    )


async def month_is_full(session: AsyncSession, target: Target) -> bool:
    """Says whether a target was sent as much this month as it may be."""
    now = (await session.scalars(select(func.clock_now()))).one()
    return bool(target.monthly_cap) and target.sent_in(now) >= target.monthly_cap
