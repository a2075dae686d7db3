"""What is done with a workflow can be changed."""

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import an_execution, record, refused


async def update(ingestion, location, *paths, workflow_id="wf", **fields):
    workflow = pb.Workflow(location_id=location, workflow_id=workflow_id, **fields)
    request = pb.UpdateWorkflowRequest(workflow=workflow)
    request.update_mask.paths.extend(paths)
    return (await ingestion.UpdateWorkflow(request, timeout=5)).workflow


@pytest.mark.parametrize("hours", [1, 6, 720])
async def test_its_runs_get_a_limit_of_their_own(ingestion, location, hours):
    await record(ingestion, an_execution(location), an_execution(location, "another"))
    changed = await update(ingestion, location, "run_limit_hours", run_limit_hours=hours)
    assert (changed.workflow_id, changed.run_limit_hours) == ("wf", hours)
    request = pb.ListWorkflowsRequest(location_id=location)
    other, kept = (await ingestion.ListWorkflows(request, timeout=5)).workflows
    assert kept == changed
    assert not other.HasField("run_limit_hours")


async def test_without_one_the_limit_of_all_holds_again(ingestion, location):
    await record(ingestion, an_execution(location))
    await update(ingestion, location, "run_limit_hours", run_limit_hours=6)
    changed = await update(ingestion, location, "run_limit_hours")
    assert not changed.HasField("run_limit_hours")


@pytest.mark.parametrize(
    ("paths", "fields", "reason"),
    [
        ([], {"run_limit_hours": 6}, "UPDATE_MASK_EMPTY"),
        (["name"], {"name": "Welcome"}, "UPDATE_MASK_UNKNOWN_FIELD"),
        (["run_limit_hours"], {"run_limit_hours": 0}, "RUN_LIMIT_OUT_OF_RANGE"),
        (["run_limit_hours"], {"run_limit_hours": 721}, "RUN_LIMIT_OUT_OF_RANGE"),
        (["run_limit_hours"], {"workflow_id": ""}, "WORKFLOW_MISSING"),
    ],
)
async def test_what_cannot_be_is_refused(ingestion, location, paths, fields, reason):
    await record(ingestion, an_execution(location))
    with refused(problems.InvalidRequest, reason):
        await update(ingestion, location, *paths, **fields)


async def test_nobody_has_heard_of_it(ingestion, location):
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await update(ingestion, location, "run_limit_hours", run_limit_hours=6)
