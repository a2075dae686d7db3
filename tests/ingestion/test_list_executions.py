"""History: newest first, filtered, page by page, and never another location's."""

import base64

import pytest

from libs import paging, problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp
from tests.ingestion.builders import (
    FAILED,
    PARTIAL,
    SUCCESS,
    ago,
    an_execution,
    listed,
    record,
    refused,
)

FILTERS = (
    "failed_action_id",
    "failed_action_name",
    "error_class",
    "error_fingerprint",
    "error_text",
)


async def pages(ingestion, **request):
    """All pages of a list."""
    found = []
    token = ""
    while True:
        response = await ingestion.ListExecutions(
            pb.ListExecutionsRequest(**request, page_token=token), timeout=5
        )
        found.append([each.run_id for each in response.executions])
        token = response.next_page_token
        if not token:
            return found


@pytest.fixture
async def history(ingestion, location):
    """Runs 0 (newest) to 9 in other order, of two workflows; 4 to 6 at the same moment."""
    moments = [ago(hours=place if place not in (5, 6) else 4) for place in range(10)]
    moments[5] = moments[6] = moments[4]
    runs = [
        an_execution(
            location,
            "odd" if place % 2 else "even",
            run_id=str(place),
            status=(SUCCESS, FAILED, PARTIAL)[place % 3],
            executed_at=moments[place],
        )
        for place in range(10)
    ]
    # Of runs at the same moment the later arrival is the newer.
    await record(ingestion, *[runs[place] for place in (3, 9, 6, 0, 5, 7, 4)])
    await record(ingestion, *[runs[place] for place in (8, 1, 2)])
    return runs


async def test_executions_come_newest_first(ingestion, location, history):
    assert [each.run_id for each in await listed(ingestion, location)] == list("0123456789")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"workflow_id": "odd"}, "13579"),
        ({"workflow_id": "odd", "error_class": "AUTH"}, ""),
        ({"statuses": [FAILED]}, "147"),
        ({"statuses": [FAILED, PARTIAL]}, "124578"),
        ({"statuses": [FAILED, FAILED]}, "147"),
        ({"workflow_id": "odd", "statuses": [FAILED]}, "17"),
    ],
)
async def test_filters_narrow_the_list(ingestion, location, history, filters, expected):
    found = await listed(ingestion, location, **filters)
    assert "".join(each.run_id for each in found) == expected


async def test_the_time_range_includes_its_start_and_not_its_end(ingestion, location, history):
    found = await listed(
        ingestion,
        location,
        executed_from=history[7].executed_at,
        executed_before=history[2].executed_at,
    )
    assert "".join(each.run_id for each in found) == "34567"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
async def test_pages_follow_each_other_without_gap_or_repeat(ingestion, location, history, size):
    found = await pages(ingestion, location_id=location, page_size=size)
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    assert [run for page in found for run in page] == list("0123456789")


async def test_a_full_last_page_is_the_last_one(ingestion, location, history):
    assert len(await pages(ingestion, location_id=location, page_size=10)) == 1
    assert len(await pages(ingestion, location_id=location, page_size=5)) == 2


async def test_runs_that_arrive_meanwhile_do_not_move_the_pages(ingestion, location, history):
    request = pb.ListExecutionsRequest(location_id=location, page_size=4)
    first = await ingestion.ListExecutions(request, timeout=5)
    await record(ingestion, an_execution(location, "odd", run_id="new"))
    request.page_token = first.next_page_token
    second = await ingestion.ListExecutions(request, timeout=5)
    assert [each.run_id for each in second.executions] == list("4567")


async def test_a_page_holds_50_unless_told_otherwise_and_500_at_most(ingestion, location):
    await record(ingestion, *[an_execution(location)] * 500)
    await record(ingestion, an_execution(location))
    sizes = {}
    for asked in (0, 501, 2**31 - 1):
        request = pb.ListExecutionsRequest(location_id=location, page_size=asked)
        sizes[asked] = len((await ingestion.ListExecutions(request, timeout=5)).executions)
    assert sizes == {0: 50, 501: 500, 2**31 - 1: 500}


