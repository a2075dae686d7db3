"""Lists what a scan found, worst first."""

import pytest

from libs import paging
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, history, refusal, run_now, scanned


async def page(stub, scan_id="", location=LOCATION, **fields) -> pb.ListFindingsResponse:
    request = pb.ListFindingsRequest(location_id=location, scan_id=scan_id, **fields)
    return await stub.ListFindings(request, timeout=SECONDS)


def seen(answer):
    return [(each.severity, each.penalty, each.workflow_id) for each in answer.findings]


WORST_FIRST = [
    (pb.SEVERITY_CRITICAL, 90, "wf-1"),
    (pb.SEVERITY_CRITICAL, 90, "wf-2"),
    (pb.SEVERITY_CRITICAL, 55, "wf-1"),
    (pb.SEVERITY_CRITICAL, 55, "wf-2"),
    (pb.SEVERITY_WARNING, 20, "wf-3"),
]


@pytest.fixture
async def scan(scheduler, ingestion) -> pb.Scan:
    """A scan that found five things."""
    ingestion.knows("wf-1", history(*"F" * 20))
    ingestion.knows("wf-2", history(*"F" * 20))
    ingestion.knows("wf-3", history(*"SSSFS" * 4))
    return await scanned(scheduler)


async def test_the_worst_comes_first(scheduler, scan):
    assert seen(await page(scheduler, scan.scan_id)) == WORST_FIRST


async def test_without_a_scan_the_last_completed_one_is_meant(scheduler, ingestion, scan):
    ingestion.answers.clear()
    running = await run_now(scheduler)

    assert seen(await page(scheduler)) == WORST_FIRST
    assert seen(await page(scheduler, running.scan_id)) == []
    ingestion.answers.set()


async def test_only_one_severity_is_listed_on_request(scheduler, scan):
    answer = await page(scheduler, severity=pb.SEVERITY_WARNING)

    assert seen(answer) == WORST_FIRST[-1:]


async def test_pages_stay_with_the_scan_they_began_with(scheduler, ingestion, scan):
    first = await page(scheduler, page_size=3)
    ingestion.knows("wf-1", history(*"S" * 20))
    await scanned(scheduler)

    second = await page(scheduler, page_size=3, page_token=first.next_page_token)

    assert seen(first) + seen(second) == WORST_FIRST
    assert second.next_page_token == ""


async def test_the_scan_of_another_location_is_not_shown(scheduler, scan):
    query = {"list": "findings", "location_id": "loc-2", "scan_id": "", "severity": ""}
    forged = paging.token(query, [scan.scan_id, -1])

    direct = await refusal(page(scheduler, scan.scan_id, "loc-2"))
    by_token = await refusal(page(scheduler, location="loc-2", page_token=forged))

    assert (direct.reason, by_token.reason) == ("SCAN_NOT_FOUND", "SCAN_NOT_FOUND")


async def test_a_location_without_a_completed_scan_is_told_so(lasting_scheduler):
    assert (await refusal(page(lasting_scheduler))).reason == "SCAN_NOT_FOUND"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"page_size": -1}, "PAGE_SIZE_NEGATIVE"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_WRONG"),
        ({"severity": 99}, "SEVERITY_UNKNOWN"),
        ({"location": ""}, "LOCATION_MISSING"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(page(lasting_scheduler, **fields))).reason == reason
