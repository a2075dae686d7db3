"""Who asks for a workflow that nobody has heard of is told so, and not that nothing happened."""

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import an_execution, record, refused
from tests.ingestion.test_export_executions import exported

STARTED = pb.EXECUTION_STATUS_STARTED


async def executions(ingestion, location, **asked):
    request = pb.ListExecutionsRequest(location_id=location, **asked)
    return list((await ingestion.ListExecutions(request, timeout=5)).executions)


async def error_groups(ingestion, location, **asked):
    request = pb.ListErrorGroupsRequest(location_id=location, **asked)
    return list((await ingestion.ListErrorGroups(request, timeout=5)).groups)


async def failing_steps(ingestion, location, **asked):
    request = pb.ListFailingStepsRequest(location_id=location, **asked)
    return list((await ingestion.ListFailingSteps(request, timeout=5)).steps)


async def searched(ingestion, location, **asked):
    return await executions(ingestion, location, error_text="x", **asked)


@pytest.mark.parametrize("ask", [executions, searched, exported, error_groups, failing_steps])
async def test_an_unknown_workflow_is_not_found_and_one_without_runs_is_empty(
    ingestion, location, ask
):
    await record(ingestion, an_execution(location, "idle", status=STARTED, run_id="r"))
    await record(ingestion, an_execution(f"{location}-b", "elsewhere"))

    assert await ask(ingestion, location, workflow_id="idle") == []
    assert await ask(ingestion, location) == []
    for unknown in ("nobody", "elsewhere"):
        with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
            await ask(ingestion, location, workflow_id=unknown)
