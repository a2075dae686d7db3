"""The tables that ingestion owns; nobody else reads or writes them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Text,
    Uuid,
    desc,
    text,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from libs.db import outbox

Moment = DateTime(timezone=True)
Word = Text(collation="C")
"""Compared byte by byte: a fifth faster than by the rules of a language."""
Id = Uuid(as_uuid=False)


class IngestionTable(SQLModel, registry=registry()):
    """Apart from other services' tables when one process holds them all."""


def _column(type_: Any, **more: Any) -> Any:
    return Field(sa_type=type_, **more)


class ExecutionRow(IngestionTable, table=True):
    """A run. Partitioned by week; each partition has statistics of its own."""

    __tablename__ = "execution_logs"
    __table_args__ = (
        # Read backwards it is the history of a whole location.
        PrimaryKeyConstraint(
            "location_id", "executed_at", "execution_id", name="execution_logs_pkey"
        ),
        Index(
            "execution_logs_workflow_idx",
            "location_id",
            "workflow_id",
            desc("executed_at"),
            desc("execution_id"),
        ),
        # Only to count what all locations ran in a gap, so it may be small and rough.
        Index("execution_logs_executed_at_idx", "executed_at", postgresql_using="brin"),
        # Failures are few; with the class they are counted without the table.
        Index(
            "execution_logs_failed_idx",
            "location_id",
            "workflow_id",
            desc("executed_at"),
            desc("execution_id"),
            postgresql_include=["error_class"],
            postgresql_where=text("status = 'failed'"),
        ),
        # Errors, partial runs among them, are looked through without the successes.
        Index(
            "execution_logs_errors_idx",
            "location_id",
            "workflow_id",
            desc("executed_at"),
            postgresql_where=text("status <> 'success'"),
        ),
        Index(
            "execution_logs_location_errors_idx",
            "location_id",
            desc("executed_at"),
            postgresql_where=text("status <> 'success'"),
        ),
        CheckConstraint(
            "status IN ('success', 'failed', 'partial')", name="execution_logs_status_check"
        ),
        CheckConstraint(
            "source IN ('webhook', 'grpc', 'import')", name="execution_logs_source_check"
        ),
        {"postgresql_partition_by": "RANGE (executed_at)"},
    )

    # Those of fixed width first: no padding between them.
    execution_id: str = _column(Id)
    executed_at: datetime = _column(Moment)
    received_at: datetime = _column(Moment)
    execution_time_ms: int | None = _column(BigInteger)
    error_message_truncated: bool
    executed_at_adjusted: bool
    location_id: str = _column(Word)
    workflow_id: str = _column(Word)
    status: str = _column(Word)
    source: str = _column(Word)
    workflow_name: str = _column(Text)
    failed_action_id: str = _column(Text)
    failed_action_name: str = _column(Text)
    error_message: str = _column(Text)
    error_class: str = _column(Word)
    error_fingerprint: str = _column(Word)
    run_id: str = _column(Text)
    contact_ref: str | None = _column(Id)


class ExecutionKeyRow(IngestionTable, table=True):
    """What was recorded under a caller's key; not partitioned, because it must be unique."""

    __tablename__ = "execution_keys"
    __table_args__ = (
        PrimaryKeyConstraint(
            "location_id", "workflow_id", "phase", "key", name="execution_keys_pkey"
        ),
        CheckConstraint("phase IN ('started', 'finished')", name="execution_keys_phase_check"),
        Index("execution_keys_recorded_at_idx", "recorded_at"),
    )

    location_id: str = _column(Word)
    workflow_id: str = _column(Word)
    phase: str = _column(Word)
    key: str = _column(Word)
    execution_id: str = _column(Id)
    recorded_at: datetime = _column(Moment)


class ArrivalRow(IngestionTable, table=True):
    """A batch that was recorded, for a day: the log is ordered by when runs ended."""

    __tablename__ = "arrivals"
    __table_args__ = (
        PrimaryKeyConstraint("arrival_id", name="arrivals_pkey"),
        Index("arrivals_arrived_at_idx", "arrived_at"),
    )

    arrival_id: int = Field(sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    arrived_at: datetime = _column(Moment)
    moments: list[datetime] = _column(ARRAY(Moment))


class DoorHeartbeatRow(IngestionTable, table=True):
    """When a door said last that it is open, and when before; there is one row."""

    __tablename__ = "door_heartbeats"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="door_heartbeats_pkey"),
        CheckConstraint("id = 1", name="door_heartbeats_id_check"),
    )

    id: int = Field(sa_column_kwargs={"autoincrement": False})
    heartbeat_at: datetime = _column(Moment)
    previous_at: datetime | None = _column(Moment)


class RecordingGapRow(IngestionTable, table=True):
    """A time in which nothing could be recorded."""

    __tablename__ = "recording_gaps"
    __table_args__ = (
        PrimaryKeyConstraint("gap_id", name="recording_gaps_pkey"),
        Index("recording_gaps_ended_at_idx", desc("ended_at"), desc("gap_id")),
    )

    gap_id: str = _column(Id)
    started_at: datetime = _column(Moment)
    ended_at: datetime = _column(Moment)
    over_told: bool = Field(sa_column_kwargs={"server_default": text("false")})


