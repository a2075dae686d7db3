"""How the notifier itself is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.notifier.domain.target import Channel

LATE = timedelta(seconds=60)
"""What could be sent and is not for so long shows that nobody sends, or that nobody can."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A channel that cannot be used, and for how long it could not."""

    channel: Channel
    age: timedelta

    @property
    def reason(self) -> str:
        seconds = round(self.age.total_seconds())
        return f"Nothing can be sent by {self.channel} for {seconds} s; failed attempts say why."


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What waits, and what does not work."""

    due_count: int
    oldest_due_age: timedelta
    failing_targets: int
    switched_off_targets: int
    given_up_count: int
    closures: Sequence[Closure] = ()

    @property
    def well(self) -> bool:
        """Whether what is due is sent."""
        return not self.reason

    @property
    def reason(self) -> str:
        """Says what is wrong; empty when nothing is."""
        return " ".join([*self._lateness(), *(each.reason for each in self.closures)])

    def _lateness(self) -> Sequence[str]:
        if self.oldest_due_age < LATE:
            return ()
        seconds = round(self.oldest_due_age.total_seconds())
        return (f"{self.due_count} deliveries could be sent and wait, the oldest for {seconds} s.",)
