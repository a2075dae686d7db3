"""Findings, ignoring, comparison and rules over REST."""

from datetime import UTC, datetime

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.problems import NotFound, WrongState
from libs.rpc.times import timestamp
from tests.gateway.rest.well import FINDING, SCAN

AT = datetime(2126, 3, 9, 9, 0, tzinfo=UTC)
IGNORED = pb.IgnoredFinding(
    reason="The client knows.", ignored_by="key", ignored_at=timestamp(AT), workflow_version=7
)


def finding(**more) -> pb.Finding:
    """The ordinary finding, with something else about it."""
    changed = pb.Finding()
    changed.CopyFrom(FINDING)
    changed.MergeFrom(pb.Finding(**more))
    return changed


class FindingNotFound(NotFound):
    """The location has no such finding."""

    reason = "FINDING_NOT_FOUND"


class ScanNotCompleted(WrongState):
    """Only completed scans can be compared."""

    reason = "SCAN_NOT_COMPLETED"


async def test_what_the_last_scan_found_is_listed_with_filters(street, reader, location_id):
    found = finding(place_id="s-4", place_name="Ask again", points_if_fixed=0)
    street.scheduler.answers("ListFindings", pb.ListFindingsResponse(findings=[found]))

    answer = await reader.get(
        "/api/findings", state="open", severity="warning", rule_id="GHL221", workflow_id="wf-1"
    )

    (item,) = answer.body["items"]
    assert (item["place_id"], item["place_name"], item["points_if_fixed"]) == (
        "s-4",
        "Ask again",
        0,
    )
    assert item["ignored"] is None
    asked = street.scheduler.last("ListFindings")
    assert (asked.location_id, asked.scan_id) == (location_id, "")
    assert (asked.state, asked.severity) == (pb.FINDING_STATE_OPEN, pb.SEVERITY_WARNING)
    assert (asked.rule_id, asked.workflow_id) == ("GHL221", "wf-1")


@pytest.mark.parametrize("query", [{"state": "gone"}, {"severity": "bad"}, {"rule": "GHL101"}])
async def test_a_filter_nobody_knows_is_refused(street, reader, query):
    assert (await reader.get("/api/findings", **query)).status == 400
    assert not street.scheduler.asked["ListFindings"]


async def test_one_finding_with_what_scans_said_of_it(street, reader):
    fixed = finding(state=pb.FINDING_STATE_FIXED)
    street.scheduler.answers(
        "GetFinding", pb.GetFindingResponse(finding=FINDING, sightings=[FINDING, fixed])
    )

    body = (await reader.get("/api/findings/f-1")).body

    assert body["finding"]["rule_id"] == "GHL402"
    assert [each["state"] for each in body["sightings"]] == ["new", "fixed"]
    assert street.scheduler.last("GetFinding").finding_id == "f-1"


async def test_a_finding_is_ignored_with_who_and_until_when(street, client, location_id):
    ignored = finding(state=pb.FINDING_STATE_IGNORED, ignored=IGNORED)
    street.scheduler.answers("IgnoreFinding", pb.IgnoreFindingResponse(finding=ignored))

    answer = await client.post(
        "/api/findings/f-1/ignore",
        {"reason": "It is fine.", "until": "2126-03-09T09:00:00Z", "untilVersionChanges": True},
    )

    assert (answer.status, answer.body["state"]) == (200, "ignored")
    assert answer.body["ignored"] == {
        "reason": "The client knows.",
        "ignored_by": "key",
        "ignored_at": "2126-03-09T09:00:00Z",
        "until": None,
        "workflow_version": 7,
    }
    asked = street.scheduler.last("IgnoreFinding")
    assert (asked.location_id, asked.finding_id, asked.reason) == (
        location_id,
        "f-1",
        "It is fine.",
    )
    assert (asked.until.ToDatetime(UTC), asked.until_version_changes) == (AT, True)
    assert asked.actor


async def test_a_finding_is_not_ignored_without_a_reason(street, client):
    answer = await client.post("/api/findings/f-1/ignore", {})

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, "reason")


async def test_a_finding_counts_again(street, client):
    street.scheduler.answers("UnignoreFinding", pb.UnignoreFindingResponse(finding=FINDING))

    answer = await client.post("/api/findings/f-1/unignore")

    assert (answer.status, answer.body["ignored"]) == (200, None)
    assert street.scheduler.last("UnignoreFinding").finding_id == "f-1"


@pytest.mark.parametrize("verb", ["ignore", "unignore"])
async def test_ignoring_takes_a_key_that_may_write(reader, verb):
    answer = await reader.post(f"/api/findings/f-1/{verb}", {"reason": "x"})

    assert answer.status == 403


async def test_an_unknown_finding(street, reader):
    street.scheduler.answers("GetFinding", FindingNotFound(finding_id="f-9"))

    answer = await reader.get("/api/findings/f-9")

    assert (answer.status, answer.body["reason"]) == (404, "FINDING_NOT_FOUND")
    assert "GET /api/findings" in answer.body["hint"]


async def test_two_scans_are_compared(street, reader, location_id):
    street.scheduler.answers(
        "CompareScans",
        pb.CompareScansResponse(
            scan=SCAN,
            counts=pb.CompareScansResponse.Counts(new=700, fixed=1),
            new=[FINDING],
            score_changes=[pb.ScoreChange(workflow_id="wf-1", before=0)],
        ),
    )

    answer = await reader.get("/api/scans/compare", scan_id="scan-2", baseline_scan_id="scan-1")

    assert (answer.body["baseline"], answer.body["counts"]["new"]) == (None, 700)
    assert [each["finding_id"] for each in answer.body["new"]] == ["f-1"]
    assert answer.body["score_changes"] == [
        {"workflow_id": "wf-1", "workflow_name": None, "before": 0, "after": None}
    ]
    asked = street.scheduler.last("CompareScans")
    assert (asked.location_id, asked.scan_id, asked.baseline_scan_id) == (
        location_id,
        "scan-2",
        "scan-1",
    )


async def test_a_scan_that_is_not_completed_cannot_be_compared(street, reader):
    street.scheduler.answers("CompareScans", ScanNotCompleted(scan_id="scan-2"))

    answer = await reader.get("/api/scans/compare")

    assert (answer.status, answer.body["reason"]) == (400, "SCAN_NOT_COMPLETED")


async def test_the_rules_are_listed_for_every_location(street, reader):
    rule = pb.Rule(
        rule_id="GHL211", title="Loop", severity=pb.SEVERITY_CRITICAL, penalty=40,
        fires_when="There is a loop.", basis="It locks.", remedy="Wait.", needs=["definition"],
    )  # fmt: skip
    street.scheduler.answers(
        "ListRules",
        pb.ListRulesResponse(rules=[rule], coverage=[pb.CoverageKind(id="GHL901", title="None")]),
    )

    body = (await reader.get("/api/rules")).body

    assert body["rules"][0]["rule_id"] == "GHL211"
    assert (body["rules"][0]["needs"], body["rules"][0]["consults"]) == (["definition"], [])
    assert body["coverage"] == [{"id": "GHL901", "title": "None"}]
