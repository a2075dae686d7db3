"""The schedules, one per location, and which of them are due."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.blackouts import BlackoutWindow
from services.scheduler.domain.schedule import OverlapPolicy, ScanScope, Schedule
from services.scheduler.domain.timing import Frequency
from services.scheduler.domain.zones import TZDATA_VERSION
from services.scheduler.store import Transaction
from services.scheduler.store.tables import ScheduleRow, SchedulerTable

_table = SchedulerTable.metadata.tables["scan_schedules"]

_ADVANCE = text("""
    UPDATE scan_schedules SET
        next_scan_at = given.next_at, tzdata_version = :tzdata_version,
        overdue_at = COALESCE(scan_schedules.overdue_at, given.overdue_at),
        error = NULL, error_until = NULL
    FROM unnest(
        CAST(:ids AS text[]), CAST(:next_times AS timestamptz[]),
        CAST(:overdue_times AS timestamptz[])
    ) AS given (id, next_at, overdue_at)
    WHERE scan_schedules.id = given.id
""")

ERROR_PAUSE = timedelta(hours=1)
"""How long a schedule that cannot be computed is left alone."""

LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule that is to be looked at, not yet read: what it says may be broken."""

    schedule_id: str
    row: Row[Any]
    """Its columns; no object of the mapper, which costs more than all the rest of a fire."""

    def schedule(self) -> Schedule:
        """Reads the schedule; raises whatever is wrong with the row."""
        return _schedule_of(self.row)


async def get(session: Transaction, location_id: str, *, lock: bool = False) -> Schedule | None:
    """Gives the schedule of a location; with `lock` nobody else changes it meanwhile."""
    query = select(_table).where(col(ScheduleRow.location_id) == location_id)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    return _schedule_of(row) if row else None


