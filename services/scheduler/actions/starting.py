"""Starts scans on demand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs import problems
from libs.db.database import Database
from libs.ids import new_id
from services.scheduler.domain.scan import ScanTrigger
from services.scheduler.domain.schedule import ScanScope, Schedule, SelectionEmpty, selection
from services.scheduler.store import Transaction, requests, scans, schedules
from services.scheduler.store.now import now
from services.scheduler.store.scans import Scan

TRIES = 3


class WorkflowSelectionEmpty(problems.InvalidRequest):
    """Scope selected needs 1 to 1,000 workflow ids; name some, or choose scope all or active."""

    reason = "WORKFLOW_SELECTION_EMPTY"


@dataclass(frozen=True, slots=True)
class Started:
    """The scan a caller gets, and whether the location was being scanned already."""

    scan: Scan
    already_running: bool


class Starting:
    """Queues a scan now, unless the location has one."""

    def __init__(self, database: Database, *, on_queued: Callable[[], object]) -> None:
        self._database = database
        self._on_queued = on_queued

    async def run(
        self, location_id: str, *, key: str, scope: ScanScope | None, selected: Sequence[str]
    ) -> Started:
        """Starts a scan of a location; the same key gives the same scan, for ever."""
        async with self._database.transaction() as session:
            schedule = await schedules.get(session, location_id)
            at = await now(session)
            wanted = _wanted(location_id, schedule, scope, selected, at)
            started = await _repeated(session, wanted, key) or await _begun(session, wanted, key)
        if not started.already_running:
            self._on_queued()
        return started


def _wanted(
    location_id: str,
    schedule: Schedule | None,
    scope: ScanScope | None,
    selected: Sequence[str],
    at: datetime,
) -> Scan:
    if scope is None:
        scope = schedule.scan_scope if schedule else ScanScope.ACTIVE
        selected = schedule.selected_workflow_ids if schedule else ()
    return Scan(
        scan_id=new_id(),
        schedule_id=schedule.schedule_id if schedule else "",
        location_id=location_id,
        trigger=ScanTrigger.MANUAL,
        scan_scope=scope,
        selected_workflow_ids=_selection(selected) if scope is ScanScope.SELECTED else (),
        scheduled_for=at,
        created_at=at,
    )


def _selection(selected: Sequence[str]) -> tuple[str, ...]:
    try:
        return selection(ScanScope.SELECTED, selected)
    except SelectionEmpty as problem:
        raise WorkflowSelectionEmpty.at("selected_workflow_ids") from problem


async def _repeated(session: Transaction, wanted: Scan, key: str) -> Started | None:
    """Gives the answer of an earlier call with the key; without one the key is kept for this."""
    if not key:
        return None
    answer = await requests.claim(session, wanted.location_id, key, wanted.scan_id)
    if answer is None:
        return None
    scan = await scans.get(session, wanted.location_id, answer.scan_id)
    return Started(scan, answer.already_running) if scan else None


async def _begun(session: Transaction, wanted: Scan, key: str) -> Started:
    for _ in range(TRIES):
        if await scans.add(session, [wanted]):
            return Started(wanted, already_running=False)
        waiting = await scans.active(session, [wanted.location_id])
        # Empty when that scan ended between the two looks: then the way is free.
        for other in waiting.values():
            if key:
                await requests.point(session, wanted.location_id, key, other.scan_id)
            return Started(other, already_running=True)
    raise problems.Overtaken
