"""Says how ingestion itself is."""

from libs.db.database import Database
from libs.db.outbox import Dispatcher
from services.ingestion.domain.status import Status
from services.ingestion.store import partitions, status


class Reporting:
    """Looks at what waits; changes nothing."""

    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        self._database = database
        self._dispatcher = dispatcher

    async def status(self) -> Status:
        """Gives what waits, and since when."""
        outbox = await self._dispatcher.state()
        async with self._database.transaction() as session:
            last_recorded_at, open_runs, unread, last_gap = await status.counted(session)
            weeks = await partitions.weeks(session)
        return Status(
            outbox_count=outbox.waiting,
            outbox_oldest=outbox.oldest,
            dead_letters=outbox.dead_letters,
            last_recorded_at=last_recorded_at,
            open_runs=open_runs,
            unread_deliveries=unread,
            partitions_until=weeks[-1][1],
            last_gap=last_gap,
        )
