"""Whom to forget."""

from datetime import datetime

from sqlalchemy import ARRAY, PrimaryKeyConstraint, Text, text
from sqlmodel import Field

from services.notifier.store.tables.columns import NotifierTable, identifier, moment


class ForgottenContactRow(NotifierTable, table=True):
    """A contact whose runs are taken out of what was told; it is due once, and once more later."""

    __tablename__ = "forgotten_contacts"
    __table_args__ = (PrimaryKeyConstraint("event_id", name="forgotten_contacts_pkey"),)

    event_id: str = identifier()
    location_id: str = identifier()
    execution_ids: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    run_ids: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    told_event_ids: list[str] = Field(
        sa_type=ARRAY(Text), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    is_last: bool = Field(sa_column_kwargs={"server_default": text("false")})
    due_at: datetime = moment()
