"""Gives up runs that began and were not reported to end."""

from collections.abc import Sequence
from datetime import timedelta

from libs.db.database import Database
from services.ingestion.actions.recording import Recording
from services.ingestion.domain.recording import Result
from services.ingestion.store import Transaction, open_runs

AT_ONCE = 500


class GivingUp:
    """Makes failures of runs that are open for too long, once over all replicas."""

    def __init__(self, database: Database, recording: Recording, limit: timedelta) -> None:
        self._database = database
        self._recording = recording
        self._limit = limit

    async def give_up_overdue(self) -> None:
        """Gives up all runs that are overdue."""
        given_up = AT_ONCE
        while given_up == AT_ONCE:
            given_up = await self._give_up_some()

    async def _give_up_some(self) -> int:
        async with self._database.transaction() as session:
            await open_runs.close_ended(session, limit=self._limit)
            overdue = await open_runs.overdue(session, limit=self._limit, most=AT_ONCE)
        if not overdue:
            return 0

        async def close(session: Transaction, _: Sequence[Result]) -> None:
            # Also those that are duplicates: they ended meanwhile, or another
            # replica was faster. The key of the end makes sure of once.
            await open_runs.close(session, [each.key for each in overdue])

        await self._recording.record([each.given_up(self._limit) for each in overdue], also=close)
        return len(overdue)
