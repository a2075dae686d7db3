"""Failures are judged by when they happened: in whatever order they come, however late."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.rpc.times import timestamp
from tests.ingestion.builders import a_failure, an_execution, record
from tests.support.waiting import eventually

THIRD_JUST_IN = timedelta(hours=24) - timedelta(microseconds=1)
THIRD_JUST_OUT = timedelta(hours=24)
LATE = timedelta(hours=2)
DAY = timedelta(hours=24)


async def settled(notifier, ingestion, location):
    """The alerts of a location, once everything before was told: another one comes last."""
    await record(ingestion, *[a_failure(f"{location}/last")] * 3)
    await eventually(lambda: notifier.failing(f"{location}/last"))
    return notifier.failing(location)


@pytest.mark.parametrize("late", [timedelta(), LATE], ids=["at once", "2 h late"])
@pytest.mark.parametrize(
    ("third", "alerts"), [(THIRD_JUST_IN, 1), (THIRD_JUST_OUT, 0)], ids=["in", "out"]
)
async def test_the_edges_of_the_window_are_sharp_in_every_order(
    stopped_clock, notifier, third, alerts, late
):
    ingestion, begin = stopped_clock.ingestion, stopped_clock.now
    moments = [begin, begin + timedelta(hours=12), begin + third]
    stopped_clock.move(seconds=(third + late).total_seconds())
    for order in permutations(range(3)):
        location = f"edges {third} {late} {order}"
        for place in order:
            await record(ingestion, a_failure(location, executed_at=moments[place]))
        found = await settled(notifier, ingestion, location)
        assert [each.failure_count for each in found] == [3] * alerts
        for each in found:
            assert each.new_failures == 3
            assert each.first_failure_at.ToDatetime(moments[0].tzinfo) == moments[0]
            assert each.last_failure_at.ToDatetime(moments[0].tzinfo) == moments[2]
            assert len(each.execution_ids) == 3


async def test_a_late_failure_completes_a_window_that_a_later_one_has_left(stopped_clock, notifier):
    ingestion, begin = stopped_clock.ingestion, stopped_clock.now
    stopped_clock.move(hours=25)
    location = "a window in between"
    for hours in (25, 0, 12):
        await record(ingestion, a_failure(location, executed_at=begin + timedelta(hours=hours)))
    late = a_failure(location, executed_at=begin + timedelta(hours=23))
    await record(ingestion, late, an_execution(location, executed_at=begin))
    (alert,) = await settled(notifier, ingestion, location)
    assert alert.failure_count == 3
    assert (
        alert.last_failure_at == a_failure("", executed_at=begin + timedelta(hours=25)).executed_at
    )


@pytest.mark.parametrize(("span", "alerts"), [(THIRD_JUST_IN, 1), (THIRD_JUST_OUT, 0)])
async def test_a_run_ahead_of_our_clock_makes_the_window_no_longer(
    stopped_clock, notifier, span, alerts
):
    ingestion, ahead = stopped_clock.ingestion, stopped_clock.now + timedelta(minutes=5)
    location = f"ahead {span}"
    for moment in (ahead - span, ahead - DAY / 2, ahead):
        await record(ingestion, a_failure(location, executed_at=moment))
    found = await settled(notifier, ingestion, location)
    assert [each.failure_count for each in found] == [3] * alerts


async def test_a_run_ahead_of_our_clock_hides_no_alert(stopped_clock, notifier):
    ingestion, now = stopped_clock.ingestion, stopped_clock.now
    ahead = now + timedelta(minutes=5)
    for moment in (ahead, now - THIRD_JUST_IN, now - THIRD_JUST_IN, now):
        await record(ingestion, a_failure("hidden", executed_at=moment))
    (alert,) = await settled(notifier, ingestion, "hidden")
    assert (alert.failure_count, alert.last_failure_at) == (3, timestamp(now))


async def test_an_alert_that_comes_late_is_over_when_a_success_is_known(stopped_clock, notifier):
    ingestion, location = stopped_clock.ingestion, "late and over"
    recovered_at = stopped_clock.ago(hours=1)
    await record(ingestion, an_execution(location, executed_at=recovered_at))
    failures = [a_failure(location, executed_at=stopped_clock.ago(hours=2))] * 3
    await record(ingestion, *failures, a_failure(location, "other"))
    await settled(notifier, ingestion, location)
    failing, recovered = notifier.events(location)
    assert failing.workflow_failing.new_failures == 3
    assert recovered.workflow_recovered.recovered_at == timestamp(recovered_at)


async def test_what_is_over_for_longer_than_the_window_alerts_nobody(stopped_clock, notifier):
    moment = stopped_clock.ago(hours=24)
    await record(stopped_clock.ingestion, *[a_failure("history", executed_at=moment)] * 5)
    assert await settled(notifier, stopped_clock.ingestion, "history") == []


_serial = iter(range(10_000))
ages = st.lists(st.integers(0, 47 * 60), min_size=1, max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ages=ages, order=st.randoms(use_true_random=False))
async def test_it_alerts_when_any_window_that_ends_with_a_recent_failure_holds_enough(
    stopped_clock, notifier, ages, order
):
    location = f"law {next(_serial)}"
    moments = [stopped_clock.ago(minutes=each) for each in ages]
    order.shuffle(moments)
    for moment in moments:
        await record(stopped_clock.ingestion, a_failure(location, executed_at=moment))
    found = await settled(notifier, stopped_clock.ingestion, location)

    ends = [each for each in moments if each > stopped_clock.ago(hours=24)]
    held = [sum(end - DAY < each <= end for each in moments) for end in ends]
    assert bool(found) == any(count >= 3 for count in held)
