"""Schedules, the scans they fire, and the processes that run them."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.scheduler.store.tables.columns import (
    SchedulerTable,
    column_of,
    identifier,
    moment,
    texts,
    words,
)


class ScheduleRow(SchedulerTable, table=True):
    """The schedule of a location."""

    __tablename__ = "scan_schedules"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="scan_schedules_pkey"),
        UniqueConstraint("location_id", name="scan_schedules_location_id_key"),
        Index(
            "scan_schedules_next_scan_at_idx",
            "next_scan_at",
            postgresql_where=text("enabled AND next_scan_at IS NOT NULL"),
        ),
        Index(
            "scan_schedules_error_until_idx",
            "error_until",
            postgresql_where=text("error_until IS NOT NULL"),
        ),
        Index(
            "scan_schedules_overdue_at_idx",
            "overdue_at",
            postgresql_where=text("enabled AND overdue_at IS NOT NULL"),
        ),
        Index("scan_schedules_overdue_idx", "id", postgresql_where=text("overdue")),
    )

    id: str = identifier()
    location_id: str = identifier()
    enabled: bool
    frequency: str = words()
    preferred_time: str = words()
    timezone: str = words()
    weekday: int | None = column_of(SmallInteger)
    cron_expression: str | None = words()
    scan_scope: str = words()
    selected_workflow_ids: list[str] = texts()
    last_scan_at: datetime | None = moment()
    next_scan_at: datetime | None = moment()
    tzdata_version: str = words()
    error: str | None = words()
    error_until: datetime | None = moment()
    version: int
    created_at: datetime = moment()
    updated_at: datetime = moment()
    spread_seconds: int
    blackout_windows: list[dict[str, Any]] = column_of(JSONB)
    catchup_seconds: int | None
    overlap_policy: str = words()
    switched_at: datetime | None = moment()
    switched_by: str = words()
    switch_reason: str = words()
    overdue_at: datetime | None = moment()
    overdue: bool


class ScheduleChangeRow(SchedulerTable, table=True):
    """What was done to a schedule, by whom, and what it said from then on."""

    __tablename__ = "schedule_changes"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "id", name="schedule_changes_pkey"),
        Index("schedule_changes_changed_at_idx", "changed_at"),
    )

    location_id: str = identifier()
    id: str = identifier()
    schedule_id: str = identifier()
    kind: str = words()
    changed_at: datetime = moment()
    actor: str = words()
    reason: str = words()
    enabled: bool
    snapshot: dict[str, Any] = column_of(JSONB)


class ScanRow(SchedulerTable, table=True):
    """One scan of a location, from the moment it is due: the queue and the ledger in one."""

    __tablename__ = "scan_history"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="scan_history_pkey"),
        CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'cancelled', 'missed',"
            " 'skipped')",
            name="scan_history_status_check",
        ),
        CheckConstraint(
            "status <> 'running' OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name="scan_history_lease_check",
        ),
        # One row for each time a schedule fires, whoever fires it.
        Index(
            "scan_history_fire_key",
            "schedule_id",
            "scheduled_for",
            unique=True,
            postgresql_where=text("trigger = 'schedule'"),
        ),
        # One scan of a location at a time, the one that waits for its turn included.
        Index(
            "scan_history_active_key",
            "location_id",
            unique=True,
            postgresql_where=text("status IN ('queued', 'running') AND NOT buffered"),
        ),
        # And at most one behind it.
        Index(
            "scan_history_buffered_key",
            "location_id",
            unique=True,
            postgresql_where=text("status = 'queued' AND buffered"),
        ),
        Index("scan_history_location_id_created_at_idx", "location_id", "created_at", "id"),
        Index(
            "scan_history_location_id_completed_at_idx",
            "location_id",
            "completed_at",
            postgresql_where=text("status = 'completed'"),
        ),
        Index(
            "scan_history_not_before_idx",
            "not_before",
            postgresql_where=text("status = 'queued'"),
        ),
        Index(
            "scan_history_lease_until_idx",
            "lease_until",
            postgresql_where=text("status = 'running'"),
        ),
        Index("scan_history_created_at_idx", "created_at"),
    )

    id: str = identifier()
    schedule_id: str | None = identifier()
    location_id: str = identifier()
    status: str = words()
    trigger: str = words()
    scan_scope: str = words()
    selected_workflow_ids: list[str] = texts()
    scheduled_for: datetime = moment()
    fires: int
    reason: str = words()
    attempt: int
    max_attempts: int
    not_before: datetime = moment()
    lease_owner: str | None = identifier()
    lease_until: datetime | None = moment()
    heartbeat_at: datetime | None = moment()
    workflows_total: int
    workflows_scanned: int
    issues_found: int
    critical_issues: int
    partial: bool
    created_at: datetime = moment()
    started_at: datetime | None = moment()
    completed_at: datetime | None = moment()
    summary: dict[str, Any] | None = column_of(JSONB(none_as_null=True))
    buffered: bool
    failures: list[dict[str, Any]] = column_of(JSONB)


class ScanProgressRow(SchedulerTable, table=True):
    """What a scan has found so far, so that another attempt goes on from there."""

    __tablename__ = "scan_progress"
    __table_args__ = (
        PrimaryKeyConstraint("scan_id", "position", name="scan_progress_pkey"),
        ForeignKeyConstraint(
            ["scan_id"],
            ["scan_history.id"],
            ondelete="CASCADE",
            name="scan_progress_scan_id_fkey",
        ),
    )

    scan_id: str = identifier()
    position: int
    results: list[dict[str, Any]] = column_of(JSONB)


class ScanRequestRow(SchedulerTable, table=True):
    """Which scan a caller was answered with, so that a repeated call gives the same one."""

    __tablename__ = "scan_requests"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "idempotency_key", name="scan_requests_pkey"),
    )

    location_id: str = identifier()
    idempotency_key: str = identifier()
    scan_id: str = identifier()
    already_running: bool
    created_at: datetime = moment()
    asked: str = words()


class ReplicaRow(SchedulerTable, table=True):
    """One process of the scheduler and its last sign of life."""

    __tablename__ = "scheduler_replicas"
    __table_args__ = (PrimaryKeyConstraint("id", name="scheduler_replicas_pkey"),)

    id: str = identifier()
    started_at: datetime = moment()
    heartbeat_at: datetime = moment()
    last_tick_at: datetime | None = moment()
    skew_ms: int = column_of(BigInteger)
    tzdata_version: str = words()
