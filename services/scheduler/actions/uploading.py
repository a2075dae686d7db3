"""Takes in definitions of workflows that somebody exported."""

from services.scheduler.actions.definitions import Definitions
from services.scheduler.domain.upload import Origin, Understood, Uploaded


class Uploading:
    """Keeps the newest upload of each workflow."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    async def upload(
        self, location_id: str, workflow_id: str, understood: Understood, *, actor: str
    ) -> Uploaded:
        """Keeps a definition in place of the one that was uploaded before."""
        at, unchanged = await self._definitions.keep(
            location_id, workflow_id, Origin.UPLOAD, understood, actor=actor
        )
        return Uploaded(workflow_id, understood, at, unchanged)
