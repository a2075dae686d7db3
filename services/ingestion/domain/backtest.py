"""How a threshold would have judged the past: the rules that alert, run by run."""

from dataclasses import dataclass
from datetime import datetime

from services.ingestion.domain.threshold import Standing, Tally, Threshold


@dataclass(slots=True)
class Episode:
    """An alert that there would have been, from the failure that made it to the recovery."""

    opened_at: datetime
    failure_count: int
    """Failures it would have told of."""
    recovered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a threshold would have made of a period."""

    threshold: Threshold
    start: datetime
    end: datetime
    episodes: tuple[Episode, ...]
    failure_count: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment at which a workflow failed, and what came of it."""

    tally: Tally
    """Of the window that ends with it."""
    new: int
    """How often it failed at this moment."""
    succeeded_at: datetime | None
    """The first success after it and before the next."""


class Backtest:
    """Judges failures and successes in the order in which the runs ended.

    As in life an alert is open until the first success after its last failure,
    and failures meanwhile belong to it. What is before `start` only warms up:
    an alert may be open when the period begins.
    """

    def __init__(self, start: datetime) -> None:
        self.episodes: list[Episode] = []
        self.failure_count = 0
        self._start = start
        self._standing = Standing()

    def add(self, turn: Turn) -> None:
        """Takes the next moment at which the workflow failed."""
        self._fail(turn)
        if turn.succeeded_at and self._standing.recovery_due:
            self._standing = self._standing.after_recovery()
            if self.episodes and self.episodes[-1].recovered_at is None:
                self.episodes[-1].recovered_at = turn.succeeded_at

    def _fail(self, turn: Turn) -> None:
        was_open = self._standing.recovery_due
        self._standing, to_tell = self._standing.after_failures(turn.tally, new=turn.new)
        at = turn.tally.last_failure_at
        assert at, "it failed at this moment"
        if at < self._start:
            return
        self.failure_count += turn.new
        if to_tell is None:
            return
        if not was_open:
            self.episodes.append(Episode(at, to_tell))
        elif self.episodes:
            self.episodes[-1].failure_count += to_tell
