"""Is a workflow at or over its threshold now?"""

from datetime import UTC, timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import PARTIAL, a_failure, an_execution, record, refused


async def check(ingestion, location, workflow="wf", **trial):
    request = pb.CheckAlertThresholdRequest(location_id=location, workflow_id=workflow, **trial)
    return await ingestion.CheckAlertThreshold(request, timeout=5)


async def test_three_failures_in_24_hours_are_too_many_by_default(ingestion, location):
    await record(ingestion, *[a_failure(location)] * 2)
    found = await check(ingestion, location)
    assert (found.exceeded, found.failure_count) == (False, 2)
    assert (found.failure_threshold, found.time_window_hours) == (3, 24)
    assert found.alerts_enabled

    await record(ingestion, a_failure(location))
    found = await check(ingestion, location)
    assert (found.exceeded, found.failure_count) == (True, 3)


async def test_only_failures_that_nobody_expects_count(ingestion, location):
    await record(
        ingestion,
        a_failure(location),
        a_failure(location, error_message="21610: unsubscribed"),
        an_execution(location, status=PARTIAL),
        an_execution(location),
        a_failure(location, "other"),
        a_failure(f"{location}-b"),
    )
    assert (await check(ingestion, location)).failure_count == 1


async def test_the_window_is_open_at_its_start_and_closed_at_its_end(stopped_clock):
    ingestion, tick = stopped_clock.ingestion, timedelta(microseconds=1)
    start = stopped_clock.ago(hours=24)
    await record(
        ingestion,
        a_failure("l", executed_at=stopped_clock.now),
        a_failure("l", executed_at=start),
        a_failure("l", executed_at=start + tick),
    )
    found = await check(ingestion, "l")
    assert found.failure_count == 2
    assert found.first_failure_at.ToDatetime(UTC) == start + tick
    assert found.last_failure_at.ToDatetime(UTC) == stopped_clock.now

    stopped_clock.move(microseconds=1)
    assert (await check(ingestion, "l")).failure_count == 1


async def test_another_threshold_and_window_can_be_tried(stopped_clock):
    ingestion = stopped_clock.ingestion
    moments = [stopped_clock.ago(hours=hour) for hour in (0, 1, 30, 719)]
    await record(ingestion, *[a_failure("l", executed_at=each) for each in moments])

    found = await check(ingestion, "l", failure_threshold=2, time_window_hours=1)
    assert (found.exceeded, found.failure_count) == (False, 1)
    assert (found.failure_threshold, found.time_window_hours) == (2, 1)
    found = await check(ingestion, "l", failure_threshold=2)
    assert (found.exceeded, found.failure_count, found.time_window_hours) == (True, 2, 24)
    found = await check(ingestion, "l", time_window_hours=720)
    assert (found.exceeded, found.failure_count, found.failure_threshold) == (True, 4, 3)


async def test_asking_changes_nothing_and_tells_nobody(ingestion, location, notifier):
    await record(ingestion, *[a_failure(location)] * 2)
    assert (await check(ingestion, location, failure_threshold=1)).exceeded
    await record(ingestion, a_failure(f"{location}-b"), *[a_failure(f"{location}-b")] * 2)

    listing = await ingestion.ListWorkflows(
        pb.ListWorkflowsRequest(location_id=location), timeout=5
    )
    assert not listing.workflows[0].failing
    assert notifier.events(location) == []


async def test_without_failures_there_is_no_first_and_no_last(ingestion, location):
    await record(ingestion, an_execution(location))
    found = await check(ingestion, location)
    assert not found.exceeded
    assert not found.HasField("first_failure_at")
    assert not found.HasField("last_failure_at")


async def test_an_unknown_workflow_is_not_found(ingestion, location):
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await check(ingestion, location)


@pytest.mark.parametrize("failures", [0, -1, 10_001, 2**31 - 1])
async def test_a_threshold_out_of_range_is_refused(ingestion, location, failures):
    with refused(problems.InvalidRequest, "THRESHOLD_OUT_OF_RANGE"):
        await check(ingestion, location, failure_threshold=failures)


@pytest.mark.parametrize("hours", [0, -1, 721, -(2**31)])
async def test_a_window_out_of_range_is_refused(ingestion, location, hours):
    with refused(problems.InvalidRequest, "WINDOW_OUT_OF_RANGE"):
        await check(ingestion, location, time_window_hours=hours)


async def test_location_and_workflow_are_required(ingestion, location):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await check(ingestion, "")
    with refused(problems.InvalidRequest, "WORKFLOW_MISSING"):
        await check(ingestion, location, "")
