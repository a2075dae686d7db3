"""What the installation, its locations and their workflows want to be told."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, PrimaryKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.notifier.store.tables.columns import NotifierTable, identifier, moment


class AlertSettingsRow(NotifierTable, table=True):
    """What is set at one level: for a workflow, a location, or without either for all of them."""

    __tablename__ = "alert_settings"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "workflow_id", name="alert_settings_pkey"),
        Index("alert_settings_effective_at_idx", "effective_at", "location_id", "workflow_id"),
    )

    location_id: str = identifier()
    workflow_id: str = identifier()
    chosen: dict[str, Any] = Field(
        sa_type=JSONB, nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    version: int
    created_at: datetime = moment()
    updated_at: datetime = moment()
    effective_at: datetime = moment()
