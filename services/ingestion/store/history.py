"""Finds one execution in the log, which is ordered by time and not by id."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.execution import Execution
from services.ingestion.store.executions import execution_of
from services.ingestion.store.tables import ExecutionRow

MOST_RUNS = timedelta(hours=1)
"""Most runs are reported within it, so they are found at once near the time in their id."""
_log = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides it from mypy


async def get(session: AsyncSession, location_id: str, execution_id: str) -> Execution | None:
    """Gives an execution of a location; None when there is none."""
    query = select(*_log).where(_log.location_id == location_id, _log.execution_id == execution_id)
    made_at = _made_at(execution_id)
    near = _log.executed_at.between(made_at - MOST_RUNS, made_at + MOST_RUNS)
    for attempt in (query.where(near), query):
        row = (await session.execute(attempt)).mappings().first()
        if row is not None:
            return execution_of(row)
    return None


def _made_at(execution_id: str) -> datetime:
    """Gives the time in a UUIDv7 (RFC 9562); of another UUID some time or other."""
    milliseconds = UUID(execution_id).int >> 80
    latest = 200_000_000_000_000  # the year 8307, so that an hour may be added
    return datetime.fromtimestamp(min(milliseconds, latest) / 1000, UTC)
