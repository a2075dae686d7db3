"""Remembered answers and rate limits: pure bookkeeping over a clock."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.answers import Answers
from gateway.access.limits import RateLimited, RateLimits
from libs.clock import FixedClock

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


class Asked:
    """Counts the questions; answers when it may."""

    def __init__(self):
        self.questions = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.fails = False

    async def __call__(self, key):
        self.questions.append(key)
        await self.may_answer.wait()
        if self.fails:
            raise LookupError(key)
        return f"{key}-{len(self.questions)}", 10 * SECOND


async def test_an_answer_is_remembered_for_its_time(clock):
    asked = Asked()
    answers = Answers(asked, clock, most=10)

    assert [await answers.of("a"), await answers.of("a")] == ["a-1", "a-1"]
    clock.move(10 * SECOND)
    assert await answers.of("a") == "a-2"


async def test_a_clock_that_was_set_back_makes_nothing_live_longer(clock):
    answers = Answers(Asked(), clock, most=10)
    await answers.of("a")

    clock.move(-3600 * SECOND)

    assert await answers.of("a") == "a-2"


async def test_many_who_ask_at_once_ask_once_and_one_who_leaves_takes_nothing(clock):
    asked = Asked()
    asked.may_answer.clear()
    answers = Answers(asked, clock, most=10)
    requests = [asyncio.create_task(answers.of("a")) for _ in range(5)]
    await asyncio.sleep(0)

    requests[0].cancel()
    await asyncio.sleep(0)
    asked.may_answer.set()

    assert await asyncio.gather(*requests[1:]) == ["a-1"] * 4
    assert asked.questions == ["a"]


async def test_a_failure_is_told_to_all_who_wait_and_not_remembered(clock):
    asked = Asked()
    asked.fails = True
    answers = Answers(asked, clock, most=10)

    outcomes = await asyncio.gather(*(answers.of("a") for _ in range(3)), return_exceptions=True)
    asked.fails = False

    assert [type(each) for each in outcomes] == [LookupError] * 3
    assert await answers.of("a") == "a-2"


async def test_only_the_latest_are_remembered(clock):
    asked = Asked()
    answers = Answers(asked, clock, most=2)
    for key in ("a", "b", "a", "c", "a", "b"):
        await answers.of(key)

    assert asked.questions == ["a", "b", "c", "b"]


async def test_what_is_forgotten_is_asked_again(clock):
    asked = Asked()
    answers = Answers(asked, clock, most=10)
    await answers.of("a")
    answers.forget("a")
    answers.forget("never there")
    await answers.of("a")
    answers.forget_all()
    await answers.of("a")

    assert asked.questions == ["a", "a", "a"]


def test_six_hundred_requests_a_minute_and_then_one_every_tenth_of_a_second(clock):
    limits = RateLimits(clock)
    for _ in range(600):
        limits.take("key")

    with pytest.raises(RateLimited) as refused:
        limits.take("key")
    limits.take("another key")

    assert refused.value.retry_after == timedelta(seconds=0.1)
    clock.move(refused.value.retry_after)
    limits.take("key")
    with pytest.raises(RateLimited):
        limits.take("key")


@given(st.lists(st.integers(-5, 120), min_size=1, max_size=30))
def test_no_minute_lets_more_through_than_a_full_bucket_and_a_minutes_refill(pauses):
    clock = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))
    limits = RateLimits(clock, a_minute=6)
    taken, passed = 0, 0
    for pause in pauses:
        clock.move(pause * SECOND)
        passed += max(0, pause)
        for _ in range(7):
            try:
                limits.take("key")
            except RateLimited:
                break
            taken += 1

    assert taken <= 6 + passed * 6 / 60 + 1e-6
