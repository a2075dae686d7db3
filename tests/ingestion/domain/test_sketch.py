"""Percentiles out of a histogram that can be added up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain.sketch import DIGITS, NO_TIMES, Times, class_of

YEAR = 365 * 24 * 60 * 60 * 1000
times = st.lists(st.integers(0, YEAR), min_size=1, max_size=200)


def sketched(milliseconds):
    number = sum(10 ** (DIGITS * class_of(each)) for each in milliseconds)
    # As PostgreSQL writes it; Python refuses to write numbers of 4,300 digits.
    return Times.read(f"{number:d}")


@given(times, st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_off_by_less_than_five_per_cent(milliseconds, share):
    exact = sorted(milliseconds)[math.ceil(len(milliseconds) * share) - 1]
    assert sketched(milliseconds).percentile(share) == pytest.approx(exact, rel=0.05)


@given(times, times)
def test_two_histograms_together_are_the_histogram_of_all(some, others):
    assert (sketched(some) + sketched(others)).counts == sketched(some + others).counts


def test_without_runs_there_is_no_percentile():
    assert NO_TIMES.percentile(0.5) is None
    assert Times.read("0").percentile(0.5) is None
