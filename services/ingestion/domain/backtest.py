"""How a threshold would have judged the past: the rules that alert, run by run."""

from collections import deque
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


class Backtest:
    """Judges failures and successes in the order in which the runs ended.

    As in life an alert is open until the first success after its last failure,
    and failures meanwhile belong to it. What is before `start` only warms up:
    its failures may lie in the window of the first that counts.
    """

    def __init__(self, threshold: Threshold, start: datetime) -> None:
        self.episodes: list[Episode] = []
        self.failure_count = 0
        self._threshold = threshold
        self._start = start
        self._standing = Standing()
        self._recent = deque[datetime]()

    def add(self, at: datetime, *, failed: bool) -> None:
        """Takes the next run: a failure that counts, or a success."""
        if failed:
            self._fail(at)
        elif self._standing.recovery_due:
            self._standing = self._standing.after_recovery()
            if self._is_told(at) and self.episodes:
                self.episodes[-1].recovered_at = at

    def _fail(self, at: datetime) -> None:
        self.failure_count += self._is_told(at)
        was_open = self._standing.recovery_due
        self._standing, to_tell = self._standing.after_failures(self._tally(at), new=1)
        if to_tell is None or not self._is_told(at):
            return
        if was_open and self.episodes:
            self.episodes[-1].failure_count += to_tell
        elif not was_open:
            self.episodes.append(Episode(at, to_tell))

    def _tally(self, at: datetime) -> Tally:
        self._recent.append(at)
        while self._recent[0] <= at - self._threshold.window:
            self._recent.popleft()
        return Tally(self._threshold, len(self._recent), self._recent[0], at)

    def _is_told(self, at: datetime) -> bool:
        return at >= self._start
