"""Counts what lies around, for whoever asks how ingestion is."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MOST = 10_000
COUNTS = text(f"""
    SELECT
        (SELECT max(arrived_at) FROM arrivals),
        (SELECT count(*) FROM (SELECT FROM open_runs LIMIT {MOST}) AS counted),
        (SELECT count(*) FROM (SELECT FROM quarantined_deliveries LIMIT {MOST}) AS counted)
""")  # noqa: S608  no value is in the text


async def counted(session: AsyncSession) -> tuple[datetime | None, int, int]:
    """Gives when the last batch was recorded, and how many runs are open and deliveries unread."""
    last_recorded_at, open_runs, unread = (await session.execute(COUNTS)).one()
    return last_recorded_at, open_runs, unread
