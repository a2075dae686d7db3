"""The tables that the scheduler owns. Nobody else reads or writes them."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from libs.db import outbox


class SchedulerTable(SQLModel, registry=registry()):
    """What all tables of the scheduler share: a heap of their own."""


outbox.declare(SchedulerTable.metadata)


def _of(sa_type: TypeEngine[Any] | type[TypeEngine[Any]]) -> Any:
    return Field(sa_type=sa_type)


def _id() -> Any:
    # Compared byte by byte, as the keyset pages and their indexes are.
    return _of(Text(collation="C"))


def _text() -> Any:
    return _of(Text)


def _time() -> Any:
    return _of(DateTime(timezone=True))


def _texts() -> Any:
    return _of(ARRAY(Text))


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
    )

    id: str = _id()
    location_id: str = _id()
    enabled: bool
    frequency: str = _text()
    preferred_time: str = _text()
    timezone: str = _text()
    weekday: int | None = _of(SmallInteger)
    cron_expression: str | None = _text()
    scan_scope: str = _text()
    selected_workflow_ids: list[str] = _texts()
    last_scan_at: datetime | None = _time()
    next_scan_at: datetime | None = _time()
    tzdata_version: str = _text()
    error: str | None = _text()
    error_until: datetime | None = _time()
    version: int
    created_at: datetime = _time()
    updated_at: datetime = _time()
    spread_seconds: int
    blackout_windows: list[dict[str, Any]] = _of(JSONB)
    catchup_seconds: int | None
    overlap_policy: str = _text()
    switched_at: datetime | None = _time()
    switched_by: str = _text()
    switch_reason: str = _text()


class ScheduleChangeRow(SchedulerTable, table=True):
    """What was done to a schedule, by whom, and what it said from then on."""

    __tablename__ = "schedule_changes"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "id", name="schedule_changes_pkey"),
        Index("schedule_changes_changed_at_idx", "changed_at"),
    )

    location_id: str = _id()
    id: str = _id()
    schedule_id: str = _id()
    kind: str = _text()
    changed_at: datetime = _time()
    actor: str = _text()
    reason: str = _text()
    enabled: bool
    snapshot: dict[str, Any] = _of(JSONB)


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

    id: str = _id()
    schedule_id: str | None = _id()
    location_id: str = _id()
    status: str = _text()
    trigger: str = _text()
    scan_scope: str = _text()
    selected_workflow_ids: list[str] = _texts()
    scheduled_for: datetime = _time()
    fires: int
    reason: str = _text()
    attempt: int
    max_attempts: int
    not_before: datetime = _time()
    lease_owner: str | None = _id()
    lease_until: datetime | None = _time()
    heartbeat_at: datetime | None = _time()
    workflows_total: int
    workflows_scanned: int
    issues_found: int
    critical_issues: int
    partial: bool
    created_at: datetime = _time()
    started_at: datetime | None = _time()
    completed_at: datetime | None = _time()
    summary: dict[str, Any] | None = _of(JSONB(none_as_null=True))
    buffered: bool
    failures: list[dict[str, Any]] = _of(JSONB)


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

    scan_id: str = _id()
    position: int
    results: list[dict[str, Any]] = _of(JSONB)


class ScanRequestRow(SchedulerTable, table=True):
    """Which scan a caller was answered with, so that a repeated call gives the same one."""

    __tablename__ = "scan_requests"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "idempotency_key", name="scan_requests_pkey"),
    )

    location_id: str = _id()
    idempotency_key: str = _id()
    scan_id: str = _id()
    already_running: bool
    created_at: datetime = _time()
    asked: str = _text()


class ScanResultRow(SchedulerTable, table=True):
    """What a scan says of one workflow; `position` sorts a scan's rows, lowest score first."""

    __tablename__ = "scan_results"
    __table_args__ = (
        PrimaryKeyConstraint("scan_id", "position", name="scan_results_pkey"),
        ForeignKeyConstraint(
            ["scan_id"],
            ["scan_history.id"],
            ondelete="CASCADE",
            name="scan_results_scan_id_fkey",
        ),
    )

    scan_id: str = _id()
    position: int
    workflow_id: str = _id()
    workflow_name: str = _text()
    score: int | None
    runs: int = _of(BigInteger)
    deductions: list[dict[str, Any]] = _of(JSONB)
    assessed_rule_ids: list[str] = _texts()
    not_assessed: list[dict[str, Any]] = _of(JSONB)
    ceiling: int | None
    ceiling_reason: str = _text()
    coverage: list[dict[str, Any]] = _of(JSONB)


class FindingRow(SchedulerTable, table=True):
    """Something wrong with one workflow; `position` sorts a scan's rows, worst first."""

    __tablename__ = "findings"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="findings_pkey"),
        UniqueConstraint("scan_id", "position", name="findings_scan_id_position_key"),
        ForeignKeyConstraint(
            ["scan_id"], ["scan_history.id"], ondelete="CASCADE", name="findings_scan_id_fkey"
        ),
        Index("findings_fingerprint_idx", "fingerprint"),
    )

    id: str = _id()
    scan_id: str = _id()
    position: int
    workflow_id: str = _id()
    workflow_name: str = _text()
    rule_id: str = _text()
    title: str = _text()
    severity: str = _text()
    penalty: float = _of(Double)
    occurrences: int
    evidence: str = _text()
    remedy: str = _text()
    fingerprint: str = _id()
    state: str = _text()
    first_seen_at: datetime = _time()
    execution_ids: list[str] = _texts()
    place_id: str = _text()
    place_name: str = _text()
    points_if_fixed: int | None
    workflow_version: int | None


class KnownFindingRow(SchedulerTable, table=True):
    """A finding of a location over all its scans: since when it is known and how it stands."""

    __tablename__ = "known_findings"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "fingerprint", name="known_findings_pkey"),
    )

    location_id: str = _id()
    fingerprint: str = _id()
    workflow_id: str = _id()
    workflow_name: str = _text()
    rule_id: str = _text()
    title: str = _text()
    severity: str = _text()
    standing: str = _text()
    first_seen_at: datetime = _time()
    last_seen_at: datetime = _time()
    last_finding_id: str = _id()


class IgnoredFindingRow(SchedulerTable, table=True):
    """That a finding is ignored: why, who said so, and until when."""

    __tablename__ = "ignored_findings"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "fingerprint", name="ignored_findings_pkey"),
    )

    location_id: str = _id()
    fingerprint: str = _id()
    reason: str = _text()
    ignored_by: str = _text()
    ignored_at: datetime = _time()
    until: datetime | None = _time()
    workflow_version: int | None


class ScoreAlertRow(SchedulerTable, table=True):
    """The last alert about a workflow's score, so that the same one is not sent nightly."""

    __tablename__ = "score_alerts"
    __table_args__ = (PrimaryKeyConstraint("location_id", "workflow_id", name="score_alerts_pkey"),)

    location_id: str = _id()
    workflow_id: str = _id()
    alerted_at: datetime = _time()
    critical_rule_ids: list[str] = _texts()
    workflow_version: int | None


class ReplicaRow(SchedulerTable, table=True):
    """One process of the scheduler and its last sign of life."""

    __tablename__ = "scheduler_replicas"
    __table_args__ = (PrimaryKeyConstraint("id", name="scheduler_replicas_pkey"),)

    id: str = _id()
    started_at: datetime = _time()
    heartbeat_at: datetime = _time()
    last_tick_at: datetime | None = _time()
    skew_ms: int = _of(BigInteger)
    tzdata_version: str = _text()
