"""Which way the failure rate goes."""

import math
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.ingestion.domain.trend import Direction, RunCounts, p_value, trend


def counts(failed, total):
    return RunCounts(succeeded=total - failed, failed=failed)


windows = st.integers(0, 5000).flatmap(
    lambda total: st.integers(0, total).map(lambda failed: counts(failed, total))
)
large_windows = windows.filter(lambda window: window.total >= 10)


@pytest.mark.parametrize(
    ("current", "previous", "direction", "reason"),
    [
        ((9, 9), (0, 1000), Direction.STABLE, "insufficient_data"),
        ((50, 100), (9, 9), Direction.STABLE, "insufficient_data"),
        ((0, 0), (0, 0), Direction.STABLE, "insufficient_data"),
        ((5, 10), (5, 10), Direction.STABLE, "no_significant_change"),
        ((0, 10), (0, 10), Direction.STABLE, "no_significant_change"),
        ((10, 10), (10, 10), Direction.STABLE, "no_significant_change"),
        ((4, 10), (1, 10), Direction.STABLE, "no_significant_change"),  # p = 0.12
        ((6, 10), (1, 10), Direction.INCREASING, "significant_change"),  # p = 0.02
        ((20, 100), (10, 100), Direction.INCREASING, "significant_change"),  # p = 0.048
        ((19, 100), (10, 100), Direction.STABLE, "no_significant_change"),  # p = 0.07
        ((10, 100), (20, 100), Direction.DECREASING, "significant_change"),
        # Surely more, but by less than a percentage point.
        ((10_900, 1_000_000), (10_000, 1_000_000), Direction.STABLE, "no_significant_change"),
        ((20_000, 1_000_000), (10_000, 1_000_000), Direction.INCREASING, "significant_change"),
        ((19_999, 1_000_000), (10_000, 1_000_000), Direction.STABLE, "no_significant_change"),
    ],
)
def test_the_rate_moves_when_chance_would_hardly_move_it_by_a_point(
    current, previous, direction, reason
):
    found = trend(counts(*current), counts(*previous))
    assert (found.direction, found.reason) == (direction, reason)


@given(large_windows, large_windows)
def test_the_p_value_is_the_one_of_the_textbook(current, previous):
    pooled = (current.failed + previous.failed) / (current.total + previous.total)
    assume(0 < pooled < 1)
    z = (current.failed / current.total - previous.failed / previous.total) / math.sqrt(
        pooled * (1 - pooled) * (1 / current.total + 1 / previous.total)
    )
    assert p_value(current, previous) == pytest.approx(2 * NormalDist().cdf(-abs(z)), abs=1e-9)


@given(windows, windows)
def test_swapping_the_windows_turns_the_trend_around(one, other):
    turned = {
        Direction.INCREASING: Direction.DECREASING,
        Direction.DECREASING: Direction.INCREASING,
        Direction.STABLE: Direction.STABLE,
    }
    assert trend(one, other).direction == turned[trend(other, one).direction]


@given(windows, windows)
def test_the_trend_never_points_against_the_rates(current, previous):
    found = trend(current, previous).direction
    if found == Direction.INCREASING:
        assert current.failure_rate > previous.failure_rate
    if found == Direction.DECREASING:
        assert current.failure_rate < previous.failure_rate


@given(windows)
def test_equal_windows_are_stable(window):
    assert trend(window, window).direction == Direction.STABLE


@given(windows, windows)
def test_partial_runs_count_as_runs_and_not_as_failures(one, other):
    def partial(window):
        return RunCounts(failed=window.failed, partial=window.succeeded)

    assert trend(partial(one), partial(other)) == trend(one, other)


def test_a_window_without_runs_has_no_rate_and_no_average():
    assert RunCounts().failure_rate is None
    assert RunCounts(succeeded=3).average_execution_time_ms is None
