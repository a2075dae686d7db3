"""Numbers of a workflow: exactly those of the log."""

import random
from datetime import UTC, timedelta
from math import ceil
from statistics import fmean

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import duration
from tests.ingestion.builders import (
    FAILED,
    PARTIAL,
    SUCCESS,
    a_failure,
    ago,
    an_execution,
    record,
    refused,
)
from tests.ingestion.gaps import a_gap


async def metrics(ingestion, location, workflow="wf", **window):
    request = pb.GetWorkflowMetricsRequest(location_id=location, workflow_id=workflow)
    if window:
        request.window.FromTimedelta(timedelta(**window))
    return (await ingestion.GetWorkflowMetrics(request, timeout=5)).metrics


async def test_a_workflow_that_ran_has_counts_rate_and_average(ingestion, location):
    await record(
        ingestion,
        an_execution(location, workflow_name="Welcome", execution_time_ms=100),
        an_execution(location, execution_time_ms=201),
        a_failure(location, error_message="unsubscribed", executed_at=ago(days=2)),
        an_execution(location, status=PARTIAL, execution_time_ms=0),
    )
    found = await metrics(ingestion, location)

    assert (found.location_id, found.workflow_id) == (location, "wf")
    assert found.workflow_name == "Welcome"
    assert without_percentiles(found.current) == pb.RunCounts(
        total=4,
        succeeded=2,
        failed=1,
        partial=1,
        failure_rate=0.25,
        average_execution_time_ms=301 / 3,
        expected=1,
    )
    assert found.previous == pb.RunCounts()
    assert found.failure_trend == pb.FAILURE_TREND_STABLE
    assert found.failure_trend_reason == "insufficient_data"
    assert ago(days=2, minutes=1) < found.last_failure_at.ToDatetime(UTC) < ago(days=2)
    assert found.last_execution_at.ToDatetime(UTC) > ago(minutes=1)


async def test_the_window_is_30_days_unless_told_otherwise_and_ends_now(stopped_clock):
    ingestion, now = stopped_clock.ingestion, stopped_clock.now
    await record(ingestion, an_execution("l"))
    found = await metrics(ingestion, "l")
    assert found.window_end.ToDatetime(UTC) == now
    assert found.window_start.ToDatetime(UTC) == now - timedelta(days=30)
    found = await metrics(ingestion, "l", hours=2)
    assert found.window_start.ToDatetime(UTC) == now - timedelta(hours=2)


async def test_a_run_at_the_start_of_the_window_belongs_to_it_and_one_before_does_not(
    stopped_clock,
):
    ingestion, hour = stopped_clock.ingestion, timedelta(hours=1)
    edge, tick = stopped_clock.now - hour, timedelta(microseconds=1)
    moments = [edge, edge - tick, edge - hour, edge - hour - tick, stopped_clock.now + 60 * tick]
    await record(ingestion, *[an_execution("l", executed_at=at) for at in moments])

    found = await metrics(ingestion, "l", hours=1)
    # The last of the moments is ahead of our clock: it has arrived, so it counts.
    assert (found.current.total, found.previous.total) == (2, 2)