async def test_rows_of_another_location_are_never_seen(ingestion, location, history):
    assert await listed(ingestion, location.upper()) == []
    assert await listed(ingestion, location[:-1]) == []


async def test_a_negative_page_size_is_refused(ingestion, location):
    with refused(problems.InvalidRequest, "PAGE_SIZE_NEGATIVE"):
        await pages(ingestion, location_id=location, page_size=-1)


async def test_the_location_is_required(ingestion):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await pages(ingestion)


@pytest.mark.parametrize("status", [0, 99])
async def test_an_unknown_status_in_the_filter_is_refused(ingestion, location, status):
    with refused(problems.InvalidRequest, "STATUS_UNKNOWN"):
        await pages(ingestion, location_id=location, statuses=[status])


async def test_a_token_used_with_other_filters_is_refused(ingestion, location, history):
    request = pb.ListExecutionsRequest(location_id=location, page_size=2)
    token = (await ingestion.ListExecutions(request, timeout=5)).next_page_token
    for other in (
        {"location_id": "another"},
        {"location_id": location, "workflow_id": "odd"},
        {"location_id": location, "statuses": [FAILED]},
        {"location_id": location, "executed_from": timestamp(ago(days=1))},
    ):
        with refused(problems.InvalidRequest, "PAGE_TOKEN_WRONG"):
            await ingestion.ListExecutions(
                pb.ListExecutionsRequest(**other, page_token=token), timeout=5
            )


def forged(location, position):
    query = {
        "list": "executions",
        "location_id": location,
        "workflow_id": "",
        "statuses": (),
        "executed_from": None,
        "executed_before": None,
        "contact_id": "",
        "contact_refs": (),
        **dict.fromkeys(FILTERS, ""),
    }
    return paging.token(query, position)


@pytest.mark.parametrize(
    "position",
    [
        [],
        ["2026-11-23T10:00:00+00:00"],
        ["2026-11-23T10:00:00", "00000000-0000-0000-0000-000000000000"],
        ["2026-11-23T10:00:00+00:00", "x"],
        ["2026-11-23T10:00:00+00:00", "00000000-0000-0000-0000-000000000000", 1],
        ["\0", "\0"],
        [1, 2],
        [None, {}],
        [{"a": []}, [[]]],
    ],
)
async def test_a_token_with_a_position_nobody_wrote_is_refused(ingestion, location, position):
    with refused(problems.InvalidRequest, "PAGE_TOKEN_WRONG"):
        request = pb.ListExecutionsRequest(
            location_id=location, page_token=forged(location, position)
        )
        await ingestion.ListExecutions(request, timeout=5)


@pytest.mark.parametrize(
    "token",
    ["x", "é", "\0", "MQ", "bnVsbA", "W10", base64.urlsafe_b64encode(b"[" * 9000).decode()],
)
async def test_a_token_that_is_none_is_refused(ingestion, location, token):
    with refused(problems.InvalidRequest, "PAGE_TOKEN_WRONG"):
        request = pb.ListExecutionsRequest(location_id=location, page_token=token)
        await ingestion.ListExecutions(request, timeout=5)


async def test_a_position_at_the_edge_of_time_is_just_an_empty_or_full_list(
    ingestion, location, history
):
    nobody = "ffffffff-ffff-ffff-ffff-ffffffffffff"
    for moment, expected in (
        ("0001-01-01T00:00:00+14:00", 0),
        ("9999-12-31T23:59:59-14:00", 10),
    ):
        token = forged(location, [moment, nobody])
        request = pb.ListExecutionsRequest(location_id=location, page_token=token)
        response = await ingestion.ListExecutions(request, timeout=5)
        assert len(response.executions) == expected
