"""How ingestion itself is."""

from dataclasses import dataclass
from datetime import datetime, timedelta


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
