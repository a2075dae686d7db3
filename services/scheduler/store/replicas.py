"""The processes of the scheduler and their last signs of life."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.zones import TZDATA_VERSION
from services.scheduler.store import Transaction
from services.scheduler.store.tables import ReplicaRow

SHOWN_FOR = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One process of the scheduler."""

    replica_id: str
    started_at: datetime
    heartbeat_at: datetime
    last_tick_at: datetime | None
    skew_ms: int
    """How far its clock is ahead of the database's."""
    tzdata_version: str


async def beat(
    session: Transaction, replica_id: str, *, skew_ms: int, last_tick_at: datetime | None
) -> None:
    """Gives a sign of life."""
    signs = {
        "heartbeat_at": func.clock_now(),
        "last_tick_at": last_tick_at,
        "skew_ms": skew_ms,
        "tzdata_version": TZDATA_VERSION,
    }
    await session.execute(
        insert(ReplicaRow)
        .values(id=replica_id, started_at=func.clock_now(), **signs)
        .on_conflict_do_update(constraint="scheduler_replicas_pkey", set_=signs)
    )


async def leave(session: Transaction, replica_id: str) -> None:
    """Forgets a process that stops."""
    await session.execute(delete(ReplicaRow).where(col(ReplicaRow.id) == replica_id))


async def forget_dead(session: Transaction) -> None:
    """Forgets processes that went without a word, after a day."""
    await session.execute(
        delete(ReplicaRow).where(col(ReplicaRow.heartbeat_at) < func.clock_now() - FORGOTTEN_AFTER)
    )


async def alive(session: Transaction) -> list[Replica]:
    """Gives the processes that gave a sign of life lately."""
    query = select(ReplicaRow).where(col(ReplicaRow.heartbeat_at) >= func.clock_now() - SHOWN_FOR)
    return [
        Replica(
            replica_id=row.id,
            started_at=row.started_at,
            heartbeat_at=row.heartbeat_at,
            last_tick_at=row.last_tick_at,
            skew_ms=row.skew_ms,
            tzdata_version=row.tzdata_version,
        )
        for row in await session.scalars(query.order_by(col(ReplicaRow.started_at)))
    ]
