from datetime import UTC, datetime

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import NotFound, WrongState
from libs.rpc.times import timestamp
from tests.gateway.rest.well import AT, INCIDENT, NOW, make_well


class IncidentNotFound(NotFound):
    """The location has no such incident."""

    reason = "INCIDENT_NOT_FOUND"


class IncidentOver(WrongState):
    """The incident is over."""

    reason = "INCIDENT_OVER"


@pytest.fixture
def notifier(street):
    make_well(street)
    return street.notifier


async def test_the_inbox_can_show_only_what_needs_attention(notifier, reader, location_id):
    answer = await reader.get("/api/incidents", needs_attention="true", status="open")

    asked = notifier.last("ListIncidents")
    assert (asked.location_id, asked.needs_attention) == (location_id, True)
    assert asked.status == pb.INCIDENT_STATUS_OPEN
    assert answer.body["items"][0]["acknowledged_by"] is None


async def test_the_story_of_an_incident_tells_each_entry_by_its_sort(notifier, reader):
    entries = [
        pb.TimelineEntry(
            at=NOW, action=pb.IncidentAction(action="noted", actor="Owner", note="x", done_at=NOW)
        ),
        pb.TimelineEntry(
            at=NOW,
            attempt=pb.DeliveryAttempt(
                delivery_id="d-1", verdict="delivered", code=250, elapsed_ms=3, ended_at=NOW
            ),
        ),
        pb.TimelineEntry(
            at=NOW,
            delivery=pb.Delivery(
                delivery_id="d-1", status=pb.DELIVERY_STATUS_DELIVERED, created_at=NOW
            ),
        ),
        pb.TimelineEntry(at=NOW, event=pb.TimelineEvent(event_id="e-1", kind="workflow_failing")),
    ]
    fix = pb.EarlierFix(incident_id="i-0", fix="Corrected it.", resolved_at=NOW)
    notifier.answers(
        "GetIncident",
        pb.GetIncidentResponse(incident=INCIDENT, timeline=entries, earlier_fixes=[fix]),
    )

    body = (await reader.get("/api/incidents/i-1")).body

    sorts = ("event", "delivery", "attempt", "action")
    told = [[sort for sort in sorts if entry[sort]] for entry in body["timeline"]]
    assert told == [["action"], ["attempt"], ["delivery"], ["event"]]
    assert body["timeline"][1]["attempt"]["code"] == 250
    assert body["timeline"][2]["delivery"]["status"] == "delivered"
    assert body["earlier_fixes"][0]["fix"] == "Corrected it."
    assert body["earlier_fixes"][0]["resolved_at"] == AT.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("call", "body", "said"),
    [
        (("acknowledge", "AcknowledgeIncident"), {"note": "Mine."}, {"note": "Mine."}),
        (("acknowledge", "AcknowledgeIncident"), None, {"note": ""}),
        (("snooze", "SnoozeIncident"), {"untilWorse": True}, {"until_worse": True}),
        (
            ("snooze", "SnoozeIncident"),
            {"until": "2026-03-02T18:00:00+01:00"},
            {"until": timestamp(datetime(2026, 3, 2, 17, tzinfo=UTC))},
        ),
        (("resolve", "ResolveIncident"), {"cause": "A", "fix": "B"}, {"cause": "A", "fix": "B"}),
        (("resolve", "ResolveIncident"), None, {"cause": "", "fix": ""}),
        (("reopen", "ReopenIncident"), None, {"note": ""}),
        (("notes", "AnnotateIncident"), {"note": "x"}, {"note": "x"}),
    ],
)
async def test_what_is_done_is_passed_on_with_who_did_it(notifier, client, call, body, said):
    path, method = call

    answer = await client.post(f"/api/incidents/i-7/{path}", body)

    assert (answer.status, answer.body["incident_id"]) == (200, "i-1")
    asked = notifier.last(method)
    assert (asked.incident_id, asked.actor) == ("i-7", "test")
    assert {name: getattr(asked, name) for name in said} == said


async def test_what_is_done_is_in_the_audit_log(notifier, client, gateway, location_id):
    await client.post("/api/incidents/i-7/resolve", {"fix": "B"})

    (entry, *_) = (await gateway.access.list_audit(location_id)).items
    assert (entry.action, entry.subject) == ("incident.resolved", "i-7")


async def test_who_may_only_read_changes_nothing(notifier, reader):
    answer = await reader.post("/api/incidents/i-7/acknowledge")

    assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")


@pytest.mark.parametrize(("problem", "status"), [(IncidentNotFound(), 404), (IncidentOver(), 400)])
async def test_refusals_say_what_to_do(notifier, client, problem, status):
    notifier.answers("AcknowledgeIncident", problem)

    answer = await client.post("/api/incidents/i-7/acknowledge")

    assert (answer.status, answer.body["reason"]) == (status, problem.reason)
    assert "/api/incidents" in answer.body["hint"]


async def test_what_is_about_many_locations_is_for_the_agency(street, agency, client):
    street.notifier.answers("ListIncidents", pb.ListIncidentsResponse())

    await agency.get("/api/incidents", all_locations="true")
    refused = await client.get("/api/incidents", all_locations="true")

    asked = street.notifier.last("ListIncidents")
    assert (asked.location_id, asked.installation) == ("", True)
    assert (refused.status, refused.body["reason"]) == (403, "AGENCY_KEY_NEEDED")