class OpenRunRow(IngestionTable, table=True):
    """A run that began and was not reported to end; it is no execution yet."""

    __tablename__ = "open_runs"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "workflow_id", "run_id", name="open_runs_pkey"),
        Index("open_runs_started_at_idx", "started_at"),
    )

    location_id: str = _column(Word)
    workflow_id: str = _column(Word)
    run_id: str = _column(Word)
    workflow_name: str = _column(Text)
    started_at: datetime = _column(Moment)
    source: str = _column(Word)
    contact_ref: str | None = _column(Id)


class WorkflowRow(IngestionTable, table=True):
    """A workflow and its standing; locked while a batch of it is counted."""

    __tablename__ = "workflows"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "workflow_id", name="workflows_pkey"),
        CheckConstraint(
            "run_limit_hours BETWEEN 1 AND 720", name="workflows_run_limit_hours_check"
        ),
        # Few have a limit of their own; the shortest says which runs may be overdue.
        Index(
            "workflows_run_limit_hours_idx",
            "run_limit_hours",
            postgresql_where=text("run_limit_hours IS NOT NULL"),
        ),
        Index(
            "workflows_failing_idx",
            "location_id",
            "workflow_id",
            postgresql_where=text("failing"),
        ),
        # Every batch updates it; room in the page keeps the update off the index.
        {"postgresql_with": {"fillfactor": 70}},
    )

    location_id: str = _column(Word)
    workflow_id: str = _column(Word)
    name: str = _column(Text)
    named_at: datetime | None = _column(Moment)
    first_seen_at: datetime = _column(Moment)
    last_execution_at: datetime | None = _column(Moment)
    last_status: str | None = _column(Word)
    failing: bool
    recovery_due: bool
    untold_failures: int
    finish_due: bool
    run_limit_hours: int | None


class WorkflowChangeRow(IngestionTable, table=True):
    """A state that a workflow came to in GoHighLevel, and the one before."""

    __tablename__ = "workflow_changes"
    __table_args__ = (
        PrimaryKeyConstraint(
            "location_id", "workflow_id", "changed_at", name="workflow_changes_pkey"
        ),
    )

    location_id: str = _column(Word)
    workflow_id: str = _column(Word)
    changed_at: datetime = _column(Moment)
    name: str = _column(Text)
    status: str = _column(Text)
    version: int | None = _column(BigInteger)
    previous_name: str = _column(Text)
    previous_status: str = _column(Text)
    previous_version: int | None = _column(BigInteger)


class RollupRow(SQLModel):
    """The numbers of some runs of one workflow."""

    location_id: str = _column(Word)
    workflow_id: str = _column(Word)
    succeeded: int = _column(BigInteger)
    failed: int = _column(BigInteger)
    partial: int = _column(BigInteger)
    expected: int = _column(BigInteger)
    timed: int = _column(BigInteger)
    total_time_ms: int = _column(BigInteger)
    times: Decimal = _column(Numeric)
    last_execution_at: datetime = _column(Moment)
    last_failure_at: datetime | None = _column(Moment)
    first_counted_at: datetime | None = _column(Moment)
    last_counted_at: datetime | None = _column(Moment)


class HourlyRollupRow(RollupRow, IngestionTable, table=True):
    """The runs of an hour; every batch adds to it."""

    __tablename__ = "hourly_rollups"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "workflow_id", "hour", name="hourly_rollups_pkey"),
        # Only to remove old hours and to close days, so it may be small and rough.
        Index("hourly_rollups_hour_idx", "hour", postgresql_using="brin"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    hour: datetime = _column(Moment)


class DailyRollupRow(RollupRow, IngestionTable, table=True):
    """The runs of a day that is over, the sum of its hours."""

    __tablename__ = "daily_rollups"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "workflow_id", "day", name="daily_rollups_pkey"),
        Index("daily_rollups_day_idx", "day", postgresql_using="brin"),
    )

    day: datetime = _column(Moment)


class LocationSettingsRow(IngestionTable, table=True):
    """A copy of the notifier's thresholds.

    The row without a workflow holds for all others of the location, the one
    without a location for all other locations.
    """

    __tablename__ = "location_settings"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "workflow_id", name="location_settings_pkey"),
        CheckConstraint("failure_threshold > 0", name="location_settings_failure_threshold_check"),
        CheckConstraint("time_window_hours > 0", name="location_settings_time_window_hours_check"),
    )

    location_id: str = _column(Word)
    alerts_enabled: bool
    failure_threshold: int
    time_window_hours: int
    updated_at: datetime = _column(Moment)
    workflow_id: str = _column(Word, sa_column_kwargs={"server_default": text("''::text")})


class QuarantinedDeliveryRow(IngestionTable, table=True):
    """A delivery that could not be read: its body sealed, and what may be shown of it."""

    __tablename__ = "quarantined_deliveries"
    __table_args__ = (
        PrimaryKeyConstraint("quarantine_id", name="quarantined_deliveries_pkey"),
        Index(
            "quarantined_deliveries_location_idx",
            "location_id",
            desc("received_at"),
            desc("quarantine_id"),
        ),
        Index("quarantined_deliveries_received_at_idx", "received_at"),
    )

    quarantine_id: str = _column(Id)
    location_id: str = _column(Word)
    workflow_id: str = _column(Word)
    received_at: datetime = _column(Moment)
    reason: str = _column(Text)
    detail: str = _column(Text)
    content_type: str = _column(Text)
    idempotency_key: str = _column(Word)
    sealed_body: bytes = _column(LargeBinary)
    body_size: int = _column(BigInteger)
    truncated: bool
    redacted_body: str = _column(Text)


outbox.declare(IngestionTable.metadata)
