"""Stops scans that somebody does not want any more."""

from libs import metrics, problems
from libs.db.database import Database
from services.scheduler.actions.listing import ScanNotFound
from services.scheduler.domain.scan import ScanStatus
from services.scheduler.store import progress, queue, scans
from services.scheduler.store.scans import Scan


class ScanEnded(problems.WrongState):
    """The scan has ended; there is nothing to cancel."""

    reason = "SCAN_ENDED"


class Cancelling:
    """Cancels scans."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cancel(self, location_id: str, scan_id: str, *, actor: str, reason: str) -> Scan:
        """Cancels a scan that waits or runs; one that is cancelled stays as it is.

        Whatever the process that runs it finds from now on is thrown away.
        """
        by = f"Cancelled by {actor}" if actor else "Cancelled"
        said = f"{by}: {reason}" if reason else f"{by}."
        async with self._database.transaction() as session:
            cancelled = await queue.cancel(session, location_id, scan_id, reason=said)
            if cancelled:
                await progress.forget(session, scan_id)
            scan = await scans.get(session, location_id, scan_id)
        if scan is None:
            raise ScanNotFound(scan_id=scan_id)
        if cancelled:
            metrics.SCANS.labels(status=ScanStatus.CANCELLED).inc()
        elif scan.status is not ScanStatus.CANCELLED:
            raise ScanEnded(scan_id=scan_id, status=scan.status)
        return scan
