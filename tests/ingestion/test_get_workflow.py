"""One workflow."""

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import a_failure, an_execution, record, refused


async def the_workflow(ingestion, location_id, workflow_id="wf"):
    request = pb.GetWorkflowRequest(location_id=location_id, workflow_id=workflow_id)
    return (await ingestion.GetWorkflow(request, timeout=5)).workflow


async def test_it_is_what_the_list_says_of_it(ingestion, location):
    await record(ingestion, an_execution(location, "a"), *[a_failure(location, "b")] * 3)
    request = pb.ListWorkflowsRequest(location_id=location)
    first, second = (await ingestion.ListWorkflows(request, timeout=5)).workflows
    assert await the_workflow(ingestion, location, "a") == first
    assert await the_workflow(ingestion, location, "b") == second
    assert second.failing


async def test_its_runs_may_take_as_long_as_everywhere(ingestion, location):
    await record(ingestion, an_execution(location))
    found = await the_workflow(ingestion, location)
    assert not found.HasField("run_limit_hours")
    assert found.default_run_limit_hours == 24


async def test_nobody_has_heard_of_it(ingestion, location):
    await record(ingestion, an_execution(f"{location}-b"))
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await the_workflow(ingestion, location)


@pytest.mark.parametrize(
    ("location_id", "workflow_id", "reason"),
    [("", "wf", "LOCATION_MISSING"), ("l", "", "WORKFLOW_MISSING")],
)
async def test_location_and_workflow_are_required(ingestion, location_id, workflow_id, reason):
    with refused(problems.InvalidRequest, reason):
        await the_workflow(ingestion, location_id, workflow_id)
