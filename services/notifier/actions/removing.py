"""Removes a location with all that was told about it."""

from libs.db import removal
from libs.db.database import Database
from services.notifier.store import retention, targets
from services.notifier.store.tables import NotifierTable


class Removing:
    """Empties the notifier's tables of one location."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove(self, location_id: str) -> int:
        """Removes a location; gives how many rows were kept of it."""
        async with self._database.transaction() as session:
            # An attempt that is under way must not write about a message that is gone.
            await targets.close(session, location_id)
        tables = NotifierTable.metadata
        removed = await removal.remove_location(self._database, tables, location_id)
        async with self._database.transaction() as session:
            # The targets of the installation were told of it too.
            return removed + await retention.forget_orphans(session)
