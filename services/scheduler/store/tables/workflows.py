"""Connections to HighLevel, and what is known of workflows."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, PrimaryKeyConstraint
from sqlalchemy.dialects.postgresql import JSONB

from services.scheduler.store.tables.columns import (
    SchedulerTable,
    column_of,
    identifier,
    moment,
    words,
)


class ConnectionRow(SchedulerTable, table=True):
    """How a location is connected to HighLevel; both tokens are sealed.

    `renewing_by` holds the grant until `renewing_until` to renew it; `grant_version` is another
    one after each renewal.
    """

    __tablename__ = "ghl_connections"
    __table_args__ = (PrimaryKeyConstraint("location_id", name="ghl_connections_pkey"),)

    location_id: str = identifier()
    kind: str = words()
    status: str = words()
    status_since: datetime = moment()
    error: str = words()
    connected_at: datetime = moment()
    connected_by: str = words()
    last_read_at: datetime | None = moment()
    access_token: bytes = column_of(LargeBinary)
    access_expires_at: datetime | None = moment()
    refresh_token: bytes | None = column_of(LargeBinary)
    grant_version: int
    renewing_by: str = words()
    renewing_until: datetime = moment()
    unreadable: list[dict[str, Any]] = column_of(JSONB)


class SnapshotRow(SchedulerTable, table=True):
    """A workflow as HighLevel's list last showed it, and how the last completed scan saw it.

    `scanned_status` is NULL when the list did not have it then.
    """

    __tablename__ = "workflow_snapshots"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "workflow_id", name="workflow_snapshots_pkey"),
    )

    location_id: str = identifier()
    workflow_id: str = identifier()
    name: str = words()
    status: str = words()
    version: int | None = column_of(BigInteger)
    created_at: datetime | None = moment()
    updated_at: datetime | None = moment()
    first_seen_at: datetime = moment()
    last_seen_at: datetime = moment()
    vanished_at: datetime | None = moment()
    scanned_at: datetime | None = moment()
    scanned_status: str | None = words()
    scanned_version: int | None = column_of(BigInteger)


class WorkflowChangeRow(SchedulerTable, table=True):
    """That a workflow appeared, changed its name, status or version, or vanished."""

    __tablename__ = "workflow_changes"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "id", name="workflow_changes_pkey"),
        Index("workflow_changes_location_idx", "location_id", "changed_at", "id"),
        Index("workflow_changes_workflow_idx", "location_id", "workflow_id", "changed_at", "id"),
    )

    location_id: str = identifier()
    id: str = identifier()
    workflow_id: str = identifier()
    kind: str = words()
    changed_at: datetime = moment()
    name: str = words()
    status: str = words()
    version: int | None = column_of(BigInteger)
    previous_name: str = words()
    previous_status: str = words()
    previous_version: int | None = column_of(BigInteger)


class DefinitionRow(SchedulerTable, table=True):
    """The newest definition of a workflow from one origin; the content is sealed."""

    __tablename__ = "workflow_definitions"
    __table_args__ = (
        PrimaryKeyConstraint(
            "location_id", "workflow_id", "origin", name="workflow_definitions_pkey"
        ),
    )

    location_id: str = identifier()
    workflow_id: str = identifier()
    origin: str = words()
    content: bytes = column_of(LargeBinary)
    digest: bytes = column_of(LargeBinary)
    size: int
    name: str = words()
    status: str = words()
    step_count: int
    read_at: datetime = moment()
    uploaded_by: str = words()
