"""Reads the failures of a workflow and what came right after them."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.execution import WorkflowKey

# Of the successes only the first after a failure can end anything.
TURNS = text("""
    SELECT executed_at, failed FROM (
        SELECT executed_at, execution_id, status = 'failed' AS failed,
            lag(status) OVER (ORDER BY executed_at, execution_id) = 'failed' AS after_failure
        FROM execution_logs
        WHERE location_id = :location_id AND workflow_id = :workflow_id AND executed_at >= :since
            AND (status = 'success' OR (status = 'failed' AND error_class <> 'EXPECTED'))
    ) AS run
    WHERE failed OR after_failure
    ORDER BY executed_at, execution_id
""")


async def turns(
    session: AsyncSession, workflow: WorkflowKey, *, since: datetime
) -> AsyncIterator[tuple[datetime, bool]]:
    """Gives failures that count and the first success after each, oldest first.

    Says of each whether it failed. Nothing but a few rows is held at a time.
    """
    rows = await session.stream(TURNS, {**workflow._asdict(), "since": since})
    async for executed_at, failed in rows:
        yield executed_at, failed
