"""Finds urgent deliveries that somebody else must be told, because their target fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db.exchange import Question, exchange, text_of
from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import DeliveryStatus
from services.notifier.domain.folding import unpacked
from services.notifier.domain.message import Message
from services.notifier.domain.pace import Lane
from services.notifier.domain.target import BY_PEOPLE
from services.notifier.store import holds
from services.notifier.store.tables import DeliveryRow, TargetRow

FAILURES = 3
PATIENCE = timedelta(minutes=2)
"""So many failures, or so long without success, and somebody else is told what is critical."""

UNTRIED = "nothing can be sent there now"
"""What is said of a delivery that was not even tried, because its channel is held."""

NEWS_FOR = timedelta(hours=24)
"""What is older is told by the notice that it was given up."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """An urgent delivery that its target did not take."""

    delivery_id: str
    target_id: str
    incident_id: str | None
    event_id: str | None
    message: Message
    error: str


async def locations(session: AsyncSession, most: int) -> Sequence[str]:
    """Gives locations of deliveries that somebody else must be told."""
    answers = await exchange(session, [Question(_LOCATIONS, [str(most)])])
    return sorted({location_id for (location_id,) in answers[_LOCATIONS]})


async def held_due(session: AsyncSession, location_id: str, most: int) -> Sequence[Unheard]:
    """Gives such deliveries of a location that no other process looks at now."""
    query = (
        select(DeliveryRow, col(TargetRow.disabled_because))
        .join(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
        .where(*_is_due(), col(DeliveryRow.location_id) == location_id)
        .order_by(col(DeliveryRow.position))
        .limit(most)
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )
    return [_unheard(row, disabled) for row, disabled in await session.execute(query)]


async def note(session: AsyncSession, told: Sequence[Unheard]) -> None:
    """Notes that somebody else is told."""
    await session.execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.delivery_id).in_([each.delivery_id for each in told]))
        .values(failed_over_at=func.clock_now())
    )
    for each in told:
        await session.execute(
            update(TargetRow)
            .where(col(TargetRow.target_id) == each.target_id)
            .values(failed_over_count=TargetRow.failed_over_count + 1)
        )


def _is_due() -> tuple[ColumnElement[bool], ...]:
    since = func.coalesce(DeliveryRow.held_until, DeliveryRow.created_at)
    fails = and_(
        col(DeliveryRow.status) == DeliveryStatus.PENDING,
        or_(col(DeliveryRow.last_error) != "", holds.cannot_be_used()),
        or_(col(DeliveryRow.attempts) >= FAILURES, since <= func.clock_now() - PATIENCE),
    )
    switched_off = and_(
        col(DeliveryRow.status) == DeliveryStatus.SUPPRESSED,
        col(DeliveryRow.suppressed_because) == Suppression.TARGET_DISABLED,
        col(TargetRow.disabled_because).not_in(BY_PEOPLE),
    )
    return (
        col(TargetRow.fallback_target_id).is_not(None),
        col(TargetRow.removed_at).is_(None),
        col(DeliveryRow.lane) == Lane.URGENT,
        col(DeliveryRow.failed_over_at).is_(None),
        col(DeliveryRow.status) != DeliveryStatus.DELIVERED,
        col(DeliveryRow.created_at) > func.clock_now() - NEWS_FOR,
        col(DeliveryRow.content).is_not(None),
        or_(fails, col(DeliveryRow.status) == DeliveryStatus.FAILED, switched_off),
    )


_LOCATIONS = text_of(
    select(col(DeliveryRow.location_id))
    .join(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
    .where(*_is_due())
    .limit(literal_column("CAST($1 AS integer)"))
)
"""Built once, because it is asked every two seconds."""


def _unheard(row: DeliveryRow, disabled_because: str) -> Unheard:
    return Unheard(
        delivery_id=row.delivery_id,
        target_id=str(row.target_id),
        incident_id=row.incident_id,
        event_id=row.event_id,
        message=unpacked(row.content or {}),
        error=row.last_error or disabled_because or UNTRIED,
    )
