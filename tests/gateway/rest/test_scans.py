import json
from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.problems import NotFound, WrongState
from libs.rpc.times import duration, timestamp

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
SCAN = pb.Scan(
    scan_id="scan-1",
    schedule_id="s-1",
    location_id="loc-1",
    status=pb.SCAN_STATUS_COMPLETED,
    trigger=pb.SCAN_TRIGGER_SCHEDULE,
    scan_scope=pb.SCAN_SCOPE_ALL,
    scheduled_for=timestamp(AT),
    attempt=1,
    workflows_total=2,
    workflows_scanned=2,
    issues_found=3,
    critical_issues=1,
    completed_at=timestamp(AT),
    summary=pb.ScanSummary(
        text="3 findings in 2 workflows",
        score=0,
        critical_count=1,
        worst_workflows=[pb.WorkflowScore(workflow_id="wf-1", score=12)],
        rules=[
            pb.RuleCount(
                rule_id="GHL402",
                title="Consecutive failures",
                severity=pb.SEVERITY_CRITICAL,
                findings=3,
            )
        ],
        grades=[pb.GradeCount(grade=pb.GRADE_HIGH_RISK, workflows=2)],
        took=duration(timedelta(seconds=1.5)),
        ghl_calls=7,
        gaps=[pb.GapCount(id="GHL902", title="No runs received yet", workflows=2)],
    ),
)


class ScanNotFound(NotFound):
    """There is no such scan in this location."""

    reason = "SCAN_NOT_FOUND"


class ScanEnded(WrongState):
    """The scan has ended."""

    reason = "SCAN_ENDED"


async def test_scans_are_listed_with_a_filter(street, reader, location_id):
    street.scheduler.answers("ListScans", pb.ListScansResponse(scans=[SCAN], next_page_token="t"))

    answer = await reader.get("/api/scans", status="completed")

    assert answer.body["next_page_token"] == "t"
    assert [each["scan_id"] for each in answer.body["items"]] == ["scan-1"]
    asked = street.scheduler.last("ListScans")
    assert (asked.location_id, asked.status) == (location_id, pb.SCAN_STATUS_COMPLETED)


async def test_one_scan_with_its_summary(street, reader):
    street.scheduler.answers("GetScan", pb.GetScanResponse(scan=SCAN))

    body = (await reader.get("/api/scans/scan-1")).body

    assert (body["status"], body["trigger"], body["partial"]) == ("completed", "schedule", False)
    assert (body["issues_found"], body["critical_issues"]) == (3, 1)
    assert body["completed_at"] == "2026-03-02T12:30:00Z"
    assert body["started_at"] is None
    assert body["summary"]["score"] == 0
    assert body["summary"]["compared_with_scan_id"] is None
    assert body["summary"]["worst_workflows"] == [
        {"workflow_id": "wf-1", "workflow_name": None, "score": 12}
    ]
    assert body["summary"]["rules"] == [
        {
            "rule_id": "GHL402",
            "title": "Consecutive failures",
            "severity": "critical",
            "findings": 3,
        }
    ]
    assert body["summary"]["grades"] == [{"grade": "high_risk", "workflows": 2}]
    assert (body["summary"]["took"], body["summary"]["ghl_calls"]) == (1.5, 7)
    assert body["summary"]["gaps"] == [
        {"id": "GHL902", "title": "No runs received yet", "workflows": 2}
    ]
    assert street.scheduler.last("GetScan").scan_id == "scan-1"


async def test_a_running_scan_has_no_summary(street, reader):
    running = pb.Scan(scan_id="scan-2", location_id="loc-1", status=pb.SCAN_STATUS_RUNNING,
                      trigger=pb.SCAN_TRIGGER_MANUAL)  # fmt: skip
    street.scheduler.answers("GetScan", pb.GetScanResponse(scan=running))

    body = (await reader.get("/api/scans/scan-2")).body

    assert (body["status"], body["summary"]) == ("running", None)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/scans/nope", "GetScan"),
        ("/api/scans/nope/findings", "ListFindings"),
        ("/api/scans/nope/results", "ListScanResults"),
    ],
)
async def test_an_unknown_scan(street, reader, path, method):
    street.scheduler.answers(method, ScanNotFound(scan_id="nope"))

    answer = await reader.get(path)

    assert (answer.status, answer.body["reason"]) == (404, "SCAN_NOT_FOUND")
    assert "GET /api/scans" in answer.body["hint"]


async def test_what_a_scan_found(street, reader):
    finding = pb.Finding(
        finding_id="f-1", scan_id="scan-1", workflow_id="wf-1", rule_id="GHL402",
        title="Fails again and again", severity=pb.SEVERITY_CRITICAL, penalty=25, occurrences=4,
        evidence="4 of 5 runs failed", remedy="Look at the step", fingerprint="fp",
        state=pb.FINDING_STATE_NEW, first_seen_at=timestamp(AT), execution_ids=["e-1"],
    )  # fmt: skip
    street.scheduler.answers("ListFindings", pb.ListFindingsResponse(findings=[finding]))

    answer = await reader.get("/api/scans/scan-1/findings", severity="critical")

    (item,) = answer.body["items"]
    assert (item["rule_id"], item["severity"], item["state"]) == ("GHL402", "critical", "new")
    assert (item["penalty"], item["execution_ids"]) == (25.0, ["e-1"])
    asked = street.scheduler.last("ListFindings")
    assert (asked.scan_id, asked.severity) == ("scan-1", pb.SEVERITY_CRITICAL)


