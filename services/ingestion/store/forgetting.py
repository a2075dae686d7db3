"""Removing what is older than we keep it."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

AT_ONCE = 5000
"""A larger bite would hold its locks for too long."""


async def forget(session: AsyncSession, table: str, column: str, kept: timedelta) -> int:
    """Removes up to 5,000 rows of a table that are too old; gives how many.

    Leaves alone what another replica is removing.
    """
    statement = text(f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {column} <= clock_now() - CAST(:kept AS interval)
            LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
        ))
    """)  # noqa: S608  names of our own
    deleted = await session.execute(statement, {"kept": kept})
    return cast("CursorResult[Any]", deleted).rowcount
