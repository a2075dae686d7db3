"""Counts runs: the numbers of one workflow, and the histories of many."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.execution import Status, WorkflowKey
from services.ingestion.domain.gap import Gap
from services.ingestion.domain.trend import RunCounts
from services.ingestion.domain.workflow import BusyPeriod, ErrorClassCount, RunOutcome
from services.ingestion.store import rollups
from services.ingestion.store.gaps import gaps_of

WORKFLOW = "location_id = :location_id AND workflow_id = :workflow_id"
COUNTS = """
    count(*) FILTER (WHERE status = 'success'),
    count(*) FILTER (WHERE status = 'failed'),
    count(*) FILTER (WHERE status = 'partial'),
    count(*) FILTER (WHERE status = 'failed' AND error_class = 'EXPECTED'),
    count(execution_time_ms), CAST(coalesce(sum(execution_time_ms), 0) AS bigint)
"""
MOST_GAPS = 100
# A run older than the log is still in the days.
LAST = text(f"""
    SELECT
        coalesce(
            (SELECT max(executed_at) FROM execution_logs WHERE {WORKFLOW}),
            (SELECT max(last_execution_at) FROM daily_rollups WHERE {WORKFLOW})
        ),
        coalesce(
            (SELECT max(executed_at) FROM execution_logs WHERE {WORKFLOW} AND status = 'failed'),
            (SELECT max(last_failure_at) FROM daily_rollups WHERE {WORKFLOW})
        ),
        gaps.ids, gaps.starts, gaps.ends
    FROM (
        SELECT array_agg(CAST(gap_id AS text)) AS ids, array_agg(started_at) AS starts,
            array_agg(ended_at) AS ends
        FROM (
            SELECT gap_id, started_at, ended_at FROM recording_gaps WHERE ended_at > :since
            ORDER BY ended_at DESC LIMIT {MOST_GAPS}
        ) AS newest
    ) AS gaps
""")  # noqa: S608

ONE_OF = "location_id = :location_id AND workflow_id = ANY (CAST(:workflow_ids AS text[]))"
COUNTS_OF_MANY = text(f"""
    SELECT workflow_id, executed_at >= :split AS later, {COUNTS}
    FROM execution_logs WHERE {ONE_OF} AND executed_at >= :since
    GROUP BY workflow_id, later
""")  # noqa: S608
EACH = "unnest(CAST(:workflow_ids AS text[])) AS workflow (workflow_id)"
RECENT = text(f"""
    SELECT workflow.workflow_id, run.status, run.executed_at, CAST(run.execution_id AS text),
        run.status = 'failed' AND run.error_class = 'EXPECTED'
    FROM {EACH} CROSS JOIN LATERAL (
        SELECT status, error_class, executed_at, execution_id FROM execution_logs AS run
        WHERE location_id = :location_id AND run.workflow_id = workflow.workflow_id
        ORDER BY executed_at DESC, execution_id DESC LIMIT :most
    ) AS run
    ORDER BY workflow.workflow_id, run.executed_at DESC, run.execution_id DESC
""")  # noqa: S608
CLASSES = text(f"""
    SELECT workflow_id, error_class, runs, left(error_message, 500), CAST(execution_id AS text)
    FROM (
        SELECT workflow_id, error_class, error_message, execution_id,
            count(*) OVER (PARTITION BY workflow_id, error_class) AS runs,
            row_number() OVER (
                PARTITION BY workflow_id, error_class ORDER BY executed_at DESC, execution_id DESC
            ) AS place
        FROM execution_logs
        WHERE {ONE_OF} AND executed_at >= :since AND status <> 'success' AND error_class <> ''
    ) AS failure
    WHERE place <= 5
    ORDER BY workflow_id, runs DESC, error_class, place
""")  # noqa: S608
GAPS = text(f"""
    SELECT workflow.workflow_id, busy.runs, busy.median_gap, busy.longest_gap
    FROM {EACH} CROSS JOIN LATERAL (
        SELECT max(executed_at) AS at FROM execution_logs AS run
        WHERE location_id = :location_id AND run.workflow_id = workflow.workflow_id
    ) AS last CROSS JOIN LATERAL (
        SELECT count(*) AS runs, max(gap) AS longest_gap,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS median_gap
        FROM (
            SELECT executed_at - lag(executed_at) OVER (ORDER BY executed_at) AS gap
            FROM execution_logs AS run
            WHERE location_id = :location_id AND run.workflow_id = workflow.workflow_id
                AND executed_at > last.at - CAST(:period AS interval) AND executed_at <= last.at
        ) AS gaps
    ) AS busy
