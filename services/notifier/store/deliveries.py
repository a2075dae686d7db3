"""Reads and writes `deliveries`: what was decided, and what became of it."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import Delivery, DeliveryStatus, Draft
from services.notifier.domain.message import Occasion
from services.notifier.store.tables import DeliveryRow, IncidentRow

PENDING = col(DeliveryRow.status) == DeliveryStatus.PENDING


async def add(session: AsyncSession, drafts: Sequence[Draft]) -> None:
    """Writes what was decided; what is to be sent is due at once."""
    if drafts:
        await session.execute(insert(DeliveryRow).values([_row(draft) for draft in drafts]))


async def somebody_hears_of(session: AsyncSession, incident_id: str) -> bool:
    """Says whether an incident's opening was sent to anybody, or is going to be."""
    query = select(
        exists().where(
            col(DeliveryRow.incident_id) == incident_id,
            col(DeliveryRow.occasion) == Occasion.OPENED,
            col(DeliveryRow.status) != DeliveryStatus.SUPPRESSED,
        )
    )
    return bool(await session.scalar(query))


async def close_openings(session: AsyncSession, incident_id: str) -> Sequence[str]:
    """Gives the targets that must hear that an incident is over.

    Those are the ones its opening was delivered to, and those it still waits for:
    there the opening is folded into the message that it is over. An attempt that
    is under way may still deliver it; then both arrive, in order.
    """
    opening = (
        col(DeliveryRow.incident_id) == incident_id,
        col(DeliveryRow.occasion) == Occasion.OPENED,
    )
    delivered = select(col(DeliveryRow.target_id)).where(
        *opening, col(DeliveryRow.status) == DeliveryStatus.DELIVERED
    )
    folded = (
        update(DeliveryRow)
        .where(*opening, PENDING)
        .values(**_suppressed(Suppression.FOLDED))
        .returning(col(DeliveryRow.target_id))
    )
    waiting = (await session.scalars(folded)).all()
    told = (await session.scalars(delivered)).all()
    return sorted({each for each in (*told, *waiting) if each})


async def supersede_endings(session: AsyncSession, location_id: str, dedup_key: str) -> None:
    """Suppresses messages that something is over, now that it is not; none may arrive after."""
    earlier = select(col(IncidentRow.incident_id)).where(
        col(IncidentRow.location_id) == location_id, col(IncidentRow.dedup_key) == dedup_key
    )
    await _suppress(
        session,
        Suppression.SUPERSEDED,
        col(DeliveryRow.location_id) == location_id,
        col(DeliveryRow.occasion) == Occasion.RESOLVED,
        col(DeliveryRow.incident_id).in_(earlier),
    )


async def suppress_waiting_for(session: AsyncSession, target_id: str, because: Suppression) -> None:
    """Suppresses what waits for a target."""
    await _suppress(session, because, col(DeliveryRow.target_id) == target_id)


async def suppress_waiting_in(
    session: AsyncSession, location_id: str, because: Suppression
) -> None:
    """Suppresses what waits in a location."""
    await _suppress(session, because, col(DeliveryRow.location_id) == location_id)


async def readdress(session: AsyncSession, target_id: str, sent_to: str) -> None:
    """Notes that what waits for a target goes to its new address, now."""
    await session.execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.target_id) == target_id, PENDING)
        .values(sent_to=sent_to, next_attempt_at=func.clock_now())
    )


async def newest(
    session: AsyncSession, location_id: str, incident_id: str, before: int | None, limit: int
) -> Sequence[Delivery]:
    """Gives a location's deliveries, newest first."""
    query = (
        select(DeliveryRow)
        .where(col(DeliveryRow.location_id) == location_id)
        .order_by(col(DeliveryRow.position).desc())
        .limit(limit)
    )
    if incident_id:
        query = query.where(col(DeliveryRow.incident_id) == incident_id)
    if before is not None:
        query = query.where(col(DeliveryRow.position) < before)
    return [_from_row(row) for row in await session.scalars(query)]


async def _suppress(
    session: AsyncSession, because: Suppression, *where: ColumnElement[bool]
) -> None:
    await session.execute(update(DeliveryRow).where(PENDING, *where).values(**_suppressed(because)))


def _suppressed(because: Suppression) -> dict[str, object]:
    return {
        "status": DeliveryStatus.SUPPRESSED,
        "suppressed_because": because,
        "next_attempt_at": None,
    }


def _row(draft: Draft) -> dict[str, object]:
    target, because = draft.target, draft.suppressed_because
    return {
        "delivery_id": draft.delivery_id,
        "location_id": draft.location_id,
        "incident_id": draft.incident_id,
        "event_id": draft.event_id,
        "target_id": target and target.target_id,
        "channel": target.channel if target else "",
        "sent_to": target.masked if target else "",
        "occasion": draft.occasion,
        "subject": draft.frozen.subject,
        "body_text": draft.frozen.text,
        "body_html": draft.frozen.html,
        "body": draft.frozen.body,
        "status": DeliveryStatus.SUPPRESSED if because else DeliveryStatus.PENDING,
        "suppressed_because": because or "",
        "attempts": 0,
        "last_error": "",
        "created_at": func.clock_now(),
        "next_attempt_at": null() if because else func.clock_now(),
    }


def _from_row(row: DeliveryRow) -> Delivery:
    return Delivery(
        position=row.position,
        delivery_id=row.delivery_id,
        location_id=row.location_id,
        incident_id=row.incident_id,
        event_id=row.event_id,
        channel=row.channel,
        sent_to=row.sent_to,
        occasion=Occasion(row.occasion),
        subject=row.subject,
        status=DeliveryStatus(row.status),
        suppressed_because=row.suppressed_because,
        attempts=row.attempts,
        last_error=row.last_error,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
    )
