"""What was done to schedules: enough to say later what they would have fired."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from libs.ids import new_id
from services.scheduler.domain.change import ChangeKind, ScheduleChange
from services.scheduler.domain.schedule import Schedule
from services.scheduler.domain.timing import Frequency
from services.scheduler.store import Transaction
from services.scheduler.store.schedules import timing_values, windows_of
from services.scheduler.store.tables import ScheduleChangeRow


async def add(session: Transaction, location_id: str, change: ScheduleChange) -> None:
    """Adds a change to the history of a location's schedule."""
    after = change.schedule
    await session.execute(
        insert(ScheduleChangeRow).values(
            location_id=location_id,
            id=new_id(),
            schedule_id=change.schedule_id,
            kind=change.kind,
            changed_at=change.changed_at,
            actor=change.actor,
            reason=change.reason,
            enabled=after is not None and after.enabled,
            snapshot=timing_values(after) if after else {},
        )
    )


async def newest(
    session: Transaction, location_id: str, until: datetime, *, limit: int
) -> list[ScheduleChange]:
    """Gives the changes of a location's schedule at or before a time, newest first."""
    query = (
        select(ScheduleChangeRow)
        .where(
            col(ScheduleChangeRow.location_id) == location_id,
            col(ScheduleChangeRow.changed_at) <= until,
        )
        .order_by(col(ScheduleChangeRow.changed_at).desc(), col(ScheduleChangeRow.id).desc())
        .limit(limit)
    )
    return [_change_of(row) for row in await session.scalars(query)]


def _change_of(row: ScheduleChangeRow) -> ScheduleChange:
    return ScheduleChange(
        kind=ChangeKind(row.kind),
        changed_at=row.changed_at,
        schedule_id=row.schedule_id,
        actor=row.actor,
        reason=row.reason,
        schedule=_snapshot_of(row) if row.snapshot else None,
    )


def _snapshot_of(row: ScheduleChangeRow) -> Schedule:
    stored = row.snapshot
    return Schedule(
        schedule_id=row.schedule_id,
        location_id=row.location_id,
        enabled=row.enabled,
        frequency=Frequency(stored["frequency"]),
        preferred_time=stored["preferred_time"],
        timezone=stored["timezone"],
        weekday=stored["weekday"],
        cron_expression=stored["cron_expression"] or "",
        spread_seconds=stored["spread_seconds"],
        blackout_windows=windows_of(stored["blackout_windows"]),
    )
