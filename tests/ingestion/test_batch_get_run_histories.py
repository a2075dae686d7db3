"""What the rules of a scan need to know of the runs of many workflows."""

import random
from datetime import UTC, timedelta
from itertools import pairwise
from statistics import median

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


async def histories(ingestion, location, *workflows):
    request = pb.BatchGetRunHistoriesRequest(location_id=location, workflow_ids=workflows)
    return list((await ingestion.BatchGetRunHistories(request, timeout=10)).histories)


async def test_a_workflow_that_never_ran_has_zeros(ingestion, location):
    (found,) = await histories(ingestion, location, "unknown")
    assert found.as_of.ToDatetime(UTC) > ago(minutes=1)
    found.ClearField("as_of")
    assert found == pb.RunHistory(
        workflow_id="unknown", last_7_days=pb.RunCounts(), last_24_hours=pb.RunCounts()
    )


async def test_histories_come_in_the_order_of_the_request(ingestion, location):
    await record(ingestion, an_execution(location, "b"), an_execution(location, "a"))
    found = await histories(ingestion, location, "b", "x", "a", "b")
    assert [each.workflow_id for each in found] == ["b", "x", "a", "b"]
    assert [len(each.recent_runs) for each in found] == [1, 0, 1, 1]


async def test_recent_runs_are_the_20_newest(ingestion, location):
    statuses = (SUCCESS, FAILED, PARTIAL)
    results = await record(
        ingestion,
        *[
            an_execution(location, executed_at=ago(hours=hour), status=statuses[hour % 3])
            for hour in range(25)
        ],
    )
    (found,) = await histories(ingestion, location, "wf")

    assert [each.execution_id for each in found.recent_runs] == [
        each.execution_id for each in results[:20]
    ]
    assert [each.status for each in found.recent_runs] == [statuses[hour % 3] for hour in range(20)]
    assert found.last_execution_at == found.recent_runs[0].executed_at


async def test_runs_of_7_days_and_of_24_hours_are_counted(ingestion, location):
    await record(
        ingestion,
        an_execution(location, execution_time_ms=10),
        a_failure(location, executed_at=ago(hours=23), execution_time_ms=30),
        an_execution(location, status=PARTIAL, executed_at=ago(hours=25)),
        a_failure(location, executed_at=ago(days=6, hours=23)),
        a_failure(location, executed_at=ago(days=7, hours=1)),
    )
    (found,) = await histories(ingestion, location, "wf")

    assert found.last_24_hours == pb.RunCounts(
        total=2, succeeded=1, failed=1, failure_rate=0.5, average_execution_time_ms=20
    )
    assert found.last_7_days == pb.RunCounts(
        total=4, succeeded=1, failed=2, partial=1, failure_rate=0.5, average_execution_time_ms=20
    )


async def test_failures_that_nobody_is_to_blame_for_are_told_apart(ingestion, location):
    await record(
        ingestion,
        a_failure(location, error_message="21610: unsubscribed", executed_at=ago(days=2)),
        an_execution(location, status=PARTIAL, error_message="unsubscribed"),
        a_failure(location, error_message="401"),
        an_execution(location, error_message="unsubscribed"),
    )
    (found,) = await histories(ingestion, location, "wf")

    assert (found.last_7_days.failed, found.last_7_days.expected) == (2, 1)
    assert (found.last_24_hours.failed, found.last_24_hours.expected) == (1, 0)
    assert [each.expected for each in found.recent_runs] == [False, False, False, True]


async def test_errors_are_counted_by_class_most_first(ingestion, location):
    async def one(minute, message, **fields):
        fields = {"status": FAILED, "executed_at": ago(minutes=minute), **fields}
        run = an_execution(location, error_message=message, **fields)
        return (await record(ingestion, run))[0].execution_id

    auth = [await one(minute, f"401 number {minute}") for minute in range(6)]
    limit = [await one(1, "429"), await one(9, "rate limit " + "é" * 600, status=PARTIAL)]
    await one(3, "")
    await one(3, "404", status=SUCCESS)
    await one(0, "timeout", executed_at=ago(days=8))
    (found,) = await histories(ingestion, location, "wf")

    assert list(found.error_classes) == [
        pb.ErrorClassCount(
            error_class="AUTH", count=6, sample_message="401 number 0", execution_ids=auth[:5]
        ),
        pb.ErrorClassCount(
            error_class="RATE_LIMIT", count=2, sample_message="429", execution_ids=limit
        ),
    ]


