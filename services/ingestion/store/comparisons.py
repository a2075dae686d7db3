"""Compares many workflows of one location: their names, their numbers, their last runs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.breakdown import Windows
from services.ingestion.domain.trend import RunCounts
from services.ingestion.store import rollups

EACH = "unnest(CAST(:workflow_ids AS text[])) AS workflow (workflow_id)"
NAMES = text(f"""
    SELECT workflow_id, name FROM {EACH} JOIN workflows USING (workflow_id)
    WHERE location_id = :location_id
""")  # noqa: S608  no value is in the text
# A run older than the log is still in the days.
LAST_RUNS = text(f"""
    SELECT workflow.workflow_id, coalesce(ran.at, days.ran_at), coalesce(failed.at, days.failed_at)
    FROM {EACH} CROSS JOIN LATERAL (
        SELECT max(executed_at) AS at FROM execution_logs AS run
        WHERE location_id = :location_id AND run.workflow_id = workflow.workflow_id
    ) AS ran CROSS JOIN LATERAL (
        SELECT max(executed_at) AS at FROM execution_logs AS run
        WHERE location_id = :location_id AND run.workflow_id = workflow.workflow_id
            AND status = 'failed'
    ) AS failed LEFT JOIN LATERAL (
        SELECT max(last_execution_at) AS ran_at, max(last_failure_at) AS failed_at
        FROM daily_rollups AS day
        WHERE (ran.at IS NULL OR failed.at IS NULL)
            AND location_id = :location_id AND day.workflow_id = workflow.workflow_id
    ) AS days ON true
""")  # noqa: S608


class Comparisons:
    """Questions about many workflows, each answered by one statement."""

    def __init__(self, session: AsyncSession, location_id: str, workflows: Sequence[str]) -> None:
        self._session = session
        self._location_id = location_id
        self._workflow_ids = list(workflows)
        self._given = {"location_id": location_id, "workflow_ids": self._workflow_ids}

    async def names(self) -> dict[str, str]:
        """Gives the names of those that are known."""
        rows = await self._session.execute(NAMES, self._given)
        return {row[0]: row[1] for row in rows}

    async def numbers(self, windows: Windows) -> dict[str, tuple[RunCounts, RunCounts]]:
        """Counts the runs of each in the window, and in the one before."""
        counted = await rollups.windows(
            self._session,
            self._location_id,
            self._workflow_ids,
            since=windows.previous_start,
            split=windows.start,
        )
        return {
            each: (counted.get((each, True), RunCounts()), counted.get((each, False), RunCounts()))
            for each in self._workflow_ids
        }

    async def last_runs(self) -> dict[str, tuple[datetime | None, datetime | None]]:
        """Tells when each last ran, and when it last failed."""
        rows = await self._session.execute(LAST_RUNS, self._given)
        return {row[0]: (row[1], row[2]) for row in rows}
