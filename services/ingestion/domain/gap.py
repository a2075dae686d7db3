"""Times in which nothing could be recorded, whatever was the reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta

REPEATED_FOR = timedelta(minutes=75)
"""HighLevel sends what was answered 429 again 6 times, every 10 minutes plus a little: for about
70 minutes. After that nothing more comes by itself."""
MOST_COUNTED, MOST_TOLD = 10_000, 1_000_000
"""Up to how many executions are counted for whoever asks, and for the one message at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """From when a door said for the last time that it is open until one said so again."""

    gap_id: str
    start: datetime
    end: datetime
    execution_count: int | None = None
    """Executions that ran in that time and came after it; None where nobody counted."""