async def test_the_numbers_are_those_of_a_recount(stopped_clock):
    ingestion, chance = stopped_clock.ingestion, random.Random(7)
    runs = [
        an_execution(
            "l",
            chance.choice(["a", "b"]),
            status=chance.choice([SUCCESS, SUCCESS, FAILED, PARTIAL]),
            executed_at=stopped_clock.ago(
                seconds=chance.choice([60, 3600, 86400, 86400 * 30]) * chance.random()
            ),
            error_message=chance.choice(["", "timeout", "recipient unsubscribed"]),
            execution_time_ms=chance.choice([None, 0, chance.randrange(10**6), 31_536_000_000]),
        )
        for _ in range(1000)
    ]
    await record(ingestion, *runs[:500])
    await record(ingestion, *runs[500:])

    for workflow in ("a", "b"):
        mine = [each for each in runs if each.workflow_id == workflow]
        for window in (
            timedelta(minutes=1),
            timedelta(minutes=30),
            timedelta(hours=12),
            timedelta(days=15),
            timedelta(days=90),
        ):
            found = await metrics(ingestion, "l", workflow, seconds=window.total_seconds())
            now = stopped_clock.now
            for told, since, until in (
                (found.current, now - window, now),
                (found.previous, now - 2 * window, now - window),
            ):
                assert percentiles(told) == pytest.approx(
                    percentiles_of(mine, since, until), rel=0.05
                )
                assert without_percentiles(told) == counted(mine, since, until)
            newest = max(mine, key=lambda each: each.executed_at.ToNanoseconds())
            assert found.last_execution_at == newest.executed_at


SHARES = {
    "p50_execution_time_ms": 0.5,
    "p95_execution_time_ms": 0.95,
    "p99_execution_time_ms": 0.99,
}


def percentiles(found):
    return {name: getattr(found, name) for name in SHARES if found.HasField(name)}


def without_percentiles(found):
    bare = pb.RunCounts()
    bare.CopyFrom(found)
    for name in SHARES:
        bare.ClearField(name)
    return bare


def percentiles_of(runs, since, until):
    times = sorted(
        each.execution_time_ms
        for each in runs
        if since <= each.executed_at.ToDatetime(UTC) < until and each.HasField("execution_time_ms")
    )
    if not times:
        return {}
    return {name: times[ceil(share * len(times)) - 1] for name, share in SHARES.items()}


def counted(runs, since, until):
    mine = [each for each in runs if since <= each.executed_at.ToDatetime(UTC) < until]
    failed = sum(each.status == FAILED for each in mine)
    times = [each.execution_time_ms for each in mine if each.HasField("execution_time_ms")]
    return pb.RunCounts(
        total=len(mine),
        succeeded=sum(each.status == SUCCESS for each in mine),
        failed=failed,
        partial=sum(each.status == PARTIAL for each in mine),
        failure_rate=failed / len(mine) if mine else None,
        average_execution_time_ms=fmean(times) if times else None,
        expected=sum(
            each.status == FAILED and "unsubscribed" in each.error_message for each in mine
        ),
    )


@pytest.mark.parametrize(
    ("before", "now", "trend"),
    [
        ((1, 20), (12, 20), pb.FAILURE_TREND_INCREASING),
        ((12, 20), (1, 20), pb.FAILURE_TREND_DECREASING),
        ((5, 20), (6, 20), pb.FAILURE_TREND_STABLE),
    ],
)
async def test_the_trend_compares_with_the_window_before(ingestion, location, before, now, trend):
    def runs(failed, total, at):
        statuses = [FAILED] * failed + [SUCCESS] * (total - failed)
        return [an_execution(location, status=each, executed_at=at) for each in statuses]

    await record(ingestion, *runs(*before, ago(hours=3)), *runs(*now, ago(hours=1)))
    found = await metrics(ingestion, location, hours=2)

    assert found.failure_trend == trend
    changed = trend != pb.FAILURE_TREND_STABLE
    reason = "significant_change" if changed else "no_significant_change"
    assert found.failure_trend_reason == reason


async def test_a_workflow_without_runs_in_the_window_has_zeros_and_no_rate(ingestion, location):
    await record(ingestion, a_failure(location, executed_at=ago(days=3)))
    found = await metrics(ingestion, location, hours=1)

    assert found.current == found.previous == pb.RunCounts()
    assert not found.current.HasField("failure_rate")
    assert found.HasField("last_failure_at")
    assert found.HasField("last_execution_at")


async def test_a_workflow_that_never_failed_has_no_last_failure(ingestion, location):
    await record(ingestion, an_execution(location))
    assert not (await metrics(ingestion, location)).HasField("last_failure_at")


