"""Removes a location with all that was found wrong in it."""

from libs.db import removal
from libs.db.database import Database
from services.scheduler.store.tables import SchedulerTable


class Removing:
    """Empties the scheduler's tables of one location."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove(self, location_id: str) -> int:
        """Removes a location; gives how many rows were kept of it.

        A scan that runs loses its row and with it the lease, so it writes nothing
        any more.
        """
        return await removal.remove_location(self._database, SchedulerTable.metadata, location_id)