async def test_a_sample_message_has_at_most_500_characters(ingestion, location):
    await record(ingestion, a_failure(location, error_message="é" * 600))
    (found,) = await histories(ingestion, location, "wf")
    assert found.error_classes[0].sample_message == "é" * 500


async def test_the_busy_period_is_the_14_days_that_end_with_the_last_run(stopped_clock):
    ingestion, chance = stopped_clock.ingestion, random.Random(3)
    last = stopped_clock.ago(days=9)
    moments = [last, last - timedelta(days=14), last - timedelta(days=13, hours=23)]
    moments += [last - timedelta(days=13) * chance.random() for _ in range(40)]
    await record(ingestion, *[an_execution("l", executed_at=each) for each in moments])
    (found,) = await histories(ingestion, "l", "wf")

    busy = sorted(each for each in moments if each > last - timedelta(days=14))
    gaps = [later - earlier for earlier, later in pairwise(busy)]
    assert found.busy_period_runs == len(busy) == 42
    assert found.longest_gap.ToTimedelta() == max(gaps)
    assert abs(found.median_gap.ToTimedelta() - median(gaps)) <= timedelta(microseconds=1)


async def test_one_run_has_no_gap_and_runs_at_one_moment_have_a_gap_of_nothing(ingestion, location):
    moment = ago(hours=1)
    await record(ingestion, an_execution(location, "one"))
    await record(ingestion, *[an_execution(location, "two", executed_at=moment)] * 2)
    one, two = await histories(ingestion, location, "one", "two")

    assert (one.busy_period_runs, one.HasField("median_gap")) == (1, False)
    assert not one.HasField("longest_gap")
    assert two.busy_period_runs == 2
    assert two.median_gap == two.longest_gap == duration(timedelta(0))


async def test_the_hours_of_the_week_end_now(stopped_clock):
    ingestion = stopped_clock.ingestion
    moments = [
        stopped_clock.ago(minutes=0),
        stopped_clock.ago(minutes=59),
        stopped_clock.ago(hours=1, minutes=30),
        stopped_clock.ago(hours=167, minutes=59),
        stopped_clock.ago(hours=168),
    ]
    await record(ingestion, *[an_execution("l", executed_at=each) for each in moments])
    never, found = await histories(ingestion, "l", "unknown", "wf")

    assert list(never.hourly_runs) == []
    assert list(found.hourly_runs) == [1, *[0] * 165, 1, 2]


async def test_runs_of_another_location_are_never_seen(ingestion, location):
    await record(ingestion, a_failure(f"{location}-b", error_message="401"))
    (found,) = await histories(ingestion, location, "wf")
    assert (found.last_7_days.total, len(found.error_classes), found.busy_period_runs) == (0, 0, 0)


async def test_500_workflows_are_answered_in_one_call(ingestion, location):
    workflows = [f"wf-{number:03}" for number in range(500)]
    await record(ingestion, *[a_failure(location, each, error_message="x") for each in workflows])
    found = await histories(ingestion, location, *workflows)
    assert [each.workflow_id for each in found] == workflows
    assert {each.last_24_hours.failed for each in found} == {1}


async def test_501_workflows_are_refused(ingestion, location):
    with refused(problems.InvalidRequest, "TOO_MANY_WORKFLOWS"):
        await histories(ingestion, location, *["wf"] * 501)


async def test_no_workflows_have_no_histories(ingestion, location):
    assert await histories(ingestion, location) == []


async def test_the_location_is_required(ingestion):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await histories(ingestion, "", "wf")


@pytest.mark.parametrize("workflow", ["a\0b", "x" * 1000, ""])
async def test_an_id_that_no_workflow_can_have_is_a_workflow_without_runs(
    ingestion, location, workflow
):
    (found,) = await histories(ingestion, location, workflow)
    assert found.last_7_days.total == 0
