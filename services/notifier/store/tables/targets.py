"""Where alerts go."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    text,
)
from sqlmodel import Field

from services.notifier.store.tables.columns import NotifierTable, identifier, moment, words


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
