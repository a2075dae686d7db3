"""Gives up runs that began and were not reported to end."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from libs.db import outbox
from libs.db.database import Database
from services.ingestion.actions.judging import to_outbox
from services.ingestion.actions.recording import Recording
from services.ingestion.domain.events import NeverFinished
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.open_run import OpenRun
from services.ingestion.domain.recording import Outcome, Result
from services.ingestion.store import Session, open_runs, workflows
from services.ingestion.store.now import now

AT_ONCE = 500
MOST_NAMED = 5


class GivingUp:
    """Makes failures of runs that are open for too long, once over all replicas."""

    def __init__(self, database: Database, recording: Recording, limit_hours: int) -> None:
        self._database = database
        self._recording = recording
        self._limit_hours = limit_hours

    async def give_up_overdue(self) -> None:
        """Gives up all runs that are overdue."""
        given_up = AT_ONCE
        while given_up == AT_ONCE:
            given_up = await self._give_up_some()

    async def _give_up_some(self) -> int:
        async with self._database.transaction() as session:
            await open_runs.close_ended(session, limit_hours=self._limit_hours)
            overdue = await open_runs.overdue(session, limit_hours=self._limit_hours, most=AT_ONCE)
        if not overdue:
            return 0

        async def close(session: Session, results: Sequence[Result]) -> None:
            # Also those that are duplicates: they ended meanwhile, or another
            # replica was faster. The key of the end makes sure of once.
            await open_runs.close(session, [each.run.key for each in overdue])
            pairs = zip(overdue, results, strict=True)
            await _tell(session, [each.run for each, it in pairs if it.outcome == Outcome.ACCEPTED])

        await self._recording.record([each.given_up() for each in overdue], also=close)
        return len(overdue)


async def _tell(session: Session, given_up: Iterable[OpenRun]) -> None:
    """Tells of runs that never finished, unless the workflow's failures tell of them already."""
    by_workflow = defaultdict[WorkflowKey, list[OpenRun]](list)
    for run in given_up:
        by_workflow[WorkflowKey(*run.key[:2])].append(run)
    at = await now(session)
    named = await workflows.owe_finish(session, sorted(by_workflow))
    events = [
        NeverFinished(
            location_id=workflow.location_id,
            occurred_at=at,
            workflow_id=workflow.workflow_id,
            workflow_name=name,
            new_runs=len(by_workflow[workflow]),
            oldest_started_at=by_workflow[workflow][0].started_at,
            run_ids=tuple(run.key.run_id for run in by_workflow[workflow][: -MOST_NAMED - 1 : -1]),
        )
        for workflow, name in named.items()
    ]
    await outbox.add(session, [to_outbox(each) for each in events])
