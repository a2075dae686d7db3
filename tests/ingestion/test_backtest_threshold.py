"""How often a threshold would have alerted: the same as if it had been there."""

import itertools
from datetime import UTC, timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import duration
from tests.ingestion.builders import (
    PARTIAL,
    a_failure,
    an_execution,
    record,
    refused,
)
from tests.support.waiting import eventually

HOUR = timedelta(hours=1)


async def backtest(ingestion, location, workflow="wf", period=None, **request):
    message = pb.BacktestThresholdRequest(
        location_id=location, workflow_id=workflow, window=duration(period), **request
    )
    return await ingestion.BacktestThreshold(message, timeout=5)


def history(clock, text):
    """Runs an hour apart, the last one now: F(ailed), s(uccess), p(artial), e(xpected failure)."""
    makes = {
        "F": lambda at: a_failure("l", executed_at=at),
        "s": lambda at: an_execution("l", executed_at=at),
        "p": lambda at: an_execution("l", status=PARTIAL, executed_at=at),
        "e": lambda at: a_failure("l", error_message="unsubscribed", executed_at=at),
    }
    ages = range(len(text) - 1, -1, -1)
    return [makes[kind](clock.now - age * HOUR) for kind, age in zip(text, ages, strict=True)]


@pytest.mark.parametrize(
    ("runs", "failures", "hours", "alerts"),
    [
        ("ss", 1, 24, []),
        ("FF", 3, 24, []),
        ("FFF", 3, 24, [(2, None, 3)]),
        ("FFFF", 3, 24, [(2, None, 4)]),
        ("FFFsF", 3, 24, [(2, 3, 3), (4, None, 1)]),
        ("FsFsF", 3, 24, [(4, None, 3)]),
        ("FsFsF", 3, 4, []),
        ("FsFsF", 3, 5, [(4, None, 3)]),
        ("FFepF", 3, 24, [(4, None, 3)]),
        ("FFFpeF", 3, 24, [(2, None, 4)]),
        ("FsFs", 1, 1, [(0, 1, 1), (2, 3, 1)]),
    ],
)
async def test_an_alert_lasts_from_the_threshold_to_the_next_success(
    stopped_clock, runs, failures, hours, alerts
):
    ingestion = stopped_clock.ingestion
    await record(ingestion, *history(stopped_clock, runs))
    found = await backtest(ingestion, "l", failure_threshold=failures, time_window_hours=hours)

    start = stopped_clock.now - (len(runs) - 1) * HOUR
    told = [
        (
            (each.opened_at.ToDatetime(UTC) - start) // HOUR,
            (each.recovered_at.ToDatetime(UTC) - start) // HOUR
            if each.HasField("recovered_at")
            else None,
            each.failure_count,
        )
        for each in found.alerts
    ]
    assert told == alerts
    assert found.alert_count == len(alerts)
    assert found.failure_count == runs.count("F")
    assert (found.failure_threshold, found.time_window_hours) == (failures, hours)


async def test_it_says_what_really_happened(stopped_clock, notifier):
    ingestion = stopped_clock.ingestion
    runs = "FFFsFsFFFFssFsFFFs"
    for kind in runs:
        stopped_clock.move(hours=1)
        make = a_failure if kind == "F" else an_execution
        await record(ingestion, make("really", executed_at=stopped_clock.now))
    found = await backtest(ingestion, "really")

    def told():
        events = [each.WhichOneof("detail") for each in notifier.events("really")]
        assert events.count("workflow_recovered") == runs.count("Fs")
        return events

    events = await eventually(told)
    opened = sum(
        each == "workflow_failing" and before != "workflow_failing"
        for before, each in itertools.pairwise(["", *events])
    )
    assert found.alert_count == opened
    failures = sum(each.new_failures for each in notifier.failing("really"))
    assert sum(each.failure_count for each in found.alerts) == failures
    assert all(each.HasField("recovered_at") for each in found.alerts)


async def test_failures_right_before_the_period_count_for_the_first_alert_in_it(stopped_clock):
    ingestion = stopped_clock.ingestion
    await record(ingestion, *history(stopped_clock, "FFF"))
    found = await backtest(ingestion, "l", period=timedelta(minutes=30))
    assert (found.alert_count, found.failure_count) == (1, 1)
    found = await backtest(ingestion, "l", period=timedelta(minutes=30), failure_threshold=2)
    assert (found.alert_count, found.failure_count) == (0, 1)  # it was open before


async def test_the_setting_and_30_days_hold_unless_told_otherwise(stopped_clock):
    ingestion = stopped_clock.ingestion
    await record(ingestion, an_execution("l"))
    found = await backtest(ingestion, "l")
    assert (found.failure_threshold, found.time_window_hours) == (3, 24)
    assert found.window_end.ToDatetime(UTC) == stopped_clock.now
    assert found.window_start.ToDatetime(UTC) == stopped_clock.now - timedelta(days=30)


async def test_of_many_alerts_the_newest_100_are_told(stopped_clock):
    ingestion = stopped_clock.ingestion
    await record(ingestion, *history(stopped_clock, "Fs" * 101))
    found = await backtest(ingestion, "l", failure_threshold=1, time_window_hours=1)
    assert (found.alert_count, len(found.alerts)) == (101, 100)
    assert found.alerts[-1].opened_at.ToDatetime(UTC) == stopped_clock.now - HOUR


async def test_nobody_is_told(ingestion, location, notifier):
    await record(ingestion, *[a_failure(location)] * 2)
    assert (await backtest(ingestion, location, failure_threshold=2)).alert_count == 1
    assert notifier.events(location) == []


async def test_an_unknown_workflow_is_not_found(ingestion, location):
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await backtest(ingestion, location)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"failure_threshold": 0}, "THRESHOLD_OUT_OF_RANGE"),
        ({"time_window_hours": 721}, "WINDOW_OUT_OF_RANGE"),
        ({"period": timedelta(days=91)}, "WINDOW_OUT_OF_RANGE"),
    ],
)
async def test_what_is_wrong_with_the_request_is_said(ingestion, location, asked, reason):
    with refused(problems.InvalidRequest, reason):
        await backtest(ingestion, location, **asked)
