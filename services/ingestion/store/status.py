"""Counts what lies around, for whoever asks how ingestion is."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.gap import Gap
from services.ingestion.store.gaps import gap_of

MOST = 10_000
COUNTS = text(f"""
    SELECT
        (SELECT max(arrived_at) FROM arrivals),
        (SELECT count(*) FROM (SELECT FROM open_runs LIMIT {MOST}) AS counted),
        (SELECT count(*) FROM (SELECT FROM quarantined_deliveries LIMIT {MOST}) AS counted),
        gap.gap_id, gap.started_at, gap.ended_at
    FROM (VALUES (1)) AS once LEFT JOIN (
        SELECT CAST(gap_id AS text), started_at, ended_at FROM recording_gaps
        WHERE ended_at > clock_now() - interval '24 hours' ORDER BY ended_at DESC LIMIT 1
    ) AS gap ON true
""")  # noqa: S608  no value is in the text


async def counted(session: AsyncSession) -> tuple[datetime | None, int, int, Gap | None]:
    """Gives when it recorded last, how many runs are open and deliveries unread, the last gap."""
    last_recorded_at, open_runs, unread, *gap = (await session.execute(COUNTS)).one()
    return last_recorded_at, open_runs, unread, gap_of(*gap) if gap[0] else None
