"""How ingestion itself is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.ingestion.domain.gap import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What waits, and since when."""

    outbox_count: int
    outbox_oldest: timedelta | None
    dead_letters: int
    last_recorded_at: datetime | None
    open_runs: int
    unread_deliveries: int
    partitions_until: datetime
    last_gap: Gap | None
    """The newest one that ended within a day."""
