"""Tells the notifier what batches left for it."""

from libs.db.database import Database
from libs.db.outbox import Dispatcher
from services.ingestion.actions import judging


class Telling:
    """Tells of failures that were only counted, and sends what waits in the outbox."""

    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        self._database = database
        self._dispatcher = dispatcher

    async def tell(self) -> bool:
        """Says whether there was anything; raises the notifier's `Unavailable`."""
        async with self._database.bare() as connection:
            counted = await judging.tell_counted(connection)
        return bool(await self._dispatcher.dispatch()) or counted
