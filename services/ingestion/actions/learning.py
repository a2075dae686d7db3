"""Learns what workflows there are, how they changed, and how long their runs may take."""

from collections.abc import Sequence

from libs.db.database import Database
from services.ingestion.domain.change import WorkflowState, change
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.workflow import WorkflowNotFound
from services.ingestion.store import changes, workflows
from services.ingestion.store.now import now


class Learning:
    """Keeps the list of workflows as GoHighLevel shows them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def learn(self, location_id: str, told: Sequence[WorkflowState]) -> int:
        """Takes over how workflows are now; gives how many are not as they were.

        Of two reports at the same moment the later one waits, and then compares
        with what the other one told.
        """
        async with self._database.transaction() as session:
            at = await now(session)
            states = {each.workflow_id: each.told_at(at) for each in sorted(told, key=_order)}
            await changes.know(session, location_id, list(states.values()))
            known = await changes.newest(session, location_id, states)
            found = {id_: change(each, known.get(id_), now=at) for id_, each in states.items()}
            news = {id_: each for id_, each in found.items() if each is not None}
            await changes.add(session, location_id, news)
        return len(news)

    async def set_run_limit(self, workflow: WorkflowKey, hours: int | None) -> None:
        """Sets how many hours a run of a workflow may take; None is as long as elsewhere."""
        async with self._database.transaction() as session:
            if not await workflows.set_run_limit(session, workflow, hours):
                raise WorkflowNotFound(**workflow._asdict())


def _order(state: WorkflowState) -> tuple[str, bool, float]:
    """Sorts by workflow, and of the same one the newest last."""
    at = state.changed_at
    return state.workflow_id, at is None, at.timestamp() if at else 0.0
