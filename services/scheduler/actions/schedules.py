"""Keeps the schedules of the locations, and says when they fire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from libs import problems
from libs.db import outbox
from libs.db.database import Database
from libs.ids import new_id
from services.scheduler.actions.completing import to_tell
from services.scheduler.domain.change import ChangeKind, ScheduleChange, kind_of
from services.scheduler.domain.events import ScanFailed
from services.scheduler.domain.schedule import FrequencyMissing, Schedule, settled
from services.scheduler.domain.timing import PlannedRun, next_fire, planned_runs
from services.scheduler.store import Transaction, changes, scans, schedules
from services.scheduler.store.now import now
from services.scheduler.store.schedules import Due

log = structlog.get_logger()

SHOWN_RUNS = 5
PAUSED = "The schedule was paused before it began."
DELETED = "The schedule was deleted before it began."
BATCH = 500


class ScheduleNotFound(problems.NotFound):
    """The location has no schedule; create one first."""

    reason = "SCHEDULE_NOT_FOUND"


class ScheduleChanged(problems.Overtaken):
    """The schedule is not the one this etag is of; get it again and repeat the change."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule, and when it would fire."""

    schedule: Schedule
    next_runs: tuple[datetime, ...]


class Schedules:
    """One schedule per location."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, location_id: str) -> Planned:
        """Gives the schedule of a location."""
        async with self._database.transaction() as session:
            schedule = await schedules.get(session, location_id)
            at = await now(session)
        if schedule is None:
            raise ScheduleNotFound(location_id=location_id)
        return _planned(schedule, at)

    async def upsert(
        self,
        location_id: str,
        values: Mapping[str, Any],
        *,
        version: int | None = None,
        actor: str = "",
    ) -> tuple[Planned, bool]:
        """Creates or changes a schedule; says whether it was created.

        `values` are fields of `Schedule` by name; the others stay, or have their
        defaults when it is new. With a version, only that one is changed.
        """
        async with self._database.transaction() as session:
            await schedules.lock_location(session, location_id)
            at = await now(session)
            current = await schedules.get(session, location_id, lock=True)
            if version is not None and (current is None or current.version != version):
                raise ScheduleChanged(location_id=location_id)
            wanted = _changed(current, values, at) if current else _new(location_id, values, at)
            if current is None or wanted.enabled != current.enabled:
                wanted = replace(wanted, switched_at=at, switched_by=actor, switch_reason="")
            if wanted != current:
                await _keep(session, current, wanted, actor=actor)
        return _planned(wanted, at), current is None

    async def switch(self, location_id: str, *, enabled: bool, actor: str, reason: str) -> Planned:
        """Pauses or resumes a schedule; nothing changes when it is so already.

        What it would have fired meanwhile is not made up for.
        """
        async with self._database.transaction() as session:
            at = await now(session)
            current = await schedules.get(session, location_id, lock=True)
            if current is None:
                raise ScheduleNotFound(location_id=location_id)
            if current.enabled == enabled:
                return _planned(current, at)
            wanted = replace(
                _switched(current, enabled, at),
                switched_at=at,
                switched_by=actor,
                switch_reason=reason,
            )
            await _keep(session, current, wanted, actor=actor, reason=reason)
        return _planned(wanted, at)

    async def delete(self, location_id: str, *, actor: str = "") -> None:
        """Deletes the schedule of a location; its scans stay, those that wait are cancelled."""
        async with self._database.transaction() as session:
            schedule_id = await schedules.remove(session, location_id)
            if schedule_id is None:
                raise ScheduleNotFound(location_id=location_id)
            await scans.cancel_waiting(session, schedule_id, reason=DELETED)
            deleted = ScheduleChange(
                kind=ChangeKind.DELETED,
                changed_at=await now(session),
                schedule_id=schedule_id,
                actor=actor,
            )
            await changes.add(session, location_id, deleted)

    async def preview(self, schedule: Schedule, count: int) -> list[PlannedRun]:
        """Gives the next times a schedule would fire."""
        async with self._database.transaction() as session:
            at = await now(session)
        return planned_runs(settled(schedule, at).timing, at, count)

    async def reconcile(self) -> None:
        """Computes next times that are missing, or that other time zone data gave."""
        while await self._reconcile_batch() == BATCH:
            pass

    async def _reconcile_batch(self) -> int:
        next_times: dict[str, datetime] = {}
        errors: dict[str, str] = {}
        async with self._database.transaction() as session:
            at = await now(session)
            found = await schedules.stale(session, BATCH)
            for each in found:
                try:
                    next_times[each.schedule_id] = next_fire(each.schedule().timing, at)
                except Exception as error:  # noqa: BLE001  one broken row must not stop the others
                    errors[each.schedule_id] = described(each.schedule_id, error)
            await schedules.advance(session, next_times)
            await set_aside(session, found, errors, at)
        return len(found)


async def set_aside(
    session: Transaction, looked_at: Sequence[Due], errors: Mapping[str, str], at: datetime
) -> None:
    """Leaves schedules that cannot be computed alone for a while; tells each new error once."""
    broken = [
        ScanFailed(
            location_id=each.row.location_id,
            scan_id="",
            occurred_at=at,
            error=f"Its schedule cannot be computed: {errors[each.schedule_id]}",
            attempts=0,
        )
        for each in looked_at
        if each.schedule_id in errors and each.row.error is None
    ]
    await schedules.set_aside(session, errors)
    await outbox.add(session, to_tell(broken))


def described(schedule_id: str, error: Exception) -> str:
    """Says what is wrong with a schedule that cannot be computed, and logs it."""
    log.error("schedule.broken", schedule_id=schedule_id, error=repr(error))
    return error.message if isinstance(error, problems.Problem) else repr(error)


async def _keep(
    session: Transaction, before: Schedule | None, after: Schedule, *, actor: str, reason: str = ""
) -> None:
    await schedules.put(session, after)
    if before and not _fire_alike(before, after):
        await schedules.forgive(session, after.schedule_id)
    if not after.enabled:
        await scans.cancel_waiting(session, after.schedule_id, reason=PAUSED)
    change = ScheduleChange(
        kind=kind_of(before, after),
        changed_at=await now(session),
        schedule_id=after.schedule_id,
        actor=actor,
        reason=reason,
        schedule=after,
    )
    await changes.add(session, after.location_id, change)


def _changed(current: Schedule, values: Mapping[str, Any], at: datetime) -> Schedule:
    """Gives the schedule after the change; the very same when nothing changes."""
    wanted = settled(replace(current, **values), current.created_at or at)
    if wanted == current:
        return current
    if not _fire_alike(wanted, current) or current.next_scan_at is None:
        wanted = replace(wanted, next_scan_at=_next(wanted, at))
    return replace(wanted, version=current.version + 1, updated_at=at, error="")


def _fire_alike(one: Schedule, other: Schedule) -> bool:
    return (one.timing, one.enabled) == (other.timing, other.enabled)


def _switched(current: Schedule, enabled: bool, at: datetime) -> Schedule:
    """Gives the schedule on or off; off goes also when its times cannot be computed."""
    version = current.version + 1
    wanted = replace(current, enabled=enabled, version=version, updated_at=at, error="")
    return replace(wanted, next_scan_at=_next(wanted, at))


def _new(location_id: str, values: Mapping[str, Any], at: datetime) -> Schedule:
    if "frequency" not in values:
        raise FrequencyMissing.at("frequency")
    wanted = settled(Schedule(location_id=location_id, **values), at)
    return replace(
        wanted,
        schedule_id=new_id(),
        version=1,
        next_scan_at=_next(wanted, at),
        created_at=at,
        updated_at=at,
    )


def _next(schedule: Schedule, at: datetime) -> datetime | None:
    return next_fire(schedule.timing, at) if schedule.enabled else None


def _planned(schedule: Schedule, at: datetime) -> Planned:
    try:
        runs = planned_runs(schedule.timing, at, SHOWN_RUNS)
    except problems.InvalidRequest:
        # A stored schedule was valid once. It must be seen to be repaired.
        return Planned(schedule, ())
    return Planned(schedule, tuple(run.fires_at for run in runs))
