"""Takes in definitions of workflows that somebody exported, and what they tell of changes."""

from libs.db.database import Database
from services.scheduler.actions.definitions import Definitions
from services.scheduler.domain.definition import read_definition
from services.scheduler.domain.upload import Origin, Understood, Uploaded, state_of
from services.scheduler.domain.workflow import ListedWorkflow, edited
from services.scheduler.peers import IngestionPeer
from services.scheduler.store import snapshots, workflow_changes
from services.scheduler.store.now import now


class Uploading:
    """Keeps the newest upload of each workflow.

    Where HighLevel's list is not read, uploads are the only word of a workflow's
    name, status and version.
    """

    def __init__(
        self, database: Database, definitions: Definitions, ingestion: IngestionPeer
    ) -> None:
        self._database = database
        self._definitions = definitions
        self._ingestion = ingestion

    async def upload(
        self, location_id: str, workflow_id: str, understood: Understood, *, actor: str
    ) -> Uploaded:
        """Keeps a definition in place of the one that was uploaded before."""
        before = await self._state_before(location_id, workflow_id)
        at, unchanged = await self._definitions.keep(
            location_id, workflow_id, Origin.UPLOAD, understood, actor=actor
        )
        state = state_of(workflow_id, understood.definition)
        if state is not None:
            await self._learn(location_id, before, state)
        return Uploaded(workflow_id, understood, at, unchanged)

    async def _state_before(self, location_id: str, workflow_id: str) -> ListedWorkflow | None:
        found = await self._definitions.contents(location_id, {workflow_id: Origin.UPLOAD})
        content = found.get(workflow_id)
        return state_of(workflow_id, read_definition(content)) if content is not None else None

    async def _learn(
        self, location_id: str, before: ListedWorkflow | None, state: ListedWorkflow
    ) -> None:
        """Notes a change and tells ingestion; an upload that is repeated tells it again."""
        async with self._database.transaction() as session:
            if await snapshots.named(session, location_id, [state.workflow_id]):
                return  # the list knows better
            change = edited(before, state, await now(session))
            await workflow_changes.add(session, location_id, [change] if change else [])
        await self._ingestion.report(location_id, [state])
