"""The tables that the notifier owns."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class NotifierTable(SQLModel, registry=registry()):
    """What all tables of the notifier share: a heap of their own."""


def _id(*, nullable: bool = False) -> Any:
    # Compared byte by byte, as the keyset pages and their indexes are.
    return Field(sa_type=Text(collation="C"), nullable=nullable)


def _text(*, nullable: bool = False, default: str | None = None) -> Any:
    given = {} if default is None else {"server_default": text(f"'{default}'::text")}
    return Field(sa_type=Text, nullable=nullable, sa_column_kwargs=given)


def _time(*, nullable: bool = False, default: str | None = None) -> Any:
    given = {} if default is None else {"server_default": text(default)}
    return Field(
        sa_type=DateTime(timezone=True),
        nullable=nullable,
        sa_column_kwargs=given,
    )


def _count(*, default: int | None = None) -> Any:
    given = {} if default is None else {"server_default": text(str(default))}
    return Field(sa_type=BigInteger, nullable=False, sa_column_kwargs=given)


def _serial() -> Any:
    return Field(sa_type=BigInteger, sa_column_args=[Identity(always=True)], nullable=False)


class AlertSettingsRow(NotifierTable, table=True):
    """What a location wants to be told."""

    __tablename__ = "alert_settings"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="alert_settings_pkey"),
        UniqueConstraint("location_id", name="alert_settings_location_id_key"),
        Index("alert_settings_updated_at_idx", "updated_at", "location_id"),
    )

    id: str = _id()
    location_id: str = _id()
    enabled: bool
    failure_threshold: int
    time_window_hours: int
    alert_on_critical: bool
    alert_email: str | None = _text(nullable=True)
    webhook_url: str | None = _text(nullable=True)
    version: int
    created_at: datetime = _time()
    updated_at: datetime = _time()


class TargetRow(NotifierTable, table=True):
    """Where alerts of a location go, and who may send there now."""

    __tablename__ = "targets"
    __table_args__ = (
        PrimaryKeyConstraint("target_id", name="targets_pkey"),
        CheckConstraint("channel IN ('email', 'webhook')", name="targets_channel_check"),
        # The e-mail and the URL of the settings are one target each.
        Index(
            "targets_settings_idx",
            "location_id",
            "channel",
            unique=True,
            postgresql_where=text("origin = 'settings' AND removed_at IS NULL"),
        ),
    )

    target_id: str = _id()
    location_id: str = _id()
    origin: str = _text()
    channel: str = _text()
    address: str = _text()
    sealed_secret: bytes | None = Field(sa_type=LargeBinary, nullable=True)
    disabled_because: str = _text()
    lease_until: datetime = _time()
    lease_token: str | None = _id(nullable=True)
    next_at: datetime = _time()
    created_at: datetime = _time()
    removed_at: datetime | None = _time(nullable=True)
    urgent_paid_until: datetime = _time(default="'epoch'")
    calm_paid_until: datetime = _time(default="'epoch'")


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
        Index("incidents_remind_idx", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
        Index(
            "incidents_fixes_idx",
            "location_id",
            "dedup_key",
            "resolved_at",
            postgresql_where=text("fix <> '' OR cause <> ''"),
        ),
    )

    incident_id: str = _id()
    location_id: str = _id()
    dedup_key: str = _id()
    status: str = _text()
    severity: str = _text()
    title: str = _text()
    workflow_id: str = _id()
    workflow_name: str = _text()
    event_count: int = _count()
    failure_count: int = _count()
    opened_at: datetime = _time()
    last_event_at: datetime = _time()
    resolved_at: datetime | None = _time(nullable=True)
    acknowledged_at: datetime | None = _time(nullable=True)
    acknowledged_by: str = _text(default="")
    snoozed_until: datetime | None = _time(nullable=True)
    snoozed_until_worse: bool = Field(sa_column_kwargs={"server_default": text("false")})
    wakes_at_count: int = _count(default=0)
    remind_at: datetime | None = _time(nullable=True)
    resolved_by: str = _text(default="")
    cause: str = _text(default="")
    fix: str = _text(default="")
    settles_at: datetime | None = _time(nullable=True)


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

    id: int = _serial()
    incident_id: str = _id()
    deed: str = _text()
    actor: str = _text()
    note: str = _text()
    done_at: datetime = _time()


class EventRow(NotifierTable, table=True):
    """What was reported; never changed but for the incident it counted in."""

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

    event_id: str = _id()
    location_id: str = _id()
    kind: str = _text()
    once_key: str | None = _id(nullable=True)
    payload: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    incident_id: str | None = _id(nullable=True)
    occurred_at: datetime = _time()
    received_at: datetime = _time()


class MessageRow(NotifierTable, table=True):
    """What is sent to a target: one delivery or many, rendered once."""

    __tablename__ = "messages"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", name="messages_pkey"),
        ForeignKeyConstraint(["target_id"], ["targets.target_id"], name="messages_target_id_fkey"),
        Index("messages_created_at_idx", "created_at"),
    )

    message_id: str = _id()
    target_id: str = _id()
    incident_id: str | None = _id(nullable=True)
    subject: str = _text()
    body_text: str = _text()
    body_html: str = _text()
    body: bytes = Field(sa_type=LargeBinary, nullable=False)
    created_at: datetime = _time()


class DeliveryRow(NotifierTable, table=True):
    """What one target is told of one thing; or why it is not."""

    __tablename__ = "deliveries"
    __table_args__ = (
        PrimaryKeyConstraint("delivery_id", name="deliveries_pkey"),
        ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name="deliveries_incident_id_fkey"
        ),
        ForeignKeyConstraint(["event_id"], ["events.event_id"], name="deliveries_event_id_fkey"),
        ForeignKeyConstraint(
            ["target_id"], ["targets.target_id"], name="deliveries_target_id_fkey"
        ),
        ForeignKeyConstraint(
            ["message_id"], ["messages.message_id"], name="deliveries_message_id_fkey"
        ),
        CheckConstraint(
            "CASE status"
            " WHEN 'pending' THEN next_attempt_at IS NOT NULL AND target_id IS NOT NULL"
            " WHEN 'delivered' THEN delivered_at IS NOT NULL"
            " WHEN 'suppressed' THEN suppressed_because <> ''"
            " ELSE status = 'failed' END",
            name="deliveries_status_check",
        ),
        Index("deliveries_newest_idx", "location_id", "position"),
        Index("deliveries_incident_id_idx", "incident_id", "position"),
        Index("deliveries_event_id_idx", "event_id"),
        Index("deliveries_created_at_idx", "created_at"),
        Index("deliveries_message_id_idx", "message_id"),
        Index("deliveries_due_idx", "next_attempt_at", postgresql_where=text("status = 'pending'")),
        Index(
            "deliveries_waiting_idx",
            "target_id",
            "position",
            postgresql_where=text("status = 'pending'"),
        ),
    )

    delivery_id: str = _id()
    position: int = _serial()
    location_id: str = _id()
    incident_id: str | None = _id(nullable=True)
    event_id: str | None = _id(nullable=True)
    target_id: str | None = _id(nullable=True)
    channel: str = _text()
    sent_to: str = _text()
    occasion: str = _text()
    subject: str = _text()
    status: str = _text()
    suppressed_because: str = _text()
    attempts: int
    last_error: str = _text()
    created_at: datetime = _time()
    next_attempt_at: datetime | None = _time(nullable=True)
    delivered_at: datetime | None = _time(nullable=True)
    lane: int = Field(
        sa_type=SmallInteger, nullable=False, sa_column_kwargs={"server_default": text("0")}
    )
    held_until: datetime | None = _time(nullable=True)
    content: dict[str, Any] | None = Field(sa_type=JSONB, nullable=True)
    message_id: str | None = _id(nullable=True)


class DeliveryAttemptRow(NotifierTable, table=True):
    """One try of one message; only ever added."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="delivery_attempts_pkey"),
        ForeignKeyConstraint(
            ["message_id"], ["messages.message_id"], name="delivery_attempts_message_id_fkey"
        ),
        Index("delivery_attempts_message_id_idx", "message_id", "id"),
    )

    id: int = _serial()
    message_id: str = _id()
    verdict: str = _text()
    code: int | None = Field(sa_type=Integer, nullable=True)
    detail: str = _text()
    charged: bool
    elapsed_ms: int
    ended_at: datetime = _time()


class ChannelHoldRow(NotifierTable, table=True):
    """A channel that nobody may use now, because its relay cannot be used."""

    __tablename__ = "channel_holds"
    __table_args__ = (PrimaryKeyConstraint("channel", name="channel_holds_pkey"),)

    channel: str = _text()
    held_until: datetime = _time()


class TestAlertRow(NotifierTable, table=True):
    """A test alert of the last minute."""

    __test__ = False  # not a class of tests
    __tablename__ = "test_alerts"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="test_alerts_pkey"),
        Index("test_alerts_location_id_idx", "location_id", "sent_at"),
    )

    id: int = _serial()
    location_id: str = _id()
    sent_at: datetime = _time()


class CaughtMailRow(NotifierTable, table=True):
    """A mail that was kept instead of sent."""

    __tablename__ = "caught_mail"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="caught_mail_pkey"),
        UniqueConstraint("message_id", name="caught_mail_message_id_key"),
    )

    id: int = _serial()
    message_id: str = _id()
    location_id: str = _id()
    caught_at: datetime = _time()
    sender: str = _text()
    recipient: str = _text()
    subject: str = _text()
    body_text: str = _text()
    body_html: str = _text()
