"""Takes a contact out of what is kept of runs, and leaves the runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

# What the roll-ups are made of stays, so they go on saying what the log says.
FORGET = text("""
    UPDATE execution_logs SET contact_ref = NULL, run_id = '', error_message = ''
    WHERE location_id = :location_id AND contact_ref = ANY (CAST(:refs AS uuid[]))
        AND executed_at >= :start AND executed_at < :end
""")
FORGET_OPEN = text("""
    UPDATE open_runs SET contact_ref = NULL
    WHERE location_id = :location_id AND contact_ref = ANY (CAST(:refs AS uuid[]))
""")


async def forget(
    session: AsyncSession,
    location_id: str,
    refs: Sequence[str],
    *,
    start: datetime,
    end: datetime,
) -> int:
    """Takes a contact out of the runs between two times; gives how many had it."""
    given = {"location_id": location_id, "refs": list(refs), "start": start, "end": end}
    updated = await session.execute(FORGET, given)
    return cast("CursorResult[Any]", updated).rowcount


async def forget_open(session: AsyncSession, location_id: str, refs: Sequence[str]) -> None:
    """Takes a contact out of the runs that did not end yet."""
    await session.execute(FORGET_OPEN, {"location_id": location_id, "refs": list(refs)})
