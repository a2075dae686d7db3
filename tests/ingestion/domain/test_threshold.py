"""When a workflow fails too often, when that is over, and what is told of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.ingestion.domain.threshold import Standing, Tally, Threshold

standings = st.builds(Standing, st.booleans(), st.booleans(), st.integers(0, 50))
tallies = st.builds(
    lambda threshold, count: Tally(Threshold(threshold, 24), count, None, None),
    st.integers(1, 20),
    st.integers(0, 40),
)


def tally(count, threshold=3):
    return Tally(Threshold(threshold, 24), count, None, None)


@pytest.mark.parametrize(
    ("before", "new", "count", "after", "told"),
    [
        (Standing(), 2, 2, Standing(untold_failures=2), None),
        (Standing(untold_failures=2), 1, 3, Standing(True, True, 0), 3),
        (Standing(True, True, 0), 1, 4, Standing(True, True, 0), 1),
        # Two of the five are too old for the window.
        (Standing(untold_failures=4), 1, 3, Standing(True, True, 0), 3),
        # The window went on and left the failures behind; the incident still waits.
        (Standing(True, True, 0), 1, 1, Standing(False, True, 1), None),
        # It recovered; the failures of before are still in the window.
        (Standing(False, False, 0), 1, 4, Standing(True, True, 0), 1),
    ],
)
def test_new_failures_are_told_once_the_threshold_is_reached(before, new, count, after, told):
    assert before.after_failures(tally(count), new=new) == (after, told)


@pytest.mark.parametrize(
    ("standing", "failures", "succeeded", "kept"),
    [
        (Standing(), 0, True, True),
        (Standing(), 0, False, True),  # a partial run
        (Standing(), 1, False, False),  # it may be the one too many
        (Standing(untold_failures=2), 0, True, True),
        (Standing(True, True), 1, False, True),
        (Standing(True, True, 7), 3, False, True),
        (Standing(True, True), 1, True, False),  # which of them came last?
        (Standing(True, True), 0, True, False),
        (Standing(True, True), 0, False, False),
        (Standing(False, True), 1, False, False),
        (Standing(False, True), 0, True, False),
        (Standing(finish_due=True), 0, True, False),
        (Standing(True, True, finish_due=True), 1, False, False),
    ],
)
def test_only_more_of_what_was_told_and_what_nobody_waits_for_is_no_news(
    standing, failures, succeeded, kept
):
    assert standing.is_kept_by(failures=failures, succeeded=succeeded) is kept


@given(standings.filter(lambda each: each.is_kept_by(failures=2, succeeded=False)), tallies)
def test_failures_that_are_only_counted_are_told_as_if_each_had_been_judged(standing, tally):
    counted = replace(standing, untold_failures=standing.untold_failures + 2)
    assert counted.after_failures(tally, new=0) == standing.after_failures(tally, new=2)


@pytest.mark.parametrize(
    ("before", "threshold", "succeeded_since", "after", "told"),
    [
        # Lowered to what was reached already.
        (Standing(untold_failures=2), 2, False, Standing(True, True, 0), 2),
        (Standing(untold_failures=2), 2, True, Standing(untold_failures=2), None),
        (Standing(True, True, 0), 2, False, Standing(True, True, 0), None),
        # Came too late for the old window, and lies within the new one.
        (Standing(), 2, False, Standing(True, True, 0), 2),
        # Raised: silent, and the incident still waits for a success.
        (Standing(True, True, 0), 5, False, Standing(False, True, 0), None),
        # Raised and lowered again: the incident knows all of it, or all but one.
        (Standing(False, True, 0), 2, False, Standing(True, True, 0), None),
        (Standing(False, True, 1), 2, False, Standing(True, True, 0), 1),
    ],
)
def test_a_changed_threshold_tells_only_what_nobody_knows(
    before, threshold, succeeded_since, after, told
):
    found = before.after_change(tally(2, threshold), succeeded_since=succeeded_since)
    assert found == (after, told)


@given(standings, tallies, st.integers(1, 9))
def test_something_is_told_exactly_when_the_threshold_is_reached(standing, counted, new):
    after, told = standing.after_failures(counted, new=new)
    assert (told is not None) == counted.exceeded == after.failing
    assert told is None or 0 <= told <= counted.failure_count


@given(standings, tallies, st.integers(1, 9))
def test_whoever_was_told_of_failures_is_told_of_the_recovery(standing, counted, new):
    after, told = standing.after_failures(counted, new=new)
    assert after.recovery_due == (standing.recovery_due or told is not None)
    assert not after.after_recovery().recovery_due


@given(standings, tallies, st.booleans())
def test_a_change_that_changes_nothing_tells_nothing(standing, counted, succeeded_since):
    settled, _ = standing.after_change(counted, succeeded_since=succeeded_since)
    assert settled.after_change(counted, succeeded_since=succeeded_since) == (settled, None)


@given(st.lists(st.integers(1, 5), max_size=20), st.integers(1, 10))
def test_all_events_together_carry_each_failure_once(batches, threshold):
    standing, total, told = Standing(), 0, 0
    for new in batches:
        total += new
        standing, news = standing.after_failures(tally(total, threshold), new=new)
        told += news or 0
    assert told == (total if total >= threshold else 0)
