"""Takes a window apart: by error, by step, by time; and tries thresholds on the past."""

from datetime import timedelta

from libs.db.database import Database
from services.ingestion.domain.backtest import Backtest, Trial
from services.ingestion.domain.breakdown import (
    Bucket,
    ErrorGroups,
    FailingSteps,
    Scope,
    Timeline,
    Windows,
    timeline,
)
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.store import Session, thresholds, timelines, trials, workflows
from services.ingestion.store.breakdowns import Breakdowns
from services.ingestion.store.now import now


class Analysing:
    """Looks back; changes nothing and tells nobody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def error_groups(
        self, scope: Scope, window: timedelta, bucket: Bucket | None, *, most: int
    ) -> ErrorGroups:
        """Gives the most frequent kinds of errors in a window that ends now."""
        bucket = bucket or Bucket.fitting(window)
        async with self._database.transaction() as session:
            await _check_known(session, scope)
            windows = Windows.until(await now(session), window)
            ask = Breakdowns(session, scope, windows)
            groups, count = await ask.error_groups(bucket, most=most)
        return ErrorGroups(windows=windows, bucket=bucket, groups=tuple(groups), group_count=count)

    async def failing_steps(self, scope: Scope, window: timedelta, *, most: int) -> FailingSteps:
        """Gives the steps with most failures in a window that ends now."""
        async with self._database.transaction() as session:
            await _check_known(session, scope)
            windows = Windows.until(await now(session), window)
            steps, count = await Breakdowns(session, scope, windows).failing_steps(most=most)
        return FailingSteps(windows=windows, steps=tuple(steps), step_count=count)

    async def timeline(self, scope: Scope, window: timedelta, bucket: Bucket | None) -> Timeline:
        """Gives the runs of a window that ends now, hour by hour or day by day."""
        bucket = bucket or Bucket.fitting(window)
        async with self._database.transaction() as session:
            await _check_known(session, scope)
            windows = Windows.until(await now(session), window)
            counted, previous = await timelines.by_time(session, scope, windows, bucket)
        return timeline(windows, bucket, counted, previous)

    async def backtest(
        self, workflow: WorkflowKey, period: timedelta, *, failures: int | None, hours: int | None
    ) -> Trial:
        """Gives the alerts that a threshold would have made in a period that ends now."""
        async with self._database.transaction() as session:
            await workflows.get(session, workflow)
            tally = (await thresholds.tallies(session, [workflow], hours=hours))[workflow]
            threshold = tally.threshold.with_failures(failures)
            windows = Windows.until(await now(session), period)
            test = Backtest(threshold, windows.start)
            async for turn in trials.turns(session, workflow, threshold, start=windows.start):
                test.add(turn)
        return Trial(
            threshold=threshold,
            start=windows.start,
            end=windows.end,
            episodes=tuple(test.episodes),
            failure_count=test.failure_count,
        )


async def _check_known(session: Session, scope: Scope) -> None:
    """Raises `WorkflowNotFound` for a workflow that nobody has heard of."""
    if scope.workflow_id:
        await workflows.get(session, WorkflowKey(scope.location_id, scope.workflow_id))