async def lock_location(session: Transaction, location_id: str) -> None:
    """Lets one transaction at a time create or change the schedule of a location."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:location_id, 0))"),
        {"location_id": location_id},
    )


async def put(session: Transaction, schedule: Schedule) -> None:
    """Writes the schedule of a location, whether or not there was one; forgets its error."""
    values = _values(schedule)
    kept = {"id", "location_id", "created_at", "last_scan_at", "overdue"}
    await session.execute(
        insert(ScheduleRow)
        .values(values)
        .on_conflict_do_update(
            constraint="scan_schedules_location_id_key",
            set_={name: value for name, value in values.items() if name not in kept},
        )
    )


async def remove(session: Transaction, location_id: str) -> str | None:
    """Deletes the schedule of a location; gives its id, None when there was none."""
    statement = delete(ScheduleRow).where(col(ScheduleRow.location_id) == location_id)
    return await session.scalar(statement.returning(col(ScheduleRow.id)))


async def due(session: Transaction, limit: int) -> list[Due]:
    """Locks schedules whose time has come, longest due first, that nobody else has locked."""
    return await _locked(session, limit, col(ScheduleRow.next_scan_at) <= func.clock_now())


async def stale(session: Transaction, limit: int) -> list[Due]:
    """Locks schedules whose next time is missing, or was computed under other time zone data.

    One that is due already is left out: it is about to fire, and computing it
    anew would lose that fire.
    """
    next_at = col(ScheduleRow.next_scan_at)
    outdated = col(ScheduleRow.tzdata_version) != TZDATA_VERSION
    return await _locked(
        session, limit, or_(next_at.is_(None), outdated & (next_at > func.clock_now()))
    )


async def advance(
    session: Transaction,
    next_times: Mapping[str, datetime],
    overdue_times: Mapping[str, datetime] | None = None,
) -> None:
    """Sets when each schedule, by id, fires next.

    One that has fired is overdue at its time, unless an earlier fire still waits
    for its scan to complete.
    """
    if not next_times:
        return
    alarms = overdue_times or {}
    given = {
        "ids": list(next_times),
        "next_times": list(next_times.values()),
        "overdue_times": [alarms.get(each) for each in next_times],
        "tzdata_version": TZDATA_VERSION,
    }
    await session.execute(_ADVANCE, given)


async def overdue(session: Transaction, limit: int) -> list[Due]:
    """Locks schedules whose scan should be complete by now, longest overdue first."""
    overdue_at = col(ScheduleRow.overdue_at)
    query = (
        select(_table)
        .where(col(ScheduleRow.enabled), overdue_at <= func.clock_now())
        .order_by(overdue_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Due(row.id, row) for row in await session.execute(query)]


async def mark_overdue(session: Transaction, schedule_ids: Sequence[str]) -> None:
    """Notes that people are told; the next fire is overdue anew."""
    await session.execute(
        update(ScheduleRow)
        .where(col(ScheduleRow.id).in_(schedule_ids))
        .values(overdue=True, overdue_at=None)
    )


async def forgive(session: Transaction, schedule_id: str) -> None:
    """Lets nothing be overdue of a schedule that was switched or fires at other times now."""
    await session.execute(
        update(ScheduleRow)
        .where(col(ScheduleRow.id) == schedule_id)
        .values(overdue=False, overdue_at=None)
    )


async def set_aside(session: Transaction, errors: Mapping[str, str]) -> None:
    """Leaves schedules that cannot be computed alone for a while, each with its error."""
    for schedule_id, error in sorted(errors.items()):
        await session.execute(
            update(ScheduleRow)
            .where(col(ScheduleRow.id) == schedule_id)
            .values(error=error[:LONGEST_ERROR], error_until=func.clock_now() + ERROR_PAUSE)
        )


async def note_scan(session: Transaction, schedule_id: str) -> None:
    """Notes that a scan of the schedule is complete, unless the schedule is gone."""
    await session.execute(
        update(ScheduleRow)
        .where(col(ScheduleRow.id) == schedule_id)
        .values(last_scan_at=func.clock_now(), overdue=False, overdue_at=None)
    )


def not_set_aside() -> ColumnElement[bool]:
    """Leaves out schedules that cannot be computed and are not to be tried again yet."""
    until = col(ScheduleRow.error_until)
    return until.is_(None) | (until <= func.clock_now())


async def _locked(session: Transaction, limit: int, condition: ColumnElement[bool]) -> list[Due]:
    query = (
        select(_table)
        .where(col(ScheduleRow.enabled), not_set_aside(), condition)
        .order_by(col(ScheduleRow.next_scan_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Due(row.id, row) for row in await session.execute(query)]


def _schedule_of(row: Row[Any]) -> Schedule:
    return Schedule(
        schedule_id=row.id,
        location_id=row.location_id,
        enabled=row.enabled,
        frequency=Frequency(row.frequency),
        preferred_time=row.preferred_time,
        timezone=row.timezone,
        weekday=row.weekday,
        cron_expression=row.cron_expression or "",
        scan_scope=ScanScope(row.scan_scope),
        selected_workflow_ids=tuple(row.selected_workflow_ids),
        spread_seconds=row.spread_seconds,
        blackout_windows=windows_of(row.blackout_windows),
        catchup_seconds=row.catchup_seconds,
        overlap_policy=OverlapPolicy(row.overlap_policy),
        error=row.error or "",
        overdue=row.overdue,
        switched_at=row.switched_at,
        switched_by=row.switched_by,
        switch_reason=row.switch_reason,
        version=row.version,
        last_scan_at=row.last_scan_at,
        next_scan_at=row.next_scan_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def windows_of(stored: Sequence[Mapping[str, Any]]) -> tuple[BlackoutWindow, ...]:
    """Reads blackout windows."""
    return tuple(
        BlackoutWindow(each["start"], each["end"], tuple(each["weekdays"])) for each in stored
    )


def timing_values(schedule: Schedule) -> dict[str, Any]:
    """Gives what decides when a schedule fires, by column."""
    return {
        "frequency": schedule.frequency,
        "preferred_time": schedule.preferred_time,
        "timezone": schedule.timezone,
        "weekday": schedule.weekday,
        "cron_expression": schedule.cron_expression or None,
        "spread_seconds": schedule.spread_seconds,
        "blackout_windows": [asdict(each) for each in schedule.blackout_windows],
    }


def _values(schedule: Schedule) -> dict[str, Any]:
    return timing_values(schedule) | {
        "id": schedule.schedule_id,
        "location_id": schedule.location_id,
        "enabled": schedule.enabled,
        "scan_scope": schedule.scan_scope,
        "selected_workflow_ids": list(schedule.selected_workflow_ids),
        "catchup_seconds": schedule.catchup_seconds,
        "overlap_policy": schedule.overlap_policy,
        "overdue": schedule.overdue,
        "switched_at": schedule.switched_at,
        "switched_by": schedule.switched_by,
        "switch_reason": schedule.switch_reason,
        "last_scan_at": schedule.last_scan_at,
        "next_scan_at": schedule.next_scan_at,
        "tzdata_version": TZDATA_VERSION,
        "error": None,
        "error_until": None,
        "version": schedule.version,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }
