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


@dataclass(slots=True)
class Turn:
    """A moment at which a workflow failed, or succeeded after it had failed."""

    at: datetime
    failures: int
    """Of the window that ends with it."""
    new: int = 0
    """Of this moment: they are judged at once, as those of a batch are."""
    succeeded: bool = False
    """Whether its last run was a success."""


class Backtest:
    """Judges failures and successes in the order in which the runs ended.

    As in life an alert is open until the first success after its last failure,
    and failures meanwhile belong to it. What is before `start` only warms up:
    an alert may be open when the period begins.
    """

    def __init__(self, threshold: Threshold, start: datetime) -> None:
        self.episodes: list[Episode] = []
        self.failure_count = 0
        self._threshold = threshold
        self._start = start
        self._standing = Standing()

    def add(self, turn: Turn) -> None:
        """Takes the next moment."""
        if turn.new:
            self._fail(turn)
        if turn.succeeded and self._standing.recovery_due:
            self._standing = self._standing.after_recovery()
            if self._is_told(turn.at) and self.episodes:
                self.episodes[-1].recovered_at = turn.at

    def _fail(self, turn: Turn) -> None:
        was_open = self._standing.recovery_due
        tally = Tally(self._threshold, turn.failures, None, turn.at)
        self._standing, to_tell = self._standing.after_failures(tally, new=turn.new)
        if not self._is_told(turn.at):
            return
        self.failure_count += turn.new
        if to_tell is not None and not was_open:
            self.episodes.append(Episode(turn.at, to_tell))
        elif to_tell is not None and self.episodes:
            self.episodes[-1].failure_count += to_tell

    def _is_told(self, at: datetime) -> bool:
        return at >= self._start
