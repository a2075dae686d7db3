"""Single workflows over REST."""

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

PATH = "/api/workflows/wf-1"


@pytest.fixture
def known(street):
    """Ingestion, which knows a workflow."""
    workflow = pb.Workflow(
        workflow_id="wf-1",
        status="published",
        version=24,
        run_limit_hours=6,
        default_run_limit_hours=24,
    )
    street.ingestion.answers("GetWorkflow", pb.GetWorkflowResponse(workflow=workflow))
    street.ingestion.answers("UpdateWorkflow", pb.UpdateWorkflowResponse(workflow=workflow))
    return street.ingestion


async def test_one_workflow(known, client, location_id):
    answer = await client.get(PATH)

    assert answer.status == 200
    assert (answer.body["status"], answer.body["version"]) == ("published", 24)
    assert (answer.body["run_limit_hours"], answer.body["default_run_limit_hours"]) == (6, 24)
    assert known.last("GetWorkflow") == pb.GetWorkflowRequest(
        location_id=location_id, workflow_id="wf-1"
    )


@pytest.mark.parametrize("name", ["runLimitHours", "run_limit_hours"])
async def test_its_runs_get_a_limit_of_their_own(known, client, location_id, name):
    answer = await client.call("PATCH", PATH, {name: 6})

    assert answer.status == 200
    asked = known.last("UpdateWorkflow")
    assert (asked.workflow.location_id, asked.workflow.workflow_id) == (location_id, "wf-1")
    assert asked.workflow.run_limit_hours == 6
    assert list(asked.update_mask.paths) == ["run_limit_hours"]


async def test_null_takes_the_limit_back(known, client):
    await client.call("PATCH", PATH, {"runLimitHours": None})

    asked = known.last("UpdateWorkflow")
    assert not asked.workflow.HasField("run_limit_hours")
    assert list(asked.update_mask.paths) == ["run_limit_hours"]


@pytest.mark.parametrize("body", [{}, {"runLimitHours": "6"}, {"limit": 6}])
async def test_what_cannot_be_changed_is_refused(known, client, body):
    assert (await client.call("PATCH", PATH, body)).status == 400
    assert not known.asked["UpdateWorkflow"]
