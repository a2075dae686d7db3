"""Removes a location with all that happened in it."""

from libs.db import removal
from libs.db.database import Database
from services.ingestion.store.tables import IngestionTable


class Removing:
    """Empties ingestion's tables of one location."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove(self, location_id: str) -> int:
        """Removes a location; gives how many rows were kept of it."""
        return await removal.remove_location(self._database, IngestionTable.metadata, location_id)
