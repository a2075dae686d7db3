"""Keeps and lists the deliveries that could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.page import Position
from services.ingestion.domain.quarantine import QuarantinedDelivery
from services.ingestion.store.forgetting import forget
from services.ingestion.store.keyset import older
from services.ingestion.store.tables import QuarantinedDeliveryRow

KEPT = timedelta(days=30)
_kept = QuarantinedDeliveryRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides it
SHOWN = [each.name for each in fields(QuarantinedDelivery)]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A delivery with its body as it is kept: encrypted."""

    delivery: QuarantinedDelivery
    content_type: str
    idempotency_key: str
    body: bytes


async def add(session: AsyncSession, deliveries: Sequence[Sealed]) -> None:
    """Adds deliveries."""
    if not deliveries:
        return
    rows = [
        {
            **{name: getattr(each.delivery, name) for name in SHOWN},
            "content_type": each.content_type,
            "idempotency_key": each.idempotency_key,
            "sealed_body": each.body,
        }
        for each in deliveries
    ]
    await session.execute(insert(QuarantinedDeliveryRow), rows)


async def newest(
    session: AsyncSession, location_id: str, *, limit: int, after: Position | None
) -> list[QuarantinedDelivery]:
    """Lists deliveries of a location, newest first."""
    query = select(*(_kept[name] for name in SHOWN)).where(_kept.location_id == location_id)
    if after is not None:
        query = query.where(older(_kept.received_at, _kept.quarantine_id, than=after))
    query = query.order_by(_kept.received_at.desc(), _kept.quarantine_id.desc()).limit(limit)
    found = await session.execute(query)
    return [QuarantinedDelivery(**row) for row in found.mappings()]


async def sealed(
    session: AsyncSession, location_id: str, *, limit: int, after: Position | None
) -> list[Sealed]:
    """Lists deliveries of a location with their bodies, newest first."""
    query = select(*_kept).where(_kept.location_id == location_id)
    if after is not None:
        query = query.where(older(_kept.received_at, _kept.quarantine_id, than=after))
    query = query.order_by(_kept.received_at.desc(), _kept.quarantine_id.desc()).limit(limit)
    return [_sealed(row) for row in (await session.execute(query)).mappings()]


async def get(session: AsyncSession, location_id: str, quarantine_id: str) -> Sealed | None:
    """Gives a delivery of a location; None when there is none."""
    query = select(*_kept).where(*_one(location_id, quarantine_id))
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else _sealed(row)


async def remove(session: AsyncSession, location_id: str, quarantine_id: str) -> bool:
    """Removes a delivery; says whether it was there."""
    statement = delete(QuarantinedDeliveryRow).where(*_one(location_id, quarantine_id))
    removed = await session.execute(statement.returning(_kept.quarantine_id))
    return removed.first() is not None


def _sealed(row: RowMapping) -> Sealed:
    delivery = QuarantinedDelivery(**{name: row[name] for name in SHOWN})
    return Sealed(delivery, row["content_type"], row["idempotency_key"], row["sealed_body"])


def _one(location_id: str, quarantine_id: str) -> tuple[ColumnElement[bool], ...]:
    return _kept.location_id == location_id, _kept.quarantine_id == quarantine_id


async def forget_expired(session: AsyncSession) -> int:
    """Removes some of the deliveries that outlived their days; gives how many."""
    return await forget(session, "quarantined_deliveries", "received_at", KEPT)
