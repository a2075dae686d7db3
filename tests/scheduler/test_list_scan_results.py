"""Lists what a scan says of each workflow, lowest score first."""

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from services.scheduler.domain.rules import RULES
from tests.scheduler.asking import LOCATION, SECONDS, history, refusal, scanned


async def page(stub, scan_id="", location=LOCATION, **fields) -> pb.ListScanResultsResponse:
    request = pb.ListScanResultsRequest(location_id=location, scan_id=scan_id, **fields)
    return await stub.ListScanResults(request, timeout=SECONDS)


def ids(answer):
    return [each.workflow.workflow_id for each in answer.results]


LOWEST_FIRST = ["wf-4", "wf-2", "wf-3", "wf-1"]


@pytest.fixture
async def scan(scheduler, ingestion) -> pb.Scan:
    ingestion.knows("wf-1")
    ingestion.knows("wf-2", history(*"S" * 20))
    ingestion.knows("wf-3", history(*"S" * 20))
    ingestion.knows("wf-4", history(*"F" * 20))
    return await scanned(scheduler)


async def test_the_lowest_score_comes_first_and_those_without_one_last(scheduler, scan):
    answer = await page(scheduler, scan.scan_id)

    assert ids(answer) == LOWEST_FIRST
    assert [each.workflow.HasField("score") for each in answer.results] == [True, True, True, False]


async def test_the_arithmetic_of_each_score_is_there(scheduler, scan):
    for each in (await page(scheduler)).results:
        score = each.workflow.score if each.workflow.HasField("score") else None
        if score is None:
            assert not each.deductions
            assert not each.HasField("ceiling")
            assert each.grade == pb.GRADE_NOT_ASSESSED
            continue
        assert sum(line.points for line in each.deductions) == 100 - score
        assert (each.ceiling, each.ceiling_reason) == (90, "at most 90 without a definition")
        assert each.grade == (pb.GRADE_GOOD if score == 90 else pb.GRADE_CRITICAL)
        assert len(each.assessed_rule_ids) + len(each.not_assessed) == len(RULES)


async def test_what_could_not_be_seen_is_named_without_points(scheduler, scan):
    for each in (await page(scheduler)).results:
        [definition] = [entry for entry in each.coverage if entry.id == "GHL901"]
        assert definition.title == "Definition not readable"
        assert definition.detail
        assert "GHL216" in definition.rule_ids
        assert not any(line.rule_id.startswith("GHL9") for line in each.deductions)
    assert {each.id: each.workflows for each in scan.summary.gaps}["GHL901"] == 4


async def test_pages_stay_with_the_scan_they_began_with(scheduler, ingestion, scan):
    first = await page(scheduler, page_size=3)
    ingestion.knows("wf-1", history(*"F" * 20))
    await scanned(scheduler)

    second = await page(scheduler, page_size=3, page_token=first.next_page_token)

    assert ids(first) + ids(second) == LOWEST_FIRST
    assert second.next_page_token == ""


async def test_the_scan_of_another_location_is_not_shown(scheduler, scan):
    problem = await refusal(page(scheduler, scan.scan_id, "loc-2"))

    assert problem.reason == "SCAN_NOT_FOUND"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "SCAN_NOT_FOUND"),
        ({"page_size": -1}, "PAGE_SIZE_NEGATIVE"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_WRONG"),
        ({"location": ""}, "LOCATION_MISSING"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(page(lasting_scheduler, **fields))).reason == reason
