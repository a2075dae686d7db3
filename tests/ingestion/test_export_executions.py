"""History out, whole and in order, however long it is."""

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp
from tests.ingestion.builders import FAILED, a_failure, ago, an_execution, listed, record, refused


async def exported(ingestion, location, **filters):
    request = pb.ExportExecutionsRequest(location_id=location, **filters)
    call = ingestion.ExportExecutions(request, timeout=20)
    return [list(portion.executions) async for portion in call]


async def test_an_export_is_the_whole_history_in_portions(ingestion, location):
    moments = [ago(seconds=place % 7) for place in range(1203)]
    runs = [an_execution(location, run_id=str(n), executed_at=at) for n, at in enumerate(moments)]
    for start in range(0, len(runs), 500):
        await record(ingestion, *runs[start : start + 500])
    portions = await exported(ingestion, location)

    assert [len(each) for each in portions] == [500, 500, 203]
    found = [each for portion in portions for each in portion]
    assert found[:500] == await listed(ingestion, location)
    assert {each.run_id for each in found} == {each.run_id for each in runs}
    order = [(each.executed_at.ToNanoseconds(), each.execution_id) for each in found]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"workflow_id": "a"},
        {"statuses": [FAILED]},
        {"failed_action_id": "s"},
        {"failed_action_name": "SMS"},
        {"error_class": "HTTP_REMOTE"},
        {"error_text": "TIMEOUT"},
        {"executed_from": timestamp(ago(days=2))},
        {"executed_before": timestamp(ago(days=2))},
        {"executed_before": timestamp(ago(days=2)), "error_text": "timeout"},
    ],
)
async def test_the_filters_are_those_of_the_list(ingestion, location, filters):
    await record(
        ingestion,
        an_execution(location, "a"),
        a_failure(location, "b", failed_action_id="s", error_message="timeout"),
        a_failure(
            location, "a", failed_action_name="SMS", error_message="x timeout",
            executed_at=ago(days=3),
        ),
    )  # fmt: skip
    wanted = await listed(ingestion, location, **filters)
    assert wanted
    assert await exported(ingestion, location, **filters) == [wanted]


async def test_an_empty_history_is_an_empty_export(ingestion, location):
    await record(ingestion, an_execution(f"{location}-b"))
    assert await exported(ingestion, location) == []


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"location": ""}, "LOCATION_MISSING"),
        ({"statuses": [99]}, "STATUS_UNKNOWN"),
        ({"error_text": "x", "executed_from": timestamp(ago(days=8))}, "TEXT_RANGE_TOO_LONG"),
    ],
)
async def test_what_is_wrong_with_the_request_is_said(ingestion, asked, reason):
    with refused(problems.InvalidRequest, reason):
        await exported(ingestion, **{"location": "l", **asked})
