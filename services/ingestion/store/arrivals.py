"""Remembers which batches arrived, for whoever watches; a few bytes for each batch."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
from libs.db.exchange import Question
from services.ingestion.domain.execution import Source
from services.ingestion.domain.tail import Arrival, Arrived
from services.ingestion.store.executions import execution_of
from services.ingestion.store.forgetting import forget
from services.ingestion.store.tables import ExecutionRow

KEPT = timedelta(days=1)
UNSETTLED = timedelta(seconds=35)
"""No transaction is longer: what is older than that can be seen, or will never be."""

ADD = "INSERT INTO arrivals (arrived_at, moments) VALUES ($1, $2)"
UNSETTLED_NOW = text("""
    SELECT arrival_id, arrived_at, moments FROM arrivals
    WHERE arrived_at > CAST(:at AS timestamptz) - CAST(:unsettled AS interval) ORDER BY arrival_id
""")
# From a little before the one that is named: a slower transaction may have
# got its number earlier and have been seen later. Without it from the oldest.
SINCE = text("""
    SELECT arrival_id, arrived_at, moments FROM arrivals
    WHERE arrived_at >= coalesce(
        (SELECT arrived_at FROM arrivals WHERE arrival_id = :place), '-infinity'
    ) - CAST(:unsettled AS interval) AND arrival_id > :after
    ORDER BY arrival_id LIMIT :most
""")
_log = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides it from mypy


def adding(at: datetime, moments: Collection[datetime]) -> Question:
    """Gives the statement that adds a batch: its time, and those at which its runs ended."""
    return Question(ADD, (at.isoformat(), arrays.moments(sorted(set(moments)))))


async def unsettled(session: AsyncSession, at: datetime) -> list[Arrival]:
    """Gives the batches since half a minute before a time: new ones may still appear there."""
    rows = await session.execute(UNSETTLED_NOW, {"at": at, "unsettled": UNSETTLED})
    return [Arrival(*row) for row in rows]


async def since(session: AsyncSession, place: int, *, after: int, most: int) -> list[Arrival]:
    """Gives batches from a little before a place on, in the order of their numbers."""
    given = {"place": place, "unsettled": UNSETTLED, "after": after, "most": most}
    return [Arrival(*row) for row in await session.execute(SINCE, given)]


async def executions(
    session: AsyncSession, batches: Sequence[Arrival], locations: Collection[str]
) -> list[Arrived]:
    """Gives the executions of batches that belong to locations, batch by batch."""
    pairs = {(moment, each.arrived_at): each for each in batches for moment in each.moments}
    if not pairs or not locations:
        return []
    query = select(*_log).where(
        _log.executed_at.in_({moment for moment, _ in pairs}),
        tuple_(_log.executed_at, _log.received_at).in_(list(pairs)),
        _log.location_id.in_(locations),
        _log.source != Source.IMPORT,
    )
    found = [execution_of(row) for row in (await session.execute(query)).mappings()]
    arrived = [
        Arrived(pairs[each.executed_at, each.received_at].arrival_id, each) for each in found
    ]
    return sorted(arrived, key=lambda each: (each.arrival_id, each.execution.execution_id))


async def forget_expired(session: AsyncSession) -> int:
    """Removes some of the batches that are older than a day; gives how many."""
    return await forget(session, "arrivals", "arrived_at", KEPT)
