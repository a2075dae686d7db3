"""The client and GoHighLevel's rate limits, on a window that the stand-in really keeps."""

import asyncio

import pytest

from libs.problems import TooMany
from services.scheduler.ghl.budget import CALLS
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.problems import RateLimited
from services.scheduler.ghl.tokens import PrivateToken
from tests.support.ghl_agency import a_workflow
from tests.support.receivers import Answer
from tests.support.waiting import eventually

INTERVAL = "X-RateLimit-Interval-Milliseconds"


def too_many(**headers: str) -> Answer:
    return Answer(429, headers)


async def test_a_scan_of_a_hundred_workflows_never_meets_the_limit(ghl, known, location, timer):
    known.workflow_api = True
    known.workflows = [a_workflow(f"w-{each}") for each in range(120)]
    ghl.agency.limit.calls = CALLS

    await asyncio.gather(*(location.definition(each["id"]) for each in known.workflows))

    assert [each.status for each in ghl.calls] == [200] * 120
    assert location.calls == 120
    assert timer.at - 1000 == 20.0


async def test_a_stricter_limit_is_met_by_waiting_for_its_window(ghl, known, location, timer):
    known.workflow_api = True
    known.workflows = [a_workflow(f"w-{each}") for each in range(12)]
    ghl.agency.limit.calls, ghl.agency.limit.seconds = 8, 3.0

    await asyncio.gather(*(location.definition(each["id"]) for each in known.workflows))

    answered = [each for each in ghl.calls if each.status == 200]
    assert len(answered) == 12
    assert len(ghl.calls) <= 16
    assert timer.at - 1000 <= 6.0


@pytest.mark.parametrize(
    ("headers", "pauses"),
    [
        ({INTERVAL: "4000"}, [4.0, 8.0, 16.0]),
        ({INTERVAL: "10000"}, [10.0, 20.0, 40.0]),
        ({}, [10.0, 20.0, 40.0]),
        ({INTERVAL: "0"}, [0.1, 0.1, 0.1]),
        ({INTERVAL: "1"}, [0.1, 0.1, 0.1]),
        ({INTERVAL: "999999999999999999999"}, [60.0, 60.0, 60.0]),
        ({INTERVAL: "-5"}, [10.0, 20.0, 40.0]),
        ({INTERVAL: "NaN"}, [10.0, 20.0, 40.0]),
        ({INTERVAL: "1e9"}, [10.0, 20.0, 40.0]),
    ],
)
async def test_each_pause_is_twice_as_long_and_bounded(ghl, location, timer, headers, pauses):
    ghl.answer_next(*[too_many(**headers)] * 4)

    with pytest.raises(RateLimited) as limited:
        await location.workflows()

    assert timer.slept == pytest.approx(pauses)
    assert location.calls == len(ghl.calls) == 4
    assert isinstance(limited.value, TooMany)
    assert limited.value.retry_after is not None
    assert limited.value.retry_after.total_seconds() == min(2 * pauses[-1], 60.0) or pauses[0] < 1


async def test_patience_that_helps_is_not_seen(ghl, known, location):
    known.workflows = [a_workflow("w-1")]
    ghl.answer_next(*[too_many()] * 3)

    assert len((await location.workflows()).items) == 1


async def test_one_refused_call_makes_all_of_its_location_wait_and_no_other(
    ghl, client, location, timer
):
    other = ghl.agency.add_location("SomebodyElse00000001")
    elsewhere = client.location(other.id, PrivateToken(ghl.agency.private_token(other.id)))
    timer.open.clear()
    ghl.answer_next(too_many(), path="tags")
    refused = asyncio.create_task(location.tags())
    await eventually(lambda: timer.slept)

    later = asyncio.create_task(location.calendars())
    for _ in range(3):
        await elsewhere.forms()
    assert ghl.calls_of("/calendars/") == []
    timer.open.set()

    await asyncio.gather(refused, later)
    assert [each.at for each in ghl.calls_of("/calendars/")] == [1010.0]


async def test_the_last_call_of_the_day_ends_the_patience_at_once(ghl, location, timer):
    ghl.agency.limit.daily = 1
    await location.tags()

    with pytest.raises(RateLimited, match="today"):
        await location.tags()

    assert (location.calls, timer.slept) == (2, [])


async def test_jitter_spreads_the_pauses(ghl, clock, timer, known):
    ghl.answer_next(too_many(**{INTERVAL: "8000"}))
    token = PrivateToken(ghl.agency.private_token(known.id))
    async with GhlClient.open(ghl.url, clock, timer=timer, jitter=lambda: 0.5) as client:
        await client.location(known.id, token).tags()

    assert timer.slept == [9.0]
