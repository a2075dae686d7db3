"""The numbers of many workflows are those that each has alone."""

from datetime import timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import duration
from tests.ingestion.builders import PARTIAL, a_failure, ago, an_execution, record, refused

DAY = timedelta(days=1)


async def metrics(ingestion, location, *workflow_ids, window=DAY):
    request = pb.BatchGetWorkflowMetricsRequest(
        location_id=location, workflow_ids=workflow_ids, window=duration(window)
    )
    return list((await ingestion.BatchGetWorkflowMetrics(request, timeout=5)).metrics)


@pytest.mark.parametrize("window", [timedelta(hours=1), DAY, 14 * DAY, 90 * DAY])
async def test_they_are_the_same_as_one_by_one(stopped_clock, window):
    ingestion = stopped_clock.ingestion
    await record(
        ingestion,
        *[
            make("l", workflow, workflow_name=workflow.upper(), executed_at=stopped_clock.ago(
                hours=age), execution_time_ms=age, **more)
            for workflow in ("a", "b", "c")
            for age in (0, 1, 20, 30, 500)
            for make, more in ((an_execution, {}), (a_failure, {"error_message": "unsubscribed"}))
        ],
        an_execution("l", "c", status=PARTIAL),
        an_execution("l", "never-failed"),
    )  # fmt: skip
    wanted = ["c", "a", "never-failed"]
    found = await metrics(ingestion, "l", *wanted, window=window)

    for workflow, mine in zip(wanted, found, strict=True):
        request = pb.GetWorkflowMetricsRequest(
            location_id="l", workflow_id=workflow, window=duration(window)
        )
        assert mine == (await ingestion.GetWorkflowMetrics(request, timeout=5)).metrics


async def test_a_workflow_nobody_heard_of_is_left_out(ingestion, location):
    await record(ingestion, an_execution(location, "a"), an_execution(f"{location}-b", "b"))
    found = await metrics(ingestion, location, "b", "a", "nobody")
    assert [each.workflow_id for each in found] == ["a"]
    assert await metrics(ingestion, location) == []


async def test_one_without_runs_in_the_window_has_zeros(ingestion, location):
    await record(ingestion, an_execution(location, "a", executed_at=ago(days=9)))
    (found,) = await metrics(ingestion, location, "a")
    assert found.current == found.previous == pb.RunCounts()
    assert found.HasField("last_execution_at")


async def test_500_are_answered_and_501_are_refused(ingestion, location):
    names = [f"wf-{place}" for place in range(500)]
    await record(ingestion, *[an_execution(location, each) for each in names])
    assert [each.workflow_id for each in await metrics(ingestion, location, *names)] == names
    with refused(problems.InvalidRequest, "TOO_MANY_WORKFLOWS"):
        await metrics(ingestion, location, *names, "x")


async def test_what_is_wrong_with_the_request_is_said(ingestion, location):
    with refused(problems.InvalidRequest, "WINDOW_OUT_OF_RANGE"):
        await metrics(ingestion, location, window=91 * DAY)
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await metrics(ingestion, "")
