"""Who is told, and what became of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    text,
)
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


class MessageRow(NotifierTable, table=True):
    """What is sent to a target: one delivery or many, rendered once."""

    __tablename__ = "messages"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", name="messages_pkey"),
        ForeignKeyConstraint(["target_id"], ["targets.target_id"], name="messages_target_id_fkey"),
        Index("messages_created_at_idx", "created_at"),
        Index(
            "messages_removal_idx",
            "target_id",
            "message_id",
            postgresql_where=text("removal = 'due'"),
        ),
    )

    message_id: str = identifier()
    target_id: str = identifier()
    incident_id: str | None = identifier(nullable=True)
    subject: str = words()
    body_text: str = words()
    body_html: str = words()
    body: bytes = Field(sa_type=LargeBinary, nullable=False)
    created_at: datetime = moment()
    removal: str = words(default="")


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
        Index(
            "deliveries_suppressed_by_idx",
            "suppressed_by",
            postgresql_where=text("suppressed_by <> ''"),
        ),
        Index("deliveries_due_idx", "next_attempt_at", postgresql_where=text("status = 'pending'")),
        Index(
            "deliveries_urgent_idx",
            "target_id",
            "created_at",
            postgresql_where=text("lane = 0 AND failed_over_at IS NULL AND status <> 'delivered'"),
        ),
        Index(
            "deliveries_given_up_idx",
            "location_id",
            "position",
            postgresql_where=text("status = 'failed'"),
        ),
        Index(
            "deliveries_waiting_idx",
            "target_id",
            "position",
            postgresql_where=text("status = 'pending'"),
        ),
    )

    delivery_id: str = identifier()
    position: int = serial()
    location_id: str = identifier()
    incident_id: str | None = identifier(nullable=True)
    event_id: str | None = identifier(nullable=True)
    target_id: str | None = identifier(nullable=True)
    channel: str = words()
    sent_to: str = words()
    occasion: str = words()
    subject: str = words()
    status: str = words()
    suppressed_because: str = words()
    attempts: int
    last_error: str = words()
    created_at: datetime = moment()
    next_attempt_at: datetime | None = moment(nullable=True)
    delivered_at: datetime | None = moment(nullable=True)
    lane: int = Field(
        sa_type=SmallInteger, nullable=False, sa_column_kwargs={"server_default": text("0")}
    )
    held_until: datetime | None = moment(nullable=True)
    held_because: str = words(default="")
    suppressed_by: str = identifier(default="")
    content: dict[str, Any] | None = Field(sa_type=JSONB, nullable=True)
    message_id: str | None = identifier(nullable=True)
    replayed: bool = Field(sa_column_kwargs={"server_default": text("false")})
    last_code: int | None = Field(sa_type=Integer, nullable=True)
    failed_over_at: datetime | None = moment(nullable=True)
    told_count: int = number(default=0)


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

    id: int = serial()
    message_id: str = identifier()
    verdict: str = words()
    code: int | None = Field(sa_type=Integer, nullable=True)
    detail: str = words()
    charged: bool
    elapsed_ms: int
    ended_at: datetime = moment()


class ChannelHoldRow(NotifierTable, table=True):
    """A channel that nobody may use now, because its relay cannot be used."""

    __tablename__ = "channel_holds"
    __table_args__ = (PrimaryKeyConstraint("channel", name="channel_holds_pkey"),)

    channel: str = words()
    held_until: datetime = moment()
    held_since: datetime = moment(default="'epoch'")


class TestAlertRow(NotifierTable, table=True):
    """A test alert of the last minute."""

    __test__ = False  # not a class of tests
    __tablename__ = "test_alerts"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="test_alerts_pkey"),
        Index("test_alerts_location_id_idx", "location_id", "sent_at"),
    )

    id: int = serial()
    location_id: str = identifier()
    sent_at: datetime = moment()


class CaughtMailRow(NotifierTable, table=True):
    """A mail that was kept instead of sent."""

    __tablename__ = "caught_mail"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="caught_mail_pkey"),
        UniqueConstraint("message_id", name="caught_mail_message_id_key"),
    )

    id: int = serial()
    message_id: str = identifier()
    location_id: str = identifier()
    caught_at: datetime = moment()
    sender: str = words()
    recipient: str = words()
    subject: str = words()
    body_text: str = words()
    body_html: str = words()
