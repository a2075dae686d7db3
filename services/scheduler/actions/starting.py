"""Starts scans on demand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from libs import problems
from libs.db.database import Database
from libs.ids import new_id
from services.scheduler.actions.schedules import ScheduleNotFound
from services.scheduler.domain.scan import ScanStatus, ScanTrigger
from services.scheduler.domain.schedule import (
    Asked,
    ScanScope,
    Schedule,
    SelectionEmpty,
    selection,
)
from services.scheduler.domain.timing import next_fire, overdue_after
from services.scheduler.store import Transaction, requests, scans, schedules
from services.scheduler.store.now import now
from services.scheduler.store.scans import Scan

TRIES = 3


class WorkflowSelectionEmpty(problems.InvalidRequest):
    """Scope selected needs 1 to 1,000 workflow ids; name some, or choose scope all or active."""

    reason = "WORKFLOW_SELECTION_EMPTY"


class RequestIdReused(problems.AlreadyExists):
    """The request_id was used to ask for another scan; use a new one for a new request."""

    reason = "REQUEST_ID_REUSED"


class SchedulePaused(problems.WrongState):
    """The schedule is paused: there is no next fire that a scan could count as; resume it first."""

    reason = "SCHEDULE_PAUSED"


class ScopeNotTheSchedules(problems.InvalidRequest):
    """A scan that counts as the next fire has the schedule's scope; leave the scope out."""

    reason = "SCOPE_NOT_THE_SCHEDULES"


@dataclass(frozen=True, slots=True)
class Started:
    """The scan a caller gets, and whether the location was being scanned already."""

    scan: Scan
    already_running: bool
    replayed: bool = False
    """Whether an earlier call with the same key was answered so."""
    counts_as: datetime | None = None
    """The fire it counts as, when it was begun for that."""


class Starting:
    """Queues a scan now, unless the location has one."""

    def __init__(self, database: Database, *, on_queued: Callable[[], object]) -> None:
        self._database = database
        self._on_queued = on_queued

    async def run(self, location_id: str, asked: Asked, *, key: str = "") -> Started:
        """Starts a scan of a location; the same key gives the same scan, for ever."""
        if asked.counts_as_next_fire and asked.scope is not None:
            raise ScopeNotTheSchedules.at("scan_scope")
        async with self._database.transaction() as session:
            # Firing locks the schedule before its scans; so does who takes a fire from it.
            schedule = await schedules.get(session, location_id, lock=asked.counts_as_next_fire)
            at = await now(session)
            wanted = _wanted(location_id, schedule, asked, at)
            started = await _repeated(session, wanted, asked, key)
            if started is None:
                started = await _begun(session, wanted, key)
                if asked.counts_as_next_fire and not started.already_running:
                    started = await _counted(session, schedule, started)
        if not started.already_running:
            self._on_queued()
        return started


def _wanted(location_id: str, schedule: Schedule | None, asked: Asked, at: datetime) -> Scan:
    scope, selected = asked.scope, asked.selected
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


async def _repeated(session: Transaction, wanted: Scan, asked: Asked, key: str) -> Started | None:
    """Gives the answer of an earlier call with the key; without one the key is kept for this."""
    if not key:
        return None
    answer = await requests.claim(session, wanted.location_id, key, wanted.scan_id, asked.digest)
    if answer is None:
        return None
    if answer.asked not in ("", asked.digest):
        raise RequestIdReused(request_id=key)
    scan = await scans.get(session, wanted.location_id, answer.scan_id)
    return Started(scan, answer.already_running, replayed=True) if scan else None


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


async def _counted(session: Transaction, schedule: Schedule | None, started: Started) -> Started:
    """Lets a scan count as the next fire: the ledger says so, and the schedule goes on after it."""
    scan = started.scan
    if schedule is None:
        raise ScheduleNotFound(location_id=scan.location_id)
    fires_at = schedule.next_scan_at
    if fires_at is None:
        raise SchedulePaused(location_id=scan.location_id)
    fire = replace(
        scan,
        scan_id=new_id(),
        trigger=ScanTrigger.SCHEDULE,
        scheduled_for=fires_at,
        status=ScanStatus.SKIPPED,
        reason=f"Scan {scan.scan_id}, started on demand, counts as it.",
    )
    await scans.add(session, [fire])
    next_at = next_fire(schedule.timing, max(fires_at, scan.created_at))
    overdue_at = fires_at + overdue_after(schedule.timing)
    await schedules.advance(
        session, {schedule.schedule_id: next_at}, {schedule.schedule_id: overdue_at}
    )
    return replace(started, counts_as=fires_at)
