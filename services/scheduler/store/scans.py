"""The scans of every location: asked for, fired, missed, skipped, and how they ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Select, func, select, text, tuple_, update
from sqlmodel import col

from services.scheduler.domain.scan import ScanStatus, ScanTrigger
from services.scheduler.domain.schedule import ScanScope
from services.scheduler.domain.summary import GapCount, RuleCount, ScanSummary, WorkflowScore
from services.scheduler.store import Transaction
from services.scheduler.store.tables import ScanRow, SchedulerTable

QUEUED_CHANNEL = "scans_queued"
CANCELLED_CHANNEL = "scans_cancelled"
MAX_ATTEMPTS = 3
ACTIVE = (ScanStatus.QUEUED, ScanStatus.RUNNING)
_table = SchedulerTable.metadata.tables["scan_history"]
_AS_THEY_ARE = (
    *("location_id", "status", "trigger", "scan_scope", "selected_workflow_ids", "scheduled_for"),
    *("fires", "buffered", "reason", "attempt", "max_attempts", "workflows_total"),
    *("workflows_scanned", "issues_found", "critical_issues", "partial"),
    *("created_at", "started_at", "completed_at"),
)
_as_they_are = attrgetter(*_AS_THEY_ARE)
_COLUMNS = ", ".join((*_AS_THEY_ARE, "id", "schedule_id", "not_before", "failures"))
_ADD = text(f"""
    INSERT INTO scan_history ({_COLUMNS})
    SELECT {_COLUMNS} FROM json_populate_recordset(
        CAST(NULL AS scan_history), CAST(:rows AS json)
    )
    ON CONFLICT DO NOTHING RETURNING id
""")  # noqa: S608  the columns are ours


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt at a scan that came to nothing."""

    attempt: int
    failed_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One scan of a location, and how far it is."""

    scan_id: str
    location_id: str
    schedule_id: str = ""
    status: ScanStatus = ScanStatus.QUEUED
    trigger: ScanTrigger
    scan_scope: ScanScope
    selected_workflow_ids: tuple[str, ...] = ()
    scheduled_for: datetime
    fires: int = 1
    """Fires of the schedule this row stands for: above 1 only where several were missed."""
    buffered: bool = False
    """Whether it waits until the scan of its location that waits or runs has ended."""
    reason: str = ""
    attempt: int = 0
    max_attempts: int = MAX_ATTEMPTS
    workflows_total: int = 0
    workflows_scanned: int = 0
    issues_found: int = 0
    critical_issues: int = 0
    partial: bool = False
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    summary: ScanSummary | None = None
    failures: tuple[FailedAttempt, ...] = ()
    """The attempts that failed, in order."""

    @property
    def lateness(self) -> timedelta | None:
        """How long after its time a schedule's scan was fired, or missed."""
        if self.trigger is not ScanTrigger.SCHEDULE:
            return None
        return max(self.created_at - self.scheduled_for, timedelta(0))


async def add(session: Transaction, scans: Sequence[Scan]) -> set[str]:
    """Adds scans; gives the ids of those that could be added.

    Left out is one that waits or runs while another of its location does, unless
    it is buffered and the first to be, and one for a fire that has its row already.
    """
    if not scans:
        return set()
    # One document for all rows: as parameters of their own they cost more than all the rest.
    rows = msgspec.json.encode([_values(scan) for scan in scans]).decode()
    ids = set(await session.scalars(_ADD, {"rows": rows}))
    if any(scan.scan_id in ids and scan.status is ScanStatus.QUEUED for scan in scans):
        await announce(session)
    return ids


async def announce(session: Transaction, channel: str = QUEUED_CHANNEL, scan_id: str = "") -> None:
    """Tells all replicas, with the commit, that a scan waits, or that one was cancelled."""
    await session.execute(
        text("SELECT pg_notify(:channel, :scan_id)"), {"channel": channel, "scan_id": scan_id}
    )


async def active(session: Transaction, location_ids: Sequence[str]) -> dict[str, Scan]:
    """Gives the scans that wait or run, by location; not those behind them."""
    query = select(ScanRow).where(
        col(ScanRow.location_id).in_(location_ids),
        col(ScanRow.status).in_(ACTIVE),
        ~col(ScanRow.buffered),
    )
    return {row.location_id: scan_of(row) for row in await session.scalars(query)}


async def cancel_waiting(session: Transaction, schedule_id: str, *, reason: str) -> None:
    """Cancels what a schedule has fired and nobody runs yet."""
    await session.execute(
        update(ScanRow)
        .where(
            col(ScanRow.schedule_id) == schedule_id,
            col(ScanRow.trigger) == ScanTrigger.SCHEDULE,
            col(ScanRow.status) == ScanStatus.QUEUED,
        )
        .values(status=ScanStatus.CANCELLED, reason=reason, completed_at=func.clock_now())
    )


