from datetime import UTC, datetime

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import NotFound
from libs.rpc.times import timestamp

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


class EventNotFound(NotFound):
    """The location has no such event."""

    reason = "EVENT_NOT_FOUND"


class WorkflowNotFound(NotFound):
    """Nobody has heard of it."""

    reason = "WORKFLOW_NOT_FOUND"


@pytest.fixture
def explained(street):
    street.notifier.answers(
        "ExplainDecision",
        pb.ExplainDecisionResponse(
            told=False,
            answer="It began. Nobody is told: a silence covers it.",
            kind="workflow_failing",
            severity=pb.SEVERITY_CRITICAL,
            workflow_id="wf-1",
            outcome="opened",
            checks=[
                pb.DecisionCheck(name="enabled", passed=True, detail="Alerts are switched on."),
                pb.DecisionCheck(name="silences", passed=False, detail="A silence covers it (s-1)."),
            ],
            settings=pb.AlertSettings(
                enabled=True,
                quiet_hours=pb.QuietHours(),
                timezone="UTC",
                scan_summary=pb.SCAN_SUMMARY_ALWAYS,
                failure_threshold=3,
                time_window_hours=24,
                alert_on_critical=True,
                quiet_hours_hold_critical=False,
                critical_reminder_minutes=240,
                reminder_minutes=1440,
                update_interval_minutes=60,
                origins=[pb.SettingOrigin(field="enabled", level=pb.SETTINGS_LEVEL_WORKFLOW)],
            ),
            targets=[
                pb.TargetDecision(
                    decision="suppress", reason="Not told: a silence covers it.",
                    delivery=pb.Delivery(
                        delivery_id="d-1", location_id="loc-1", created_at=timestamp(AT),
                        status=pb.DELIVERY_STATUS_SUPPRESSED,
                    ),
                )
            ],
            decided_at=timestamp(AT),
        ),
    )  # fmt: skip
    street.ingestion.answers(
        "BacktestThreshold",
        ingestion_pb2.BacktestThresholdResponse(
            alert_count=41,
            failure_threshold=3,
            time_window_hours=24,
            window_start=timestamp(AT),
            window_end=timestamp(AT),
        ),
    )
    return street


async def test_an_event_is_explained_with_a_trial_of_the_threshold(explained, reader, location_id):
    answer = await reader.get("/api/alerts/events/e-1/explain")

    assert answer.status == 200
    asked = explained.notifier.last("ExplainDecision")
    assert (asked.location_id, asked.event_id) == (location_id, "e-1")
    assert answer.body["told"] is False
    assert [each["passed"] for each in answer.body["checks"]] == [True, False]
    assert answer.body["settings"]["origins"] == {"enabled": "workflow"}
    assert answer.body["targets"][0]["decision"] == "suppress"
    assert answer.body["threshold_trial"]["text"] == (
        "With 3 failures in 24 h there would have been 41 alerts in the last 30 days."
    )
    assert explained.ingestion.last("BacktestThreshold").workflow_id == "wf-1"


async def test_an_incident_and_an_imagined_event_are_explained(explained, reader):
    await reader.get("/api/incidents/i-1/explain")
    assert explained.notifier.last("ExplainDecision").incident_id == "i-1"

    body = {"kind": "critical_finding", "workflowId": "wf-2"}
    await reader.post("/api/alerts/explain", body)
    imagined = explained.notifier.last("ExplainDecision").imagined
    assert (imagined.kind, imagined.workflow_id) == ("critical_finding", "wf-2")


async def test_without_a_workflow_that_ran_there_is_no_trial(explained, reader):
    explained.ingestion.answers("BacktestThreshold", WorkflowNotFound())

    answer = await reader.get("/api/alerts/events/e-1/explain")

    assert (answer.status, answer.body["threshold_trial"]) == (200, None)


async def test_what_is_not_there_is_not_explained(street, reader):
    street.notifier.answers("ExplainDecision", EventNotFound())

    answer = await reader.get("/api/alerts/events/e-9/explain")

    assert (answer.status, answer.body["reason"]) == (404, "EVENT_NOT_FOUND")


async def test_the_agency_is_told_why_of_what_is_about_many_locations(explained, agency, client):
    answer = await agency.get("/api/incidents/i-1/explain", all_locations="true")
    refused = await client.get("/api/incidents/i-1/explain", all_locations="true")

    assert answer.status == 200
    asked = explained.notifier.last("ExplainDecision")
    assert (asked.location_id, asked.incident_id) == ("", "i-1")
    assert (refused.status, refused.body["reason"]) == (403, "AGENCY_KEY_NEEDED")


async def test_the_agency_imagines_what_is_of_all_locations(explained, agency):
    everywhere, gap = {"params": {"all_locations": "true"}}, {"kind": "recording_gap"}
    answer = await agency.call("POST", "/api/alerts/explain", gap, **everywhere)

    assert answer.status == 200
    asked = explained.notifier.last("ExplainDecision")
    assert (asked.location_id, asked.imagined.kind) == ("", "recording_gap")
