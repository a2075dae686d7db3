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


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"workflow_id": "wf-2"}, [1, 3]),
        ({"rule_id": "GHL402"}, [2, 3]),
        ({"rule_id": "GHL402", "workflow_id": "wf-1"}, [2]),
        ({"state": pb.FINDING_STATE_NEW}, [0, 1, 2, 3, 4]),
        ({"state": pb.FINDING_STATE_OPEN}, []),
        ({"workflow_id": "wf-9"}, []),
    ],
)
async def test_only_some_are_listed_on_request(scheduler, scan, wanted, expected):
    assert seen(await page(scheduler, **wanted)) == [WORST_FIRST[n] for n in expected]


async def test_what_is_fixed_is_listed_only_on_request(scheduler, ingestion, scan):
    ingestion.knows("wf-3", history(*"S" * 20))
    await scanned(scheduler)

    [gone] = (await page(scheduler, state=pb.FINDING_STATE_FIXED)).findings

    assert (gone.workflow_id, gone.state) == ("wf-3", pb.FINDING_STATE_FIXED)
    assert not gone.HasField("points_if_fixed")
    assert seen(await page(scheduler)) == WORST_FIRST[:-1]


async def test_a_finding_says_what_fixing_it_gives(scheduler, scan):
    found = (await page(scheduler)).findings
    gains = {(each.workflow_id, each.rule_id): each.points_if_fixed for each in found}

    assert gains["wf-3", "GHL401"] == 10, "from 80 to the ceiling of 90"
    assert gains["wf-1", "GHL401"] == 45, "the other finding still takes 55"
    assert gains["wf-1", "GHL402"] == 10, "the other finding still takes 90"


async def test_pages_stay_with_the_scan_they_began_with(scheduler, ingestion, scan):
    first = await page(scheduler, page_size=3)
    ingestion.knows("wf-1", history(*"S" * 20))
    await scanned(scheduler)

    second = await page(scheduler, page_size=3, page_token=first.next_page_token)

    assert seen(first) + seen(second) == WORST_FIRST
    assert second.next_page_token == ""


async def test_the_scan_of_another_location_is_not_shown(scheduler, scan):
    nothing = dict.fromkeys(("state", "severity", "rule_id", "workflow_id"), "")
    query = {"list": "findings", "location_id": "loc-2", "scan_id": "", **nothing}
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
        ({"state": 99}, "FINDING_STATE_UNKNOWN"),
        ({"rule_id": "x" * 65}, "FIELD_TOO_LONG"),
        ({"location": ""}, "LOCATION_MISSING"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(page(lasting_scheduler, **fields))).reason == reason
