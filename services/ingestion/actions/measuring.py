"""Gives numbers: of one workflow, of many for a scan, against a threshold."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from msgspec import structs

from libs.db.database import Database
from services.ingestion.domain.breakdown import Bucket, Scope, Windows
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.page import Page
from services.ingestion.domain.threshold import Tally
from services.ingestion.domain.trend import RunCounts, trend
from services.ingestion.domain.workflow import (
    BUSY_PERIOD,
    RECENT_RUNS,
    Metrics,
    RunHistory,
    Workflow,
    WorkflowHealth,
)
from services.ingestion.store import changes, measurements, thresholds, workflows
from services.ingestion.store.breakdowns import Breakdowns
from services.ingestion.store.comparisons import Comparisons
from services.ingestion.store.now import now

WEEK, DAY = timedelta(days=7), timedelta(hours=24)


class Measuring:
    """Counts what was recorded; changes nothing."""

    def __init__(self, database: Database, run_limit_hours: int) -> None:
        self._database = database
        self._run_limit_hours = run_limit_hours

    async def metrics(self, workflow: WorkflowKey, window: timedelta, *, top: int = 0) -> Metrics:
        """Gives the numbers of a workflow over a window that ends now, and the one before.

        With as many of its most frequent errors and failing steps as `top` says.
        """
        async with self._database.transaction() as session:
            known = await workflows.get(session, workflow)
            end = await now(session)
            current, previous = await measurements.windows(
                session, workflow, since=end - 2 * window, split=end - window
            )
            last, gaps = await measurements.last_runs_and_gaps(
                session, workflow, since=end - 2 * window
            )
            windows = Windows.until(end, window)
            ask = Breakdowns(session, Scope(*workflow), windows)
            errors, _ = await ask.error_groups(Bucket.fitting(window), most=top) if top else ((), 0)
            steps, _ = await ask.failing_steps(most=top) if top else ((), 0)
        found = _metrics(workflow, known.name, windows, (current, previous), last)
        return replace(found, top_errors=tuple(errors), top_failing_steps=tuple(steps), gaps=gaps)

    async def metrics_of_many(
        self, location_id: str, wanted: Sequence[str], window: timedelta
    ) -> list[Metrics]:
        """Gives the numbers of those of the workflows that are known, in their order."""
        async with self._database.transaction() as session:
            windows = Windows.until(await now(session), window)
            ask = Comparisons(session, location_id, list(dict.fromkeys(wanted)))
            names, numbers, last = (
                await ask.names(),
                await ask.numbers(windows),
                await ask.last_runs(),
            )
        return [
            _metrics(
                WorkflowKey(location_id, each), names[each], windows, numbers[each], last[each]
            )
            for each in wanted
            if each in names
        ]

    async def health(self, workflow: WorkflowKey) -> WorkflowHealth:
        """Gives a workflow, and how it has been lately."""
        async with self._database.transaction() as session:
            found = await workflows.get(session, workflow)
        (health,) = (await self.healths(Page([found], ""))).items
        return health

    async def healths(self, found: Page[Workflow]) -> Page[WorkflowHealth]:
        """Adds to workflows of one location how they have been lately."""
        if not found.items:
            return Page([], "")
        ids, location_id = [each.workflow_id for each in found.items], found.items[0].location_id
        async with self._database.transaction() as session:
            end = await now(session)
            ask = Comparisons(session, location_id, ids)
            day = await ask.numbers(Windows.until(end, DAY))
            week = await ask.numbers(Windows.until(end, WEEK))
            last = await ask.last_runs()
            changed = await changes.newest(session, location_id, ids)
        healths = [
            WorkflowHealth(
                workflow=each,
                last_24_hours=day[id_][0],
                last_7_days=week[id_][0],
                last_failure_at=last[id_][1],
                last_change=changed.get(id_),
                default_run_limit_hours=self._run_limit_hours,
            )
            for id_, each in zip(ids, found.items, strict=True)
        ]
        return Page(healths, found.next_page_token)

    async def run_histories(self, location_id: str, wanted: Sequence[str]) -> list[RunHistory]:
        """Gives the histories of many workflows, in their order; zeros for one that never ran."""
        async with self._database.transaction() as session:
            as_of = await now(session)
            ask = measurements.Histories(session, location_id, sorted(set(wanted)))
            recent = await ask.recent(most=RECENT_RUNS)
            last_7_days, last_24_hours = await ask.counts(since=as_of - WEEK, split=as_of - DAY)
            classes = await ask.error_classes(since=as_of - WEEK)
            busy = await ask.busy_periods(BUSY_PERIOD)
            hourly = await ask.hourly(WEEK, as_of=as_of)
        return [
            RunHistory(
                workflow_id=each,
                as_of=as_of,
                recent_runs=tuple(recent[each]),
                last_7_days=last_7_days[each],
                last_24_hours=last_24_hours[each],
                error_classes=tuple(classes[each]),
                busy_period=busy[each],
                hourly_runs=hourly.get(each, ()),
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
        return structs.replace(tally, threshold=tally.threshold.with_failures(failures))


def _metrics(
    workflow: WorkflowKey,
    name: str,
    windows: Windows,
    counts: tuple[RunCounts, RunCounts],
    last: tuple[datetime | None, datetime | None],
) -> Metrics:
    (current, previous), (last_execution_at, last_failure_at) = counts, last
    return Metrics(
        workflow=workflow,
        name=name,
        window_start=windows.start,
        window_end=windows.end,
        current=current,
        previous=previous,
        trend=trend(current, previous),
        last_failure_at=last_failure_at,
        last_execution_at=last_execution_at,
    )
