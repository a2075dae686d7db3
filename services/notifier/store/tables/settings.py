"""What locations want to be told."""

from datetime import datetime

from sqlalchemy import (
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from services.notifier.store.tables.columns import NotifierTable, identifier, moment, words


class AlertSettingsRow(NotifierTable, table=True):
    """What a location wants to be told."""

    __tablename__ = "alert_settings"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="alert_settings_pkey"),
        UniqueConstraint("location_id", name="alert_settings_location_id_key"),
        Index("alert_settings_updated_at_idx", "updated_at", "location_id"),
    )

    id: str = identifier()
    location_id: str = identifier()
    enabled: bool
    failure_threshold: int
    time_window_hours: int
    alert_on_critical: bool
    alert_email: str | None = words(nullable=True)
    webhook_url: str | None = words(nullable=True)
    version: int
    created_at: datetime = moment()
    updated_at: datetime = moment()