""")  # noqa: S608

HOURS = text(f"""
    SELECT workflow_id, CAST(floor(extract(epoch FROM :as_of - executed_at) / 3600) AS integer)
        AS hours_ago, count(*)
    FROM execution_logs
    WHERE {ONE_OF} AND executed_at > :as_of - CAST(:period AS interval) AND executed_at <= :as_of
    GROUP BY workflow_id, hours_ago
""")  # noqa: S608


async def windows(
    session: AsyncSession, workflow: WorkflowKey, *, since: datetime, split: datetime
) -> tuple[RunCounts, RunCounts]:
    """Counts the runs from the split on, and those from `since` up to it."""
    location_id, id_ = workflow
    counts = await rollups.windows(session, location_id, [id_], since=since, split=split)
    return counts.get((id_, True), RunCounts()), counts.get((id_, False), RunCounts())


async def last_runs_and_gaps(
    session: AsyncSession, workflow: WorkflowKey, *, since: datetime
) -> tuple[tuple[datetime | None, datetime | None], tuple[Gap, ...]]:
    """Tells when a workflow last ran and last failed, and when it could not be recorded since."""
    row = (await session.execute(LAST, {**workflow._asdict(), "since": since})).one()
    last_execution_at, last_failure_at, *gaps = row
    return (last_execution_at, last_failure_at), gaps_of(gaps)


class Histories:
    """Questions about many workflows of one location, each answered by one statement."""

    def __init__(self, session: AsyncSession, location_id: str, workflows: Sequence[str]) -> None:
        self._session = session
        self._given = {"location_id": location_id, "workflow_ids": list(workflows)}

    async def counts(
        self, *, since: datetime, split: datetime
    ) -> tuple[defaultdict[str, RunCounts], defaultdict[str, RunCounts]]:
        """Counts the runs since a time, and those of them from the split on."""
        all_runs = defaultdict[str, RunCounts](RunCounts)
        later = defaultdict[str, RunCounts](RunCounts)
        for row in await self._rows(COUNTS_OF_MANY, since=since, split=split):
            counts = RunCounts(*row[2:])
            all_runs[row[0]] += counts
            if row[1]:
                later[row[0]] = counts
        return all_runs, later

    async def recent(self, *, most: int) -> defaultdict[str, list[RunOutcome]]:
        """Gives the newest runs, newest first."""
        found = defaultdict[str, list[Any]](list)
        for workflow_id, status, *facts in await self._rows(RECENT, most=most):
            found[workflow_id].append(RunOutcome(Status(status), *facts))
        return found

    async def error_classes(self, *, since: datetime) -> defaultdict[str, list[ErrorClassCount]]:
        """Counts failed and partial runs by class, most first."""
        found = defaultdict[str, list[Any]](list)
        rows = await self._rows(CLASSES, since=since)
        for (workflow_id, name), runs in groupby(rows, key=lambda row: (row[0], row[1])):
            newest = list(runs)
            _, _, count, message, _ = newest[0]
            execution_ids = tuple(row[4] for row in newest)
            found[workflow_id].append(ErrorClassCount(name, count, message, execution_ids))
        return found

    async def busy_periods(self, period: timedelta) -> Mapping[str, BusyPeriod]:
        """Looks at the runs of the period that ends with the last one."""
        rows = await self._rows(GAPS, period=period)
        return {workflow_id: BusyPeriod(*facts) for workflow_id, *facts in rows}

    async def hourly(self, period: timedelta, *, as_of: datetime) -> Mapping[str, tuple[int, ...]]:
        """Counts the runs of each hour of the period that ends then, oldest first."""
        hours = period // timedelta(hours=1)
        found = defaultdict[str, list[int]](lambda: [0] * hours)
        for workflow_id, hours_ago, runs in await self._rows(HOURS, as_of=as_of, period=period):
            found[workflow_id][hours - 1 - hours_ago] = runs
        return {workflow_id: tuple(runs) for workflow_id, runs in found.items()}

    async def _rows(self, statement: TextClause, **more: object) -> Sequence[Any]:
        return (await self._session.execute(statement, {**self._given, **more})).all()
