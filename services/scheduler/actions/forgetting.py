"""Forgets what is older than the installation keeps it: scans, requests, changes, fixed findings."""

from datetime import timedelta

from libs.db.database import Database
from services.scheduler.store import retention


class Forgetting:
    """Keeps the ledger from growing for ever."""

    def __init__(self, database: Database, kept: timedelta, step: int = retention.STEP) -> None:
        self._database = database
        self._kept = kept
        self._step = step

    async def forget(self) -> None:
        """Deletes what is old, in short transactions."""
        while True:
            async with self._database.transaction() as session:
                deleted = await retention.forget_some(session, self._kept, self._step)
            if deleted < self._step:
                return
