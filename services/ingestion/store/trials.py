"""Reads the failures of a workflow and what came right after them."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.backtest import Turn
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.threshold import Tally, Threshold
from services.ingestion.store.thresholds import WINDOWS

# What failed at the same moment is judged at once, as a batch is. Of the successes only
# the first after a failure can end anything.
TURNS = text(f"""
    SELECT failures, first_at, last_at, at_once, succeeded_at
    FROM (SELECT CAST(:location_id AS text) AS location_id, CAST(:workflow_id AS text) AS workflow_id)
        AS workflow
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (last_at) windows.*,
            count(*) OVER (PARTITION BY last_at) AS at_once,
            lead(last_at) OVER (ORDER BY last_at, execution_id) AS next_at
        FROM (SELECT CAST(:start AS timestamptz) AS start) AS period
        CROSS JOIN (SELECT CAST(:hours AS integer) AS hours) AS threshold
        CROSS JOIN LATERAL ({WINDOWS}) AS windows
        ORDER BY last_at, execution_id DESC
    ) AS failed
    LEFT JOIN LATERAL (
        SELECT executed_at AS succeeded_at FROM execution_logs AS run
        WHERE run.location_id = workflow.location_id AND run.workflow_id = workflow.workflow_id
            AND run.status = 'success' AND run.executed_at >= failed.last_at
            AND (run.executed_at, run.execution_id) > (failed.last_at, failed.execution_id)
            AND run.executed_at < coalesce(failed.next_at, 'infinity')
        ORDER BY executed_at, execution_id LIMIT 1
    ) AS success ON true
    ORDER BY last_at
""")  # noqa: S608  no value is in the text


async def turns(
    session: AsyncSession, workflow: WorkflowKey, threshold: Threshold, *, start: datetime
) -> AsyncIterator[Turn]:
    """Gives the moments at which a workflow failed, oldest first, from a window before the start on.

    Nothing but a few rows is held at a time.
    """
    given = {**workflow._asdict(), "start": start, "hours": threshold.time_window_hours}
    async for *tally, at_once, succeeded_at in await session.stream(TURNS, given):
        yield Turn(Tally(threshold, *tally), at_once, succeeded_at)