async def test_what_a_scan_says_of_each_workflow(street, reader):
    result = pb.WorkflowResult(
        workflow=pb.WorkflowScore(workflow_id="wf-1", workflow_name="Welcome", score=60),
        runs=20,
        deductions=[
            pb.Deduction(label="Fails again and again", rule_id="GHL402", points=45),
            pb.Deduction(label="warnings capped at 40", points=-5),
        ],
        assessed_rule_ids=["GHL402"],
        not_assessed=[pb.NotAssessed(rule_id="GHL101", lacks="the workflow's definition")],
        ceiling=90,
        ceiling_reason="at most 90 without a definition",
        grade=pb.GRADE_NEEDS_ATTENTION,
        coverage=[pb.CoverageEntry(id="GHL902", title="No runs", rule_ids=["GHL401"])],
    )
    street.scheduler.answers("ListScanResults", pb.ListScanResultsResponse(results=[result]))

    (item,) = (await reader.get("/api/scans/scan-1/results")).body["items"]

    assert item["workflow"] == {
        "workflow_id": "wf-1",
        "workflow_name": "Welcome",
        "score": 60,
    }
    assert [each["points"] for each in item["deductions"]] == [45.0, -5.0]
    assert item["deductions"][1]["rule_id"] is None
    assert item["not_assessed"][0]["lacks"] == "the workflow's definition"
    assert (item["ceiling"], item["grade"]) == (90, "needs_attention")
    assert item["ceiling_reason"] == "at most 90 without a definition"
    assert item["coverage"] == [
        {"id": "GHL902", "title": "No runs", "detail": None, "rule_ids": ["GHL401"]}
    ]


@pytest.mark.parametrize(
    ("path", "method"), [("findings", "ListFindings"), ("results", "ListScanResults")]
)
async def test_the_last_completed_scan_is_called_latest(street, reader, path, method):
    street.scheduler.answers("ListFindings", pb.ListFindingsResponse())
    street.scheduler.answers("ListScanResults", pb.ListScanResultsResponse())

    answer = await reader.get(f"/api/scans/latest/{path}")

    assert answer.status == 200
    assert street.scheduler.last(method).scan_id == ""


async def test_a_scan_is_cancelled_by_whoever_has_the_key(street, client, location_id):
    stopped = pb.Scan()
    stopped.CopyFrom(SCAN)
    stopped.status, stopped.reason = pb.SCAN_STATUS_CANCELLED, "Cancelled by ops: wrong account"
    street.scheduler.answers("CancelScan", pb.CancelScanResponse(scan=stopped))

    answer = await client.post("/api/scans/scan-1/cancel", {"reason": "wrong account"})

    assert (answer.status, answer.body["status"]) == (200, "cancelled")
    asked = street.scheduler.last("CancelScan")
    assert (asked.location_id, asked.scan_id) == (location_id, "scan-1")
    assert (asked.reason, bool(asked.actor)) == ("wrong account", True)


async def test_a_scan_that_has_ended_cannot_be_cancelled(street, client):
    street.scheduler.answers("CancelScan", ScanEnded())

    answer = await client.post("/api/scans/scan-1/cancel")

    assert (answer.status, answer.body["reason"]) == (400, "SCAN_ENDED")


async def test_a_scan_tells_what_was_tried_and_how_late_it_was(street, reader):
    tried = pb.Scan()
    tried.CopyFrom(SCAN)
    tried.failed_attempts.add(attempt=1, failed_at=timestamp(AT), reason="Ingestion was away.")
    tried.lateness.FromSeconds(90)
    street.scheduler.answers("GetScan", pb.GetScanResponse(scan=tried))

    body = (await reader.get("/api/scans/scan-1")).body

    assert body["lateness"] == 90
    assert body["failed_attempts"] == [
        {"attempt": 1, "failed_at": "2026-03-02T12:30:00Z", "reason": "Ingestion was away."}
    ]


async def test_a_scan_is_streamed_until_it_ends(street, reader):
    begun = pb.Scan(scan_id="scan-1", location_id="loc-1", status=pb.SCAN_STATUS_RUNNING)
    street.scheduler.answers(
        "WatchScan", [pb.WatchScanResponse(scan=each) for each in (begun, SCAN)]
    )

    answer = await reader.get("/api/scans/scan-1/stream")

    events = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: ")
    ]
    assert [each["status"] for each in events] == ["running", "completed"]
    assert answer.headers["Content-Type"].startswith("text/event-stream")


async def test_a_stream_of_no_scan_is_refused(street, reader):
    street.scheduler.answers("WatchScan", ScanNotFound())

    answer = await reader.get("/api/scans/none/stream")

    assert (answer.status, answer.body["reason"]) == (404, "SCAN_NOT_FOUND")
