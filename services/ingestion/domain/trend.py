"""Counts of runs over a window, and which way the failure rate goes."""

import math
from dataclasses import dataclass
from enum import StrEnum

from services.ingestion.domain.sketch import NO_TIMES, Times

FEWEST_RUNS = 10
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Runs over one window, by how they ended."""

    succeeded: int = 0
    failed: int = 0
    partial: int = 0
    expected: int = 0
    """Those of the failed that are no fault of the workflow."""
    timed: int = 0
    """Runs whose time was given."""
    total_time_ms: int = 0
    times: Times = NO_TIMES
    """How long the runs took; left empty where nobody asks for percentiles."""

    @property
    def total(self) -> int:
        return self.succeeded + self.failed + self.partial

    @property
    def failure_rate(self) -> float | None:
        return self.failed / self.total if self.total else None

    @property
    def average_execution_time_ms(self) -> float | None:
        return self.total_time_ms / self.timed if self.timed else None

    def execution_time_ms(self, share: float) -> float | None:
        """Gives the time that so large a share of the runs kept, off by less than 5 %."""
        return self.times.percentile(share)

    def __add__(self, other: "RunCounts") -> "RunCounts":
        return RunCounts(
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.partial + other.partial,
            self.expected + other.expected,
            self.timed + other.timed,
            self.total_time_ms + other.total_time_ms,
            self.times + other.times,
        )


class Direction(StrEnum):
    """Which way the failure rate goes."""

    INCREASING = "increasing"
    DECREASING = "decreasing"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Trend:
    """Which way the failure rate goes, and why we say so."""

    direction: Direction
    reason: str


def trend(current: RunCounts, previous: RunCounts) -> Trend:
    """Compares a window with the equal window before it.

    The rate moved when chance alone would hardly explain it (two-proportion
    z-test, pooled, two-sided) and when it moved by a percentage point or more.
    """
    if min(current.total, previous.total) < FEWEST_RUNS:
        return Trend(Direction.STABLE, "insufficient_data")
    if not _moved_a_point(current, previous) or p_value(current, previous) >= SIGNIFICANCE:
        return Trend(Direction.STABLE, "no_significant_change")
    rose = _rate_difference(current, previous) > 0
    return Trend(
        Direction.INCREASING if rose else Direction.DECREASING,
        "significant_change",
    )


def p_value(current: RunCounts, previous: RunCounts) -> float:
    """Gives how often chance alone would move the rate that far; both windows have runs."""
    total = current.total + previous.total
    pooled = (current.failed + previous.failed) / total
    spread = math.sqrt(pooled * (1 - pooled) * (1 / current.total + 1 / previous.total))
    if spread == 0:
        return 1.0
    difference = current.failed / current.total - previous.failed / previous.total
    return 1 - math.erf(abs(difference) / spread / math.sqrt(2))


def _rate_difference(current: RunCounts, previous: RunCounts) -> int:
    """Gives the difference of the rates times both totals: exact, where floats are not."""
    return current.failed * previous.total - previous.failed * current.total


def _moved_a_point(current: RunCounts, previous: RunCounts) -> bool:
    difference = abs(_rate_difference(current, previous))
    return 100 * difference >= current.total * previous.total
