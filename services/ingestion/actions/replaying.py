"""Gives unread deliveries a second reading: out of quarantine, into the log."""

from collections.abc import Sequence

from libs.db.database import Database
from libs.secrets import SecretBox
from services.ingestion.actions.recording import Recording
from services.ingestion.domain.execution import Report
from services.ingestion.domain.open_run import Start
from services.ingestion.domain.quarantine import (
    OpenedDelivery,
    QuarantinedCut,
    QuarantinedNotFound,
    QuarantinedSealed,
)
from services.ingestion.domain.recording import Result
from services.ingestion.domain.text import is_id
from services.ingestion.store import Session, quarantine
from services.ingestion.store.quarantine import Sealed


class Replaying:
    """Opens deliveries for whoever can read them again, and records what they turned out to be."""

    def __init__(self, database: Database, box: SecretBox, recording: Recording) -> None:
        self._database = database
        self._box = box
        self._recording = recording

    async def opened(self, location_id: str, quarantine_id: str) -> OpenedDelivery:
        """Gives a delivery with its whole body."""
        sealed = await self._whole(location_id, quarantine_id)
        try:
            body = self._box.open(sealed.body)
        except ValueError as error:
            raise QuarantinedSealed from error
        return OpenedDelivery(sealed.delivery, body, sealed.content_type, sealed.idempotency_key)

    async def replay(self, quarantine_id: str, run: Report | Start) -> Result:
        """Records the run, or that it began, and removes the delivery, both or none."""
        sealed = await self._whole(run.location_id, quarantine_id)
        dated = run.dated(sealed.delivery.received_at)

        async def remove(session: Session, results: Sequence[Result]) -> None:
            if rejection := results[0].rejection:
                raise rejection.problem()
            # Of two replays at the same moment the later one waits here, and keeps nothing.
            if not await quarantine.remove(session, run.location_id, quarantine_id):
                raise QuarantinedNotFound(quarantine_id=quarantine_id)

        (result,) = await self._recording.record([dated], also=remove)
        return result

    async def _whole(self, location_id: str, quarantine_id: str) -> Sealed:
        sealed = None
        if is_id(quarantine_id):
            async with self._database.transaction() as session:
                sealed = await quarantine.get(session, location_id, quarantine_id)
        if sealed is None:
            raise QuarantinedNotFound(quarantine_id=quarantine_id)
        if sealed.delivery.truncated:
            raise QuarantinedCut
        return sealed
