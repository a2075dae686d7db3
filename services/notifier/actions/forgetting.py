"""Forgets events and deliveries that are older than the installation keeps them."""

from datetime import timedelta

from libs.db.database import Database
from services.notifier.store import retention


class Forgetting:
    """Keeps the log of deliveries from growing for ever."""

    def __init__(self, database: Database, kept: timedelta, step: int = retention.STEP) -> None:
        self._database = database
        self._kept = kept
        self._step = step

    async def forget(self) -> None:
        """Deletes what is old, in short transactions."""
        while True:
            async with self._database.transaction() as transaction:
                deleted = await retention.forget_some(transaction, self._kept, self._step)
            if deleted < self._step:
                return
