from datetime import UTC, datetime, timedelta

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import NotFound, TooMany, WrongState
from libs.rpc.times import timestamp

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


class MailNotCaught(NotFound):
    """A mail server is configured, so mails are sent and not caught."""

    reason = "MAIL_NOT_CAUGHT"


class NoTargets(WrongState):
    """The location has no target."""

    reason = "NO_TARGETS"


async def test_a_test_alert_has_a_verdict_for_each_target(street, client):
    street.notifier.answers(
        "SendTestAlert",
        pb.SendTestAlertResponse(
            verdicts=[
                pb.TestVerdict(channel="email", target="o…r@agency.example", delivered=True),
                pb.TestVerdict(channel="webhook", target="https://e…", detail="HTTP 500"),
            ]
        ),
    )

    answer = await client.post("/api/alerts/test")

    assert answer.status == 200
    assert answer.body["delivered"] is False
    assert {each["channel"]: each["delivered"] for each in answer.body["items"]} == {
        "email": True,
        "webhook": False,
    }
    assert answer.body["items"][1]["detail"] == "HTTP 500"


async def test_the_agency_tries_its_own_targets(street, agency, client):
    street.notifier.answers(
        "SendTestAlert", pb.SendTestAlertResponse(verdicts=[pb.TestVerdict(channel="slack")])
    )

    answer = await agency.post("/api/alerts/test", all_locations="true")
    asked = street.notifier.last("SendTestAlert")
    refused = await client.post("/api/alerts/test", all_locations="true")

    assert (asked.location_id, asked.installation) == ("", True)
    assert (answer.body["delivered"], answer.body["items"][0]["channel"]) == (False, "slack")
    assert (refused.status, refused.body["reason"]) == (403, "AGENCY_KEY_NEEDED")


async def test_a_test_without_targets_says_how_to_make_one(street, client):
    street.notifier.answers("SendTestAlert", NoTargets())

    answer = await client.post("/api/alerts/test")

    assert (answer.status, answer.body["reason"]) == (400, "NO_TARGETS")
    assert "alertEmail" in answer.body["hint"]


async def test_too_many_tests_say_how_long_to_wait(street, client):
    street.notifier.answers("SendTestAlert", TooMany(retry_after=timedelta(seconds=12)))

    answer = await client.post("/api/alerts/test")

    assert (answer.status, answer.headers["Retry-After"]) == (429, "12")


async def test_incidents(street, reader):
    incident = pb.Incident(
        incident_id="i-1", location_id="loc-1", dedup_key="fail:wf-1",
        status=pb.INCIDENT_STATUS_OPEN, severity=pb.SEVERITY_CRITICAL, title="Welcome fails",
        workflow_id="wf-1", event_count=2, failure_count=4, opened_at=timestamp(AT),
        last_event_at=timestamp(AT),
    )  # fmt: skip
    street.notifier.answers("ListIncidents", pb.ListIncidentsResponse(incidents=[incident]))

    answer = await reader.get("/api/incidents", status="open")

    (item,) = answer.body["items"]
    assert (item["status"], item["severity"], item["failure_count"]) == ("open", "critical", 4)
    assert item["resolved_at"] is None
    assert street.notifier.last("ListIncidents").status == pb.INCIDENT_STATUS_OPEN


async def test_deliveries_of_an_incident(street, reader):
    delivery = pb.Delivery(
        delivery_id="d-1", location_id="loc-1", incident_id="i-1", channel="webhook",
        target="https://e…", status=pb.DELIVERY_STATUS_FAILED, attempts=11,
        last_error="HTTP 500", created_at=timestamp(AT),
    )  # fmt: skip
    street.notifier.answers("ListDeliveries", pb.ListDeliveriesResponse(deliveries=[delivery]))

    answer = await reader.get("/api/deliveries", incident_id="i-1")

    (item,) = answer.body["items"]
    assert (item["status"], item["attempts"], item["last_error"]) == ("failed", 11, "HTTP 500")
    assert item["delivered_at"] is item["suppressed_because"] is None
    assert street.notifier.last("ListDeliveries").incident_id == "i-1"


MAIL = pb.CaughtMail(
    message_id="<1@runwarden>", location_id="loc-1", caught_at=timestamp(AT), sender="a@b.example",
    recipient="owner@agency.example", subject="Welcome fails", text="4 failures",
)  # fmt: skip


async def test_caught_mails_of_all_locations_for_the_agency(street, agency):
    street.notifier.answers("ListCaughtMail", pb.ListCaughtMailResponse(mails=[MAIL]))

    answer = await agency.get("/api/dev/mailbox")

    assert set(answer.body) == {"items"}
    (item,) = answer.body["items"]
    assert (item["recipient"], item["subject"]) == ("owner@agency.example", "Welcome fails")
    assert street.notifier.last("ListCaughtMail").location_id == ""


async def test_caught_mails_of_one_location_for_its_own_key(street, reader, agency, location_id):
    street.notifier.answers("ListCaughtMail", pb.ListCaughtMailResponse())

    await reader.get("/api/dev/mailbox")
    assert street.notifier.last("ListCaughtMail").location_id == location_id
    await agency.get("/api/dev/mailbox", location_id="loc-7")
    assert street.notifier.last("ListCaughtMail").location_id == "loc-7"


async def test_with_a_mail_server_there_is_no_mailbox(street, agency):
    street.notifier.answers("ListCaughtMail", MailNotCaught())

    answer = await agency.get("/api/dev/mailbox")

    assert (answer.status, answer.body["reason"]) == (404, "MAIL_NOT_CAUGHT")


async def test_reading_keys_send_no_tests(street, reader):
    answer = await reader.post("/api/alerts/test")

    assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")
    assert not street.notifier.asked
