"""Where alerts go."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.notifier.store.tables.columns import NotifierTable, identifier, moment, words


class TargetRow(NotifierTable, table=True):
    """Where alerts of a location go, and who may send there now."""

    __tablename__ = "targets"
    __table_args__ = (
        PrimaryKeyConstraint("target_id", name="targets_pkey"),
        CheckConstraint(
            "channel IN ('email', 'webhook', 'slack', 'discord', 'sms')",
            name="targets_channel_check",
        ),
        ForeignKeyConstraint(
            ["fallback_target_id"],
            ["targets.target_id"],
            name="targets_fallback_target_id_fkey",
        ),
        Index(
            "targets_location_id_idx",
            "location_id",
            postgresql_where=text("removed_at IS NULL"),
        ),
        # The e-mail and the URL of the settings are one target each.
        Index(
            "targets_settings_idx",
            "location_id",
            "workflow_id",
            "channel",
            unique=True,
            postgresql_where=text("origin = 'settings' AND removed_at IS NULL"),
        ),
    )

    target_id: str = identifier()
    location_id: str = identifier()
    origin: str = words()
    channel: str = words()
    address: str = words()
    sealed_secret: bytes | None = Field(sa_type=LargeBinary, nullable=True)
    disabled_because: str = words()
    lease_until: datetime = moment()
    lease_token: str | None = identifier(nullable=True)
    next_at: datetime = moment()
    created_at: datetime = moment()
    removed_at: datetime | None = moment(nullable=True)
    urgent_paid_until: datetime = moment(default="'epoch'")
    calm_paid_until: datetime = moment(default="'epoch'")
    name: str = words(default="")
    severity_floor: str = words(default="info")
    digest: str = words(default="off")
    occasions: list[str] = Field(
        sa_type=ARRAY(Text), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    fallback_target_id: str | None = identifier(nullable=True)
    body_template: str = words(default="")
    options: dict[str, Any] = Field(
        sa_type=JSONB, nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    sealed_old_secret: bytes | None = Field(sa_type=LargeBinary, nullable=True)
    old_secret_until: datetime | None = moment(nullable=True)
    verified_at: datetime | None = moment(nullable=True)
    disabled_at: datetime | None = moment(nullable=True)
    failing_since: datetime | None = moment(nullable=True)
    failures: int = Field(sa_column_kwargs={"server_default": text("0")})
    last_error: str = words(default="")
    last_delivered_at: datetime | None = moment(nullable=True)
    workflow_id: str = identifier(default="")
    failed_over_count: int = Field(sa_column_kwargs={"server_default": text("0")})
    news_until: datetime = moment(default="'epoch'")
    sent_month: date | None = Field(sa_type=Date, nullable=True)
    sent_count: int = Field(sa_column_kwargs={"server_default": text("0")})
