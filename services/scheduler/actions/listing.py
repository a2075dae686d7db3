"""Tells what scans there were and what they found, page by page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Generic, TypeVar

from libs import paging, problems
from libs.db.database import Database
from services.scheduler.domain.scan import ScanStatus
from services.scheduler.store import (
    Transaction,
    findings,
    known_workflows,
    scans,
    workflow_changes,
)
from services.scheduler.store.findings import FindingFilter, SeenFinding, seen
from services.scheduler.store.known_workflows import Recalled
from services.scheduler.store.scans import Scan
from services.scheduler.store.tables import ScanResultRow, WorkflowChangeRow

T = TypeVar("T")
Position = list[str | int | float]


class ScanNotFound(problems.NotFound):
    """The location has no such scan."""

    reason = "SCAN_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, and the token of what follows; empty on the last page."""

    items: Sequence[T]
    next_token: str


class Listing:
    """Gives pages; a list goes on where its page before ended, whatever happened meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def scan(self, location_id: str, scan_id: str) -> Scan:
        """Gives one scan."""
        async with self._database.transaction() as session:
            return await named_scan(session, location_id, scan_id)

    async def scans(
        self, location_id: str, status: ScanStatus | None, *, size: int, token: str
    ) -> Page[Scan]:
        """Lists the scans of a location, newest first."""
        query = {"list": "scans", "location_id": location_id, "status": status}
        before = _read(query, token, _moment_and_id)
        async with self._database.transaction() as session:
            found = await scans.newest(
                session, location_id, status=status, before=before, limit=size + 1
            )
        return _page(query, found, size, lambda last: [last.created_at.isoformat(), last.scan_id])

    async def findings(
        self, location_id: str, scan_id: str, wanted: FindingFilter, *, size: int, token: str
    ) -> Page[SeenFinding]:
        """Lists what a scan found, worst first; the last completed one's without an id."""
        query = {"list": "findings", "location_id": location_id, "scan_id": scan_id}
        query |= {name: value or "" for name, value in asdict(wanted).items()}
        named, place = _read(query, token, _scan_and_place) or (scan_id, -1)
        async with self._database.transaction() as session:
            scan = await wanted_scan(session, location_id, named)
            found = await findings.page(
                session, location_id, scan.scan_id, wanted, after=place, limit=size + 1
            )
            shown = await seen(session, location_id, found)
        return _page(query, shown, size, lambda last: [last.row.scan_id, last.row.position])

    async def results(
        self, location_id: str, scan_id: str, *, size: int, token: str
    ) -> Page[ScanResultRow]:
        """Lists what a scan says of each workflow; the last completed one without an id."""
        query = {"list": "results", "location_id": location_id, "scan_id": scan_id}
        named, place = _read(query, token, _scan_and_place) or (scan_id, -1)
        async with self._database.transaction() as session:
            scan = await wanted_scan(session, location_id, named)
            found = await findings.result_page(session, scan.scan_id, after=place, limit=size + 1)
        return _page(query, found, size, lambda last: [last.scan_id, last.position])

    async def snapshots(self, location_id: str, *, size: int, token: str) -> Page[Recalled]:
        """Lists what is known of the workflows of a location, by workflow id."""
        query = {"list": "snapshots", "location_id": location_id}
        after = _read(query, token, lambda position: _id(*position)) or ""
        async with self._database.transaction() as session:
            found = await known_workflows.page(session, location_id, after=after, limit=size + 1)
        return _page(query, found, size, lambda last: [last.workflow_id])

    async def workflow_changes(
        self, location_id: str, workflow_id: str, *, size: int, token: str
    ) -> Page[WorkflowChangeRow]:
        """Lists how the workflows of a location, or one of them, changed, newest first."""
        query = {"list": "changes", "location_id": location_id, "workflow_id": workflow_id}
        before = _read(query, token, _moment_and_id)
        async with self._database.transaction() as session:
            found = await workflow_changes.page(
                session, location_id, workflow_id, before=before, limit=size + 1
            )
        return _page(query, found, size, lambda last: [last.changed_at.isoformat(), last.id])


async def named_scan(session: Transaction, location_id: str, scan_id: str) -> Scan:
    """Gives the scan of a location that has this id."""
    scan = await scans.get(session, location_id, scan_id)
    if scan is None:
        raise ScanNotFound(scan_id=scan_id)
    return scan


async def wanted_scan(session: Transaction, location_id: str, scan_id: str) -> Scan:
    """Gives the scan that has this id, or without one the last completed one."""
    if scan_id:
        return await named_scan(session, location_id, scan_id)
    scan = await scans.last_completed(session, location_id)
    if scan is None:
        raise ScanNotFound("The location has no completed scan yet; run one.")
    return scan


def _page(
    query: Mapping[str, object], found: Sequence[T], size: int, place: Callable[[T], Position]
) -> Page[T]:
    if len(found) <= size:
        return Page(found, "")
    return Page(found[:size], paging.token(query, place(found[size - 1])))


def _read(query: Mapping[str, object], token: str, read: Callable[[Position], T]) -> T | None:
    position = paging.position(query, token)
    if position is None:
        return None
    try:
        return read(position)
    except (TypeError, ValueError, OverflowError) as error:
        raise paging.PageTokenWrong.at("page_token") from error


def _moment_and_id(position: Position) -> tuple[datetime, str]:
    at, scan_id = position
    moment = datetime.fromisoformat(str(at))
    if moment.tzinfo is None:
        raise ValueError(position)
    return moment, _id(scan_id)


def _scan_and_place(position: Position) -> tuple[str, int]:
    """Names the scan too: without it, another one could complete between two pages."""
    scan_id, place = position
    return _id(scan_id), int(place)


def _id(part: str | float) -> str:
    if not isinstance(part, str) or not part.isprintable():
        raise TypeError(part)
    return part
