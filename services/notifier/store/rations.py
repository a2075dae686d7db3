"""What a target may still be sent, where sending costs."""

from collections.abc import Sequence

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import DeliveryStatus
from services.notifier.domain.retry import STALE
from services.notifier.domain.target import Target
from services.notifier.store import deliveries
from services.notifier.store.now import now
from services.notifier.store.tables import DeliveryRow

TOO_OLD = "Not sent: an SMS would have come more than 30 minutes late"


async def expire(session: AsyncSession, target: Target) -> Sequence[tuple[str, int]]:
    """Gives up what waits for a target and would come too late; gives subjects and attempts."""
    began = func.coalesce(DeliveryRow.held_until, DeliveryRow.created_at)
    expired = await session.execute(
        update(DeliveryRow)
        .where(
            deliveries.PENDING,
            col(DeliveryRow.target_id) == target.target_id,
            began < func.clock_now() - STALE[target.channel],
            ~col(DeliveryRow.replayed),
        )
        .values(status=DeliveryStatus.FAILED, next_attempt_at=None, last_error=TOO_OLD)
        .returning(col(DeliveryRow.subject), col(DeliveryRow.attempts))
    )
    return [(subject, attempts) for subject, attempts in expired]


async def month_is_full(session: AsyncSession, target: Target) -> bool:
    """Says whether a target was sent as much this month as it may be."""
    return bool(target.monthly_cap) and target.sent_in(await now(session)) >= target.monthly_cap


async def refused_this_month(session: AsyncSession, target: Target) -> bool:
    """Says whether something was not sent to a target this month because of its cap."""
    since = func.date_trunc("month", func.timezone("UTC", func.clock_now()))
    refused = exists().where(
        col(DeliveryRow.target_id) == target.target_id,
        col(DeliveryRow.suppressed_because) == Suppression.MONTHLY_CAP,
        col(DeliveryRow.created_at) >= func.timezone("UTC", since),
    )
    return bool(await session.scalar(select(refused)))
