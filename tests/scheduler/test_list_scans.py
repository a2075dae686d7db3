"""Lists the scans of a location, newest first."""

from datetime import timedelta

import pytest

from libs import paging
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from services.scheduler.actions.starting import Starting
from services.scheduler.domain.schedule import Asked, ScanScope
from tests.scheduler.asking import LOCATION, MORNING, SECONDS, refusal, scans, sql
from tests.support.database_clock import set_clock


@pytest.fixture
async def five_scans(database, url) -> list[str]:
    """Ids of five completed scans, newest first; the two newest were asked for at one moment."""
    ids = []
    for number in (0, 1, 2, 3, 3):
        set_clock(url, MORNING + number * timedelta(minutes=1))
        starting = Starting(database, on_queued=lambda: None)
        started = await starting.run(LOCATION, Asked(scope=ScanScope.ALL))
        status = "failed" if number == 1 else "completed"
        await sql(
            url,
            "UPDATE scan_history SET status = %s WHERE id = %s",
            status,
            started.scan.scan_id,
        )
        ids.insert(0, started.scan.scan_id)
    return ids


async def page(stub, **fields) -> pb.ListScansResponse:
    request = pb.ListScansRequest(location_id=LOCATION, **fields)
    return await stub.ListScans(request, timeout=SECONDS)


async def test_the_newest_comes_first(five_scans, scheduler):
    answer = await page(scheduler)

    assert [each.scan_id for each in answer.scans] == five_scans
    assert answer.next_page_token == ""


async def test_pages_follow_each_other_without_gap_or_repetition(five_scans, scheduler):
    found, token = [], ""
    for size in (2, 1, 2):
        answer = await page(scheduler, page_size=size, page_token=token)
        found += [each.scan_id for each in answer.scans]
        token = answer.next_page_token

    assert found == five_scans
    assert token == ""


async def test_only_one_status_is_listed_on_request(five_scans, scheduler):
    failed = await scans(scheduler, status=pb.SCAN_STATUS_FAILED)

    assert [each.scan_id for each in failed] == [five_scans[3]]


async def test_other_locations_are_left_out(five_scans, scheduler):
    assert await scans(scheduler, "loc-2") == []


async def test_a_token_of_another_question_is_refused(five_scans, scheduler):
    token = (await page(scheduler, page_size=1)).next_page_token

    problem = await refusal(
        page(scheduler, page_size=1, page_token=token, status=pb.SCAN_STATUS_FAILED)
    )

    assert (problem.reason, problem.fields[0].field) == ("PAGE_TOKEN_WRONG", "page_token")


@pytest.mark.parametrize(
    "position",
    [[], ["2026-01-01T00:00:00Z"], ["yesterday", "x"], ["2026-01-01", "x"], [1, 2], ["", "\0"]],
)
async def test_a_token_of_our_shape_with_nonsense_in_it_is_refused(lasting_scheduler, position):
    query = {"list": "scans", "location_id": LOCATION, "status": None}

    problem = await refusal(page(lasting_scheduler, page_token=paging.token(query, position)))

    assert problem.reason == "PAGE_TOKEN_WRONG"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"page_size": -1}, "PAGE_SIZE_NEGATIVE"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_WRONG"),
        ({"status": 99}, "STATUS_UNKNOWN"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(page(lasting_scheduler, **fields))).reason == reason