async def get(session: Transaction, location_id: str, scan_id: str) -> Scan | None:
    """Gives one scan of a location."""
    query = select(ScanRow).where(
        col(ScanRow.id) == scan_id, col(ScanRow.location_id) == location_id
    )
    row = await session.scalar(query)
    return scan_of(row) if row else None


async def fire(session: Transaction, schedule_id: str, until: datetime) -> Scan | None:
    """Gives what the ledger has of a schedule's last fire at or before a time."""
    query = select(ScanRow).where(
        col(ScanRow.schedule_id) == schedule_id,
        col(ScanRow.trigger) == ScanTrigger.SCHEDULE,
        col(ScanRow.scheduled_for) <= until,
    )
    row = await session.scalar(query.order_by(col(ScanRow.scheduled_for).desc()).limit(1))
    return scan_of(row) if row else None


async def newest(
    session: Transaction,
    location_id: str,
    *,
    status: ScanStatus | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Scan]:
    """Gives scans of a location, newest first, after the position of the page before."""
    position = (col(ScanRow.created_at), col(ScanRow.id))
    query = select(ScanRow).where(col(ScanRow.location_id) == location_id)
    if status is not None:
        query = query.where(col(ScanRow.status) == status)
    if before is not None:
        query = query.where(tuple_(*position) < tuple_(*before))
    query = query.order_by(*(each.desc() for each in position)).limit(limit)
    return [scan_of(row) for row in await session.scalars(query)]


async def last_completed(session: Transaction, location_id: str) -> Scan | None:
    """Gives the scan of a location that completed last."""
    row = await session.scalar(_completed(location_id))
    return scan_of(row) if row else None


async def baseline(session: Transaction, scan: Scan) -> Scan | None:
    """Gives the last scan of the same scope that completed before this one.

    With scope selected the selection must be the same too: a workflow that was
    not looked at has no findings that could be new or fixed.
    """
    selected = list(scan.selected_workflow_ids)
    query = _completed(scan.location_id).where(
        col(ScanRow.scan_scope) == scan.scan_scope,
        _table.c.selected_workflow_ids.contains(selected),
        _table.c.selected_workflow_ids.contained_by(selected),
    )
    if scan.completed_at is not None:
        query = query.where(col(ScanRow.completed_at) < scan.completed_at)
    row = await session.scalar(query)
    return scan_of(row) if row else None


def _completed(location_id: str) -> Select[Any]:
    return (
        select(ScanRow)
        .where(col(ScanRow.location_id) == location_id, col(ScanRow.status) == ScanStatus.COMPLETED)
        .order_by(col(ScanRow.completed_at).desc())
        .limit(1)
    )


def scan_of(row: ScanRow) -> Scan:
    """Reads a row."""
    return Scan(
        scan_id=row.id,
        location_id=row.location_id,
        schedule_id=row.schedule_id or "",
        status=ScanStatus(row.status),
        trigger=ScanTrigger(row.trigger),
        scan_scope=ScanScope(row.scan_scope),
        selected_workflow_ids=tuple(row.selected_workflow_ids),
        scheduled_for=row.scheduled_for,
        fires=row.fires,
        buffered=row.buffered,
        reason=row.reason,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        workflows_total=row.workflows_total,
        workflows_scanned=row.workflows_scanned,
        issues_found=row.issues_found,
        critical_issues=row.critical_issues,
        partial=row.partial,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        summary=_summary_of(row.summary) if row.summary else None,
        failures=tuple(_failure_of(each) for each in row.failures),
    )


def _summary_of(stored: dict[str, Any]) -> ScanSummary:
    worst = tuple(WorkflowScore(**each) for each in stored["worst_workflows"])
    rules = tuple(RuleCount(**each) for each in stored.get("rules", ()))
    gaps = tuple(GapCount(**each) for each in stored.get("gaps", ()))
    return ScanSummary(**{**stored, "worst_workflows": worst, "rules": rules, "gaps": gaps})


def _failure_of(stored: dict[str, Any]) -> FailedAttempt:
    failed_at = datetime.fromisoformat(stored["failed_at"])
    return FailedAttempt(stored["attempt"], failed_at, stored["reason"])


def _values(scan: Scan) -> dict[str, Any]:
    return dict(zip(_AS_THEY_ARE, _as_they_are(scan), strict=True)) | {
        "id": scan.scan_id,
        "schedule_id": scan.schedule_id or None,
        "not_before": scan.created_at,
        "failures": [],
    }
