"""What happened, and what is wrong."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.notifier.store.tables.columns import (
    NotifierTable,
    identifier,
    moment,
    number,
    serial,
    words,
)


class IncidentRow(NotifierTable, table=True):
    """Something wrong, from its first event until it is over."""

    __tablename__ = "incidents"
    __table_args__ = (
        PrimaryKeyConstraint("incident_id", name="incidents_pkey"),
        CheckConstraint(
            "(status = 'open' AND resolved_at IS NULL)"
            " OR (status = 'resolved' AND resolved_at IS NOT NULL)",
            name="incidents_status_check",
        ),
        Index(
            "incidents_open_idx",
            "location_id",
            "dedup_key",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("incidents_newest_idx", "location_id", "last_event_at", "incident_id"),
        Index(
            "incidents_settling_idx",
            "location_id",
            "dedup_key",
            postgresql_where=text("settles_at IS NOT NULL"),
        ),
        Index("incidents_caused_by_idx", "caused_by", postgresql_where=text("caused_by <> ''")),
        Index(
            "incidents_error_idx",
            "last_event_at",
            postgresql_where=text("error_fingerprint <> ''"),
        ),
        Index("incidents_resolved_idx", "location_id", "dedup_key", "resolved_at"),
        Index("incidents_remind_idx", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
        Index("incidents_update_idx", "update_at", postgresql_where=text("update_at IS NOT NULL")),
        Index(
            "incidents_fixes_idx",
            "location_id",
            "dedup_key",
            "resolved_at",
            postgresql_where=text("fix <> '' OR cause <> ''"),
        ),
    )

    incident_id: str = identifier()
    location_id: str = identifier()
    dedup_key: str = identifier()
    status: str = words()
    severity: str = words()
    title: str = words()
    workflow_id: str = identifier()
    workflow_name: str = words()
    event_count: int = number()
    failure_count: int = number()
    opened_at: datetime = moment()
    last_event_at: datetime = moment()
    resolved_at: datetime | None = moment(nullable=True)
    acknowledged_at: datetime | None = moment(nullable=True)
    acknowledged_by: str = words(default="")
    snoozed_until: datetime | None = moment(nullable=True)
    snoozed_until_worse: bool = Field(sa_column_kwargs={"server_default": text("false")})
    wakes_at_count: int = number(default=0)
    remind_at: datetime | None = moment(nullable=True)
    resolved_by: str = words(default="")
    cause: str = words(default="")
    fix: str = words(default="")
    settles_at: datetime | None = moment(nullable=True)
    told_count: int = number(default=0)
    told_at: datetime = moment(default="'epoch'")
    update_at: datetime | None = moment(nullable=True)
    caused_by: str = identifier(default="")
    affected_count: int = number(default=0)
    error_fingerprint: str = identifier(default="")


class IncidentActionRow(NotifierTable, table=True):
    """What was done to an incident, and by whom; only ever added."""

    __tablename__ = "incident_actions"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="incident_actions_pkey"),
        ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name="incident_actions_incident_id_fkey"
        ),
        Index("incident_actions_incident_id_idx", "incident_id", "id"),
    )

    id: int = serial()
    incident_id: str = identifier()
    deed: str = words()
    actor: str = words()
    note: str = words()
    done_at: datetime = moment()


class EventRow(NotifierTable, table=True):
    """What was reported; never changed but for what was decided of it."""

    __tablename__ = "events"
    __table_args__ = (
        PrimaryKeyConstraint("event_id", name="events_pkey"),
        ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name="events_incident_id_fkey"
        ),
        Index(
            "events_once_idx",
            "location_id",
            "once_key",
            unique=True,
            postgresql_where=text("once_key IS NOT NULL"),
        ),
        Index("events_incident_id_idx", "incident_id"),
        Index("events_received_at_idx", "received_at"),
    )

    event_id: str = identifier()
    location_id: str = identifier()
    kind: str = words()
    once_key: str | None = identifier(nullable=True)
    payload: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    incident_id: str | None = identifier(nullable=True)
    occurred_at: datetime = moment()
    received_at: datetime = moment()
    decision: dict[str, Any] | None = Field(sa_type=JSONB, nullable=True)
