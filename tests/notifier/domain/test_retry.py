from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.retry import (
    FEW_ATTEMPTS,
    HOLD,
    PAUSE,
    WAITS,
    Fate,
    Outcome,
    Verdict,
    fate_of,
)
from services.notifier.domain.target import Channel

MIDDLE = 0.5
luck = st.floats(min_value=0, max_value=1, exclude_max=True)


def waits(channel, verdict=Verdict.LATER, **outcome):
    """Gives the waits of a delivery that is never taken, up to the last attempt."""
    found = []
    for attempts in range(1, 100):
        fate = fate_of(channel, attempts, Outcome(verdict, "", **outcome), MIDDLE)
        if fate.wait is None:
            return found
        found.append(round(fate.wait.total_seconds()))
    raise AssertionError("it never gives up")


def test_the_waits_are_those_of_the_table():
    minute, hour = 60, 3600
    assert waits(Channel.WEBHOOK) == [
        10, 30, 2 * minute, 10 * minute, 30 * minute,
        hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour,
    ]  # fmt: skip
    assert waits(Channel.EMAIL) == [
        30, 2 * minute, 10 * minute, 30 * minute,
        hour, 2 * hour, 4 * hour, 8 * hour, 16 * hour,
    ]  # fmt: skip


def test_a_webhook_is_given_up_after_47_hours_and_a_mail_after_32():
    assert sum(waits(Channel.WEBHOOK)) / 3600 == pytest.approx(46.7, abs=0.1)
    assert sum(waits(Channel.EMAIL)) / 3600 == pytest.approx(31.7, abs=0.1)


@pytest.mark.parametrize("channel", Channel)
def test_a_likely_mistake_is_tried_four_times(channel):
    assert len(waits(channel, Verdict.DOUBTFUL)) + 1 == FEW_ATTEMPTS


@pytest.mark.parametrize("verdict", [Verdict.DELIVERED, Verdict.REFUSED, Verdict.GONE])
def test_what_is_final_is_not_tried_again(verdict):
    fate = fate_of(Channel.WEBHOOK, 1, Outcome(verdict, ""), MIDDLE)

    assert fate == Fate(disables_target=verdict is Verdict.GONE)


def test_what_was_not_even_asked_is_not_charged_and_holds_the_channel():
    fate = fate_of(Channel.EMAIL, 10, Outcome(Verdict.HELD, ""), MIDDLE)

    assert fate == Fate(wait=HOLD, charged=False, holds_channel=True)


tried = st.sampled_from(Channel).flatmap(
    lambda channel: st.tuples(st.just(channel), st.integers(1, len(WAITS[channel]) - 1))
)


@given(tried, luck, st.integers(0, 3600))
def test_every_wait_is_within_a_fifth_of_the_table_or_what_was_asked_for(tried, luck, asked):
    channel, attempts = tried
    at_least = timedelta(seconds=asked)
    fate = fate_of(channel, attempts, Outcome(Verdict.LATER, "", at_least=at_least), luck)

    planned = WAITS[channel][attempts]
    assert fate.wait >= at_least
    assert planned * 0.8 <= fate.wait <= max(planned * 1.2, at_least)
    assert PAUSE <= fate.pause <= timedelta(seconds=60)


def test_waits_differ_from_one_another():
    outcome = Outcome(Verdict.LATER, "")
    found = [fate_of(Channel.WEBHOOK, 1, outcome, each / 10).wait for each in range(10)]

    assert all(earlier < later for earlier, later in pairwise(found))
