"""One execution by its id, wherever in time it lies."""

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.ids import new_id
from tests.ingestion.builders import a_failure, ago, an_execution, listed, record, refused


async def execution(ingestion, location, execution_id):
    request = pb.GetExecutionRequest(location_id=location, execution_id=execution_id)
    return (await ingestion.GetExecution(request, timeout=5)).execution


@pytest.mark.parametrize("age", [{}, {"minutes": 59}, {"hours": 2}, {"days": 29}])
async def test_an_execution_is_found_however_late_it_was_reported(ingestion, location, age):
    (result,) = await record(ingestion, a_failure(location, executed_at=ago(**age), run_id="r"))
    found = await execution(ingestion, location, result.execution_id)
    assert [found] == await listed(ingestion, location)
    assert found.run_id == "r"


@pytest.mark.parametrize(
    "execution_id",
    [
        "",
        "x",
        "\0",
        "01970000-0000-7000-8000-000000000000",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
)
async def test_an_unknown_id_is_not_found(ingestion, location, execution_id):
    await record(ingestion, an_execution(location))
    with refused(problems.NotFound, "EXECUTION_NOT_FOUND"):
        await execution(ingestion, location, execution_id)


async def test_another_locations_execution_is_not_found(ingestion, location):
    (result,) = await record(ingestion, an_execution(f"{location}-b"))
    with refused(problems.NotFound, "EXECUTION_NOT_FOUND"):
        await execution(ingestion, location, result.execution_id)


async def test_the_location_is_required(ingestion):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await execution(ingestion, "", new_id())
