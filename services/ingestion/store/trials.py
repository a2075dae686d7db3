"""Reads the failures of a workflow and what came right after them."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.backtest import Turn
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.threshold import Threshold
from services.ingestion.store.thresholds import ENDING

# Of the successes only the first after a failure can end anything.
TURNS = text(f"""
    SELECT executed_at, failed, failures
    FROM (SELECT CAST(:hours AS integer) AS hours) AS threshold CROSS JOIN LATERAL (
        SELECT executed_at, execution_id, failed, count(*) FILTER (WHERE failed) OVER ending AS failures,
            lag(failed) OVER (ORDER BY executed_at, execution_id) AS after_failure
        FROM (
            SELECT executed_at, execution_id, status = 'failed' AS failed FROM execution_logs
            WHERE location_id = :location_id AND workflow_id = :workflow_id
                AND executed_at > CAST(:start AS timestamptz) - make_interval(hours => threshold.hours)
                AND (status = 'success' OR (status = 'failed' AND error_class <> 'EXPECTED'))
        ) AS run
        WINDOW ending AS ({ENDING})
    ) AS windows
    WHERE failed OR after_failure
    ORDER BY executed_at, execution_id
""")  # noqa: S608  no value is in the text


async def turns(
    session: AsyncSession, workflow: WorkflowKey, threshold: Threshold, *, start: datetime
) -> AsyncIterator[Turn]:
    """Gives moments at which a workflow failed or succeeded after that, oldest first.

    Begins a window before the start. Nothing but a few rows is held at a time.
    """
    given = {**workflow._asdict(), "start": start, "hours": threshold.time_window_hours}
    turn: Turn | None = None
    async for at, failed, failures in await session.stream(TURNS, given):
        if turn and turn.at != at:
            yield turn
            turn = None
        turn = turn or Turn(at, failures)
        turn.new += failed
        turn.succeeded = not failed
    if turn:
        yield turn
