"""How the notifier itself is."""

from dataclasses import dataclass
from datetime import timedelta

LATE = timedelta(seconds=60)
"""What could be sent and is not for so long shows that nobody sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What waits, and what does not work."""

    due_count: int
    oldest_due_age: timedelta
    failing_targets: int
    switched_off_targets: int
    given_up_count: int

    @property
    def on_time(self) -> bool:
        return self.oldest_due_age < LATE

    @property
    def reason(self) -> str:
        """Says what is wrong; empty when nothing is."""
        if self.on_time:
            return ""
        seconds = round(self.oldest_due_age.total_seconds())
        return f"{self.due_count} deliveries could be sent and wait, the oldest for {seconds} s."
