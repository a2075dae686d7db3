"""What somebody wants to hear nothing of."""

from datetime import datetime

from sqlalchemy import ARRAY, Index, PrimaryKeyConstraint, Text
from sqlmodel import Field

from services.notifier.store.tables.columns import NotifierTable, identifier, moment, serial, words


class SilenceRow(NotifierTable, table=True):
    """Suppresses what it covers until it ends; without a location it covers all of them."""

    __tablename__ = "silences"
    __table_args__ = (
        PrimaryKeyConstraint("silence_id", name="silences_pkey"),
        Index("silences_location_id_idx", "location_id", "position"),
        Index("silences_ends_at_idx", "location_id", "ends_at"),
    )

    silence_id: str = identifier()
    position: int = serial()
    location_id: str = identifier()
    workflow_id: str = identifier()
    kinds: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    up_to: str = words()
    reason: str = words()
    created_by: str = words()
    created_at: datetime = moment()
    ends_at: datetime = moment()
    expired_by: str = words()
