"""How much there is to do and how late it is; counted up to a limit, so that asking stays cheap."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, func, select, text
from sqlmodel import col

from libs.db import outbox
from libs.db.outbox import OutboxState
from services.scheduler.domain.scan import ScanStatus, ScanTrigger
from services.scheduler.store import Transaction
from services.scheduler.store.now import now
from services.scheduler.store.schedules import not_set_aside
from services.scheduler.store.tables import ScanRow, ScheduleRow

DAY = timedelta(days=1)
LATE = timedelta(seconds=60)
MOST_COUNTED = 10_000
MOST_SCHEDULES_COUNTED = 1_000_000
MOST_SCANS_COUNTED = 100_000
STATEMENT_LIMIT = "500ms"
NEVER_FIRED = (ScanStatus.MISSED, ScanStatus.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FireCounts:
    """What became of the fires and scans of a day."""

    fired: int
    late: int
    missed: int
    skipped: int
    completed: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What waits, what runs, and what was."""

    database_time: datetime
    due: int
    oldest_due_at: datetime | None
    queued: int
    running: int
    expired_leases: int
    schedules_in_error: int
    enabled_schedules: int
    overdue_schedules: int
    next_fire_at: datetime | None
    last_24_hours: FireCounts
    outbox: OutboxState


async def measure(session: Transaction) -> Workload:
    """Gives the workload; each question may take half a second."""
    await session.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_LIMIT}'"))
    enabled, at = and_(col(ScheduleRow.enabled)), func.clock_now()
    next_at = select(func.min(col(ScheduleRow.next_scan_at))).where(enabled, not_set_aside())
    overdue = and_(enabled, not_set_aside(), col(ScheduleRow.next_scan_at) <= at)
    oldest_due_at = await session.scalar(next_at.where(overdue))
    running = col(ScanRow.status) == ScanStatus.RUNNING
    return Workload(
        database_time=await now(session),
        due=await _count(session, overdue),
        oldest_due_at=oldest_due_at,
        queued=await _count(session, col(ScanRow.status) == ScanStatus.QUEUED),
        running=await _count(session, running),
        expired_leases=await _count(session, running & (col(ScanRow.lease_until) <= at)),
        schedules_in_error=await _count(session, col(ScheduleRow.error_until) > at),
        enabled_schedules=await _count(session, enabled, most=MOST_SCHEDULES_COUNTED),
        overdue_schedules=await _count(session, and_(col(ScheduleRow.overdue))),
        next_fire_at=await session.scalar(next_at),
        last_24_hours=FireCounts(**(await session.execute(_fires())).one()._asdict()),
        outbox=await outbox.state(session),
    )


async def _count(
    session: Transaction, condition: ColumnElement[bool], *, most: int = MOST_COUNTED
) -> int:
    rows = select(text("1")).where(condition).limit(most).subquery()
    return await session.scalar(select(func.count()).select_from(rows)) or 0


def _fires() -> Select[int, int, int, int, int, int]:
    columns = (ScanRow.status, ScanRow.trigger, ScanRow.fires, ScanRow.created_at)
    scans = (
        select(*map(col, columns), col(ScanRow.scheduled_for))
        .where(col(ScanRow.created_at) > func.clock_now() - DAY)
        .limit(MOST_SCANS_COUNTED)
        .subquery()
    )
    status, fires = scans.c.status, scans.c.fires
    fired = and_(scans.c.trigger == ScanTrigger.SCHEDULE, status.not_in(NEVER_FIRED))
    late = scans.c.created_at - scans.c.scheduled_for > LATE

    def total(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, fires), else_=0)), 0)

    return select(
        total(fired).label("fired"),
        total(and_(fired, late)).label("late"),
        total(status == ScanStatus.MISSED).label("missed"),
        total(status == ScanStatus.SKIPPED).label("skipped"),
        total(status == ScanStatus.COMPLETED).label("completed"),
        total(status == ScanStatus.FAILED).label("failed"),
    )
