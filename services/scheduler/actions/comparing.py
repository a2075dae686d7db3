"""Says what changed between two completed scans."""

from libs import problems
from libs.db.database import Database
from services.scheduler.actions.listing import named_scan, wanted_scan
from services.scheduler.domain.scan import ScanStatus
from services.scheduler.store import differences, scans
from services.scheduler.store.differences import Difference
from services.scheduler.store.scans import Scan


class ScanNotCompleted(problems.WrongState):
    """Only completed scans can be compared; this one failed, or is not done yet."""

    reason = "SCAN_NOT_COMPLETED"


class Comparing:
    """Compares scans."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def compare(self, location_id: str, scan_id: str, baseline_id: str) -> Difference:
        """Compares a scan with an earlier one; without ids the last two of the same scope."""
        async with self._database.transaction() as session:
            scan = _completed(await wanted_scan(session, location_id, scan_id))
            if not baseline_id:
                return await differences.between(session, await scans.baseline(session, scan), scan)
            baseline = _completed(await named_scan(session, location_id, baseline_id))
            return await differences.between(session, baseline, scan)


def _completed(scan: Scan) -> Scan:
    if scan.status is not ScanStatus.COMPLETED:
        raise ScanNotCompleted(scan_id=scan.scan_id)
    return scan
