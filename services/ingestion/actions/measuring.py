"""Gives numbers: of one workflow, of many for a scan, against a threshold."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from libs.db.database import Database
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.threshold import Tally
from services.ingestion.domain.trend import trend
from services.ingestion.domain.workflow import BUSY_PERIOD, RECENT_RUNS, Metrics, RunHistory
from services.ingestion.store import measurements, thresholds, workflows
from services.ingestion.store.now import now

WEEK, DAY = timedelta(days=7), timedelta(hours=24)


class Measuring:
    """Counts what was recorded; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def metrics(self, workflow: WorkflowKey, window: timedelta) -> Metrics:
        """Gives the numbers of a workflow over a window that ends now, and the one before."""
        async with self._database.transaction() as session:
            known = await workflows.get(session, workflow)
            end = await now(session)
            current, previous = await measurements.windows(
                session, workflow, since=end - 2 * window, split=end - window
            )
            last_execution_at, last_failure_at = await measurements.last_runs(session, workflow)
        return Metrics(
            workflow=workflow,
            name=known.name,
            window_start=end - window,
            window_end=end,
            current=current,
            previous=previous,
            trend=trend(current, previous),
            last_failure_at=last_failure_at,
            last_execution_at=last_execution_at,
        )

    async def run_histories(self, location_id: str, wanted: Sequence[str]) -> list[RunHistory]:
        """Gives the histories of many workflows, in their order; zeros for one that never ran."""
        async with self._database.transaction() as session:
            as_of = await now(session)
            ask = measurements.Histories(session, location_id, sorted(set(wanted)))
            recent = await ask.recent(most=RECENT_RUNS)
            last_7_days, last_24_hours = await ask.counts(since=as_of - WEEK, split=as_of - DAY)
            classes = await ask.error_classes(since=as_of - WEEK)
            busy = await ask.busy_periods(BUSY_PERIOD)
        return [
            RunHistory(
                workflow_id=each,
                as_of=as_of,
                recent_runs=tuple(recent[each]),
                last_7_days=last_7_days[each],
                last_24_hours=last_24_hours[each],
                error_classes=tuple(classes[each]),
                busy_period=busy[each],
            )
            for each in wanted
        ]

    async def tally(
        self, workflow: WorkflowKey, *, failures: int | None, hours: int | None
    ) -> Tally:
        """Counts the failures of a workflow against its threshold, or another one on trial."""
        async with self._database.transaction() as session:
            await workflows.get(session, workflow)
            tally = (await thresholds.tallies(session, [workflow], hours=hours))[workflow]
        if failures is None:
            return tally
        return replace(tally, threshold=replace(tally.threshold, failure_threshold=failures))
