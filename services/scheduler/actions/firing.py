"""Fires the schedules whose time has come: each fire once, whoever gets there first."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial

from libs import metrics
from libs.db.database import Database
from libs.ids import new_id
from services.scheduler.actions.schedules import described, set_aside
from services.scheduler.domain.scan import ScanStatus, ScanTrigger
from services.scheduler.domain.schedule import OverlapPolicy, ScanScope, Schedule
from services.scheduler.domain.timing import (
    Timing,
    catch_up_window,
    count_fires,
    latest_fire,
    next_fire,
    overdue_after,
)
from services.scheduler.store import Transaction, scans, schedules
from services.scheduler.store.now import now
from services.scheduler.store.scans import Scan

BATCH = 500
TICK_SECONDS = 0.8
"""A tick ends before the next one begins; what is left is fired then."""
SHORTEST_WINDOW = timedelta(seconds=30)
"""The catch-up window of a schedule that fires each minute."""


@dataclass(frozen=True, slots=True)
class _Times:
    """The fires of a schedule around now: those between promised and latest were passed over."""

    promised: datetime
    latest: datetime
    passed_over: int
    in_time: bool
    next_at: datetime
    overdue_at: datetime


@dataclass(slots=True)
class _Batch:
    """What becomes of the schedules that are due."""

    scans: list[Scan] = field(default_factory=list)
    next_times: dict[str, datetime] = field(default_factory=dict)
    overdue_times: dict[str, datetime] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    patient: set[str] = field(default_factory=set)
    """The schedules, by id, whose fires may wait behind a scan."""


class Firing:
    """Turns schedules whose time has come into scans that wait."""

    def __init__(self, database: Database, *, on_queued: Callable[[], object]) -> None:
        self._database = database
        self._on_queued = on_queued
        self.last_tick_at: datetime | None = None

    async def tick(self) -> None:
        """Fires what is due."""
        until = time.monotonic() + TICK_SECONDS
        with metrics.TICK_SECONDS.time():
            while await self._fire_batch() == BATCH and time.monotonic() < until:
                pass

    async def _fire_batch(self) -> int:
        async with self._database.transaction() as session:
            at = await now(session)
            due = await schedules.due(session, BATCH)
            batch = _computed(due, at)
            added = await scans.add(session, batch.scans)
            fired = [scan for scan in batch.scans if scan.scan_id in added]
            left_out = [scan for scan in batch.scans if scan.scan_id not in added]
            fired += await _leave_out(session, left_out, batch.patient)
            await schedules.advance(session, batch.next_times, batch.overdue_times)
            await set_aside(session, due, batch.errors, at)
        self.last_tick_at = at
        if due:
            metrics.FIRE_BATCH.observe(len(due))
            self._tell(fired, at)
        return len(due)

    def _tell(self, fired: Sequence[Scan], at: datetime) -> None:
        for scan in fired:
            outcome = "fired" if scan.status is ScanStatus.QUEUED else scan.status
            metrics.FIRES.labels(outcome=outcome).inc(scan.fires)
            metrics.TICK_LAG.observe((at - scan.scheduled_for).total_seconds())
        if any(scan.status is ScanStatus.QUEUED for scan in fired):
            self._on_queued()


def _computed(due: Sequence[schedules.Due], at: datetime) -> _Batch:
    batch = _Batch()
    # Most schedules fire at a few popular times, so that many are computed as one.
    times_of = cache(partial(_times, at=at))
    for each in due:
        try:
            schedule = each.schedule()
            times = times_of(schedule.timing, schedule.next_scan_at or at, schedule.catch_up)
            batch.scans += _fired(schedule, times, at)
            if schedule.overlap_policy is OverlapPolicy.BUFFER_ONE:
                batch.patient.add(each.schedule_id)
            batch.next_times[each.schedule_id] = times.next_at
            batch.overdue_times[each.schedule_id] = times.overdue_at
        except Exception as error:  # noqa: BLE001  one broken row must not stop the others
            batch.errors[each.schedule_id] = described(each.schedule_id, error)
    return batch


async def _leave_out(session: Transaction, left_out: list[Scan], patient: set[str]) -> list[Scan]:
    """Lets one scan of each patient schedule wait behind the one it met; skips the rest."""
    if not left_out:
        return []
    met = await scans.active(session, [scan.location_id for scan in left_out])
    waiting = [_buffered(scan, met) for scan in left_out if scan.schedule_id in patient]
    buffered = await scans.add(session, waiting)
    skipped = [_skipped(scan, met) for scan in left_out if scan.scan_id not in buffered]
    added = buffered | await scans.add(session, skipped)
    return [scan for scan in (*waiting, *skipped) if scan.scan_id in added]


def _times(
    timing: Timing, promised: datetime, catch_up: timedelta | None, *, at: datetime
) -> _Times:
    """Computes the fires around now; what was promised as the next one holds in any case."""
    latest = max(latest_fire(timing, at) or promised, promised)
    late = at - latest
    return _Times(
        promised=promised,
        latest=latest,
        passed_over=count_fires(timing, promised, latest),
        in_time=late <= SHORTEST_WINDOW or late <= _window(timing, catch_up),
        next_at=next_fire(timing, at),
        overdue_at=promised + overdue_after(timing),
    )


def _window(timing: Timing, catch_up: timedelta | None) -> timedelta:
    return catch_up_window(timing) if catch_up is None else catch_up


def _fired(schedule: Schedule, times: _Times, at: datetime) -> list[Scan]:
    """Gives the scan of the latest fire, and one row, at the first, for all that were missed."""
    missed = times.passed_over if times.in_time else times.passed_over + 1
    found = [_scan(schedule, times.latest, at)] if times.in_time else []
    if missed:
        found.append(_missed(_scan(schedule, times.promised, at), missed))
    return found


def _scan(schedule: Schedule, scheduled_for: datetime, at: datetime) -> Scan:
    selected = schedule.scan_scope is ScanScope.SELECTED
    return Scan(
        scan_id=new_id(),
        schedule_id=schedule.schedule_id,
        location_id=schedule.location_id,
        trigger=ScanTrigger.SCHEDULE,
        scan_scope=schedule.scan_scope,
        selected_workflow_ids=schedule.selected_workflow_ids if selected else (),
        scheduled_for=scheduled_for,
        created_at=at,
    )


def _missed(scan: Scan, fires: int) -> Scan:
    times = "1 fire" if fires == 1 else f"{fires} fires"
    return replace(
        scan,
        status=ScanStatus.MISSED,
        fires=fires,
        reason=f"Nothing could run it in time: {times} missed up to {scan.created_at:%F %T} UTC.",
    )


def _buffered(scan: Scan, met: dict[str, Scan]) -> Scan:
    return replace(scan, buffered=True, reason=f"Waits until {_name_of(scan, met)} is done.")


def _skipped(scan: Scan, met: dict[str, Scan]) -> Scan:
    return replace(
        scan,
        scan_id=new_id(),
        status=ScanStatus.SKIPPED,
        reason=f"{_name_of(scan, met)} of the location was not done yet.",
    )


def _name_of(scan: Scan, met: dict[str, Scan]) -> str:
    other = met.get(scan.location_id)
    return f"Scan {other.scan_id}" if other else "Another scan"
