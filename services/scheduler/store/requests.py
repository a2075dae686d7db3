"""Which scan a caller's key was answered with, for ever."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.store import Transaction
from services.scheduler.store.tables import ScanRequestRow


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call with this key was answered."""

    scan_id: str
    already_running: bool
    asked: str
    """What the call asked for, as a digest; empty when an older release answered it."""


async def claim(
    session: Transaction, location_id: str, key: str, scan_id: str, asked: str
) -> Answer | None:
    """Keeps a caller's key for a scan; gives the answer when the key was used before.

    A second call with the key waits here for the first one's transaction.
    """
    statement = insert(ScanRequestRow).values(
        location_id=location_id,
        idempotency_key=key,
        scan_id=scan_id,
        already_running=False,
        created_at=func.clock_now(),
        asked=asked,
    )
    claimed = await session.execute(
        statement.on_conflict_do_nothing().returning(col(ScanRequestRow.scan_id))
    )
    if claimed.first():
        return None
    query = select(
        col(ScanRequestRow.scan_id), col(ScanRequestRow.already_running), col(ScanRequestRow.asked)
    )
    row = (await session.execute(query.where(*_key(location_id, key)))).one()
    return Answer(*row)


async def point(session: Transaction, location_id: str, key: str, scan_id: str) -> None:
    """Lets a key that was just claimed name the scan that was there already."""
    await session.execute(
        update(ScanRequestRow)
        .where(*_key(location_id, key))
        .values(scan_id=scan_id, already_running=True)
    )


def _key(location_id: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(ScanRequestRow.location_id) == location_id,
        col(ScanRequestRow.idempotency_key) == key,
    )
