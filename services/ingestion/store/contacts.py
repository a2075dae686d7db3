"""Takes a contact out of what is kept of runs, and leaves the runs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.contact import ForgottenRun
from services.ingestion.domain.execution import Status

# What the roll-ups are made of stays, so they go on saying what the log says.
FORGET = text("""
    WITH known AS (
        SELECT executed_at, execution_id, run_id FROM execution_logs
        WHERE location_id = :location_id AND contact_ref = ANY (CAST(:refs AS uuid[]))
            AND executed_at >= :start AND executed_at < :end
        ORDER BY executed_at, execution_id FOR UPDATE
    )
    UPDATE execution_logs AS log SET contact_ref = NULL, run_id = '', error_message = ''
    FROM known
    WHERE log.location_id = :location_id
        AND log.executed_at = known.executed_at AND log.execution_id = known.execution_id
        AND log.executed_at >= :start AND log.executed_at < :end
    RETURNING CAST(log.execution_id AS text), known.run_id, log.status
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
) -> list[ForgottenRun]:
    """Takes a contact out of the runs between two times; gives those that had it."""
    given = {"location_id": location_id, "refs": list(refs), "start": start, "end": end}
    rows = await session.execute(FORGET, given)
    return [ForgottenRun(row[0], row[1], row[2] == Status.FAILED) for row in rows]


async def forget_open(session: AsyncSession, location_id: str, refs: Sequence[str]) -> None:
    """Takes a contact out of the runs that did not end yet."""
    await session.execute(FORGET_OPEN, {"location_id": location_id, "refs": list(refs)})
