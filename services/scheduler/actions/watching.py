"""Shows a scan to whoever watches it, until it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from libs import problems
from libs.db.database import Database
from services.scheduler.actions.listing import ScanNotFound
from services.scheduler.store import scans
from services.scheduler.store.scans import ACTIVE, Scan

EVERY_SECONDS = 0.5
"""How often a scan that is watched is looked at; it may run in any process."""


class Stopping(problems.Unavailable):
    """The process stops; watch the scan again at another one."""

    reason = "STOPPING"


class Watching:
    """Looks at scans again and again while somebody watches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopped = asyncio.Event()

    async def watch(self, location_id: str, scan_id: str) -> AsyncIterator[Scan]:
        """Gives a scan as it is, and whenever it has changed, until it has ended."""
        last = None
        while not self._stopped.is_set():
            async with self._database.transaction() as session:
                scan = await scans.get(session, location_id, scan_id)
            if scan is None:
                raise ScanNotFound(scan_id=scan_id)
            if scan != last:
                yield scan
                last = scan
            if scan.status not in ACTIVE:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), EVERY_SECONDS)
        raise Stopping

    async def stop(self) -> None:
        """Ends every watch."""
        self._stopped.set()