async def test_runs_of_other_workflows_and_locations_are_not_counted(ingestion, location):
    await record(
        ingestion,
        an_execution(location),
        a_failure(location, "other"),
        a_failure(f"{location}-b"),
    )
    found = await metrics(ingestion, location)
    assert (found.current.total, found.current.failed) == (1, 0)
    assert not found.HasField("last_failure_at")


async def test_an_unknown_workflow_is_not_found(ingestion, location):
    await record(ingestion, an_execution(location))
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await metrics(ingestion, location, "unknown")
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await metrics(ingestion, f"{location}-b")


async def test_a_window_out_of_range_is_refused(ingestion, location):
    for window in (timedelta(seconds=59), timedelta(days=90, seconds=1), timedelta(days=-1)):
        request = pb.GetWorkflowMetricsRequest(
            location_id=location, workflow_id="wf", window=duration(window)
        )
        with refused(problems.InvalidRequest, "WINDOW_OUT_OF_RANGE"):
            await ingestion.GetWorkflowMetrics(request, timeout=5)


async def test_location_and_workflow_are_required(ingestion, location):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await metrics(ingestion, "")
    with refused(problems.InvalidRequest, "WORKFLOW_MISSING"):
        await metrics(ingestion, location, "")


@pytest.mark.parametrize("top", [0, 1, 20])
async def test_the_most_frequent_errors_and_steps_come_when_asked_for(ingestion, location, top):
    for message, step, count in (("timeout", "Call", 3), ("401", "Mail", 1), ("old", "Call", 2)):
        at = ago(days=8) if message == "old" else ago(hours=1)
        failed = a_failure(location, error_message=message, failed_action_id=step, executed_at=at)
        await record(ingestion, *[failed] * count, a_failure(location, "other"))
    window, about = duration(timedelta(days=7)), {"location_id": location, "workflow_id": "wf"}
    request = pb.GetWorkflowMetricsRequest(**about, window=window, top=top)
    found = await ingestion.GetWorkflowMetrics(request, timeout=5)
    errors = pb.ListErrorGroupsRequest(**about, window=window)
    groups = (await ingestion.ListErrorGroups(errors, timeout=5)).groups
    failing = pb.ListFailingStepsRequest(**about, window=window)
    steps = (await ingestion.ListFailingSteps(failing, timeout=5)).steps

    assert list(found.top_errors) == groups[:top]
    assert list(found.top_failing_steps) == steps[:top]
    assert [each.count for each in groups] == [each.count for each in steps] == [3, 1]
    assert found.metrics.current.failed == 4


@pytest.mark.parametrize("top", [-1, 21])
async def test_too_many_of_the_most_frequent_are_refused(ingestion, location, top):
    request = pb.GetWorkflowMetricsRequest(location_id=location, workflow_id="wf", top=top)
    with refused(problems.InvalidRequest, "TOP_OUT_OF_RANGE"):
        await ingestion.GetWorkflowMetrics(request, timeout=5)


async def test_numbers_say_in_which_times_of_theirs_nothing_could_be_recorded(stopped_clock):
    await a_gap(stopped_clock, minutes=2)
    gap = await a_gap(stopped_clock, minutes=15)
    await record(stopped_clock.ingestion, an_execution("l"))

    async def gaps(**window):
        request = pb.GetWorkflowMetricsRequest(location_id="l", workflow_id="wf")
        request.window.FromTimedelta(timedelta(**window))
        answer = await stopped_clock.ingestion.GetWorkflowMetrics(request, timeout=5)
        return list(answer.recording_gaps)

    assert (await gaps(days=1))[0] == gap
    assert len(await gaps(days=1)) == 2
    stopped_clock.move(minutes=59)
    assert await gaps(minutes=30) == [gap], "it touches the window before"
    stopped_clock.move(minutes=1)
    assert await gaps(minutes=30) == []
