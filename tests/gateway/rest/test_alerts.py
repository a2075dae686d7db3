from datetime import UTC, datetime, timedelta

import pytest

from gateway.access import Scope
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import InvalidRequest, NotFound, Overtaken, TooMany, WrongState
from libs.rpc.times import timestamp

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


class ThresholdOutOfRange(InvalidRequest):
    """Choose 1 to 10,000 failures."""

    reason = "THRESHOLD_OUT_OF_RANGE"


class MailNotCaught(NotFound):
    """A mail server is configured, so mails are sent and not caught."""

    reason = "MAIL_NOT_CAUGHT"


class NoTargets(WrongState):
    """The location has no target."""

    reason = "NO_TARGETS"


def the_settings(**fields):
    return pb.AlertSettings(
        **{
            "location_id": "loc-1",
            "enabled": True,
            "failure_threshold": 3,
            "time_window_hours": 24,
            "alert_on_critical": True,
            "configured": True,
            "etag": "v1",
        }
        | fields
    )


@pytest.fixture
def notifier(street):
    street.notifier.answers(
        "GetAlertSettings", pb.GetAlertSettingsResponse(settings=the_settings())
    )
    street.notifier.answers(
        "UpdateAlertSettings", pb.UpdateAlertSettingsResponse(settings=the_settings())
    )
    return street.notifier


async def test_the_settings_of_a_location_that_was_never_configured(street, reader, location_id):
    defaults = the_settings(configured=False, etag="")
    street.notifier.answers("GetAlertSettings", pb.GetAlertSettingsResponse(settings=defaults))

    answer = await reader.get("/api/alerts/settings")

    assert answer.status == 200
    assert "ETag" not in answer.headers
    assert answer.body == {
        "location_id": "loc-1",
        "configured": False,
        "enabled": True,
        "failure_threshold": 3,
        "time_window_hours": 24,
        "alert_on_critical": True,
        "alert_email": None,
        "webhook_url": None,
        "created_at": None,
        "updated_at": None,
    }
    assert street.notifier.last("GetAlertSettings").location_id == location_id


async def test_the_version_is_in_the_etag(notifier, reader):
    assert (await reader.get("/api/alerts/settings")).headers["ETag"] == '"v1"'


@pytest.mark.parametrize(
    "body",
    [
        {"failureThreshold": 5, "alertEmail": "owner@agency.example"},
        {"failure_threshold": 5, "alert_email": "owner@agency.example"},
        {"failureThreshold": 5, "alert_email": "owner@agency.example"},
    ],
    ids=["camelCase", "snake_case", "both"],
)
async def test_only_the_given_fields_are_changed(notifier, client, body, location_id):
    answer = await client.post("/api/alerts/settings", body)

    assert (answer.status, answer.headers["ETag"]) == (200, '"v1"')
    asked = notifier.last("UpdateAlertSettings")
    assert list(asked.update_mask.paths) == ["alert_email", "failure_threshold"]
    assert asked.settings.location_id == location_id
    assert asked.settings.failure_threshold == 5
    assert asked.settings.alert_email == "owner@agency.example"
    assert not asked.settings.HasField("time_window_hours")


async def test_null_clears_and_absent_keeps(notifier, client):
    await client.post("/api/alerts/settings", {"webhookUrl": None, "enabled": False})

    asked = notifier.last("UpdateAlertSettings")
    assert list(asked.update_mask.paths) == ["enabled", "webhook_url"]
    assert not asked.settings.HasField("webhook_url")
    assert asked.settings.enabled is False
    assert asked.settings.HasField("enabled")


async def test_the_webhooks_secret_is_told_once(street, client):
    settings = the_settings(webhook_url="https://example.com/hook")
    first = pb.UpdateAlertSettingsResponse(settings=settings, webhook_secret="whsec_abc")
    street.notifier.answers("UpdateAlertSettings", first)
    body = {"webhookUrl": "https://example.com/hook"}

    told = await client.post("/api/alerts/settings", body)
    street.notifier.answers(
        "UpdateAlertSettings", pb.UpdateAlertSettingsResponse(settings=settings)
    )
    again = await client.post("/api/alerts/settings", body)

    assert told.body["webhook_secret"] == "whsec_abc"
    assert told.body["webhook_url"] == "https://example.com/hook"
    assert again.body["webhook_secret"] is None


@pytest.mark.parametrize("threshold", [-1, 0, 10**30, -(10**30)])
async def test_a_threshold_out_of_range_is_the_services_to_refuse(street, client, threshold):
    street.notifier.answers("UpdateAlertSettings", ThresholdOutOfRange.at("failure_threshold"))

    answer = await client.post("/api/alerts/settings", {"failureThreshold": threshold})

    assert (answer.status, answer.body["reason"]) == (400, "THRESHOLD_OUT_OF_RANGE")
    assert answer.body["errors"][0]["field"] == "failure_threshold"
    asked = street.notifier.last("UpdateAlertSettings").settings.failure_threshold
    assert not 1 <= asked <= 10_000


async def test_settings_that_somebody_else_changed_are_412(street, client):
    street.notifier.answers("UpdateAlertSettings", Overtaken())
    body = {"failureThreshold": 5}

    named = await client.with_headers(If_Match='"v0"').post("/api/alerts/settings", body)
    unnamed = await client.post("/api/alerts/settings", body)

    assert (named.status, named.body["reason"]) == (412, "PRECONDITION_FAILED")
    assert (unnamed.status, unnamed.body["reason"]) == (409, "CHANGED_MEANWHILE")
    assert street.notifier.asked["UpdateAlertSettings"][0].etag == "v0"


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


async def test_reading_keys_change_no_settings(street, gateway, location_id):
    reader = await gateway.client(Scope.READ, location_id)

    for path, body in (("/api/alerts/settings", {"enabled": False}), ("/api/alerts/test", None)):
        answer = await reader.post(path, body)
        assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")
    assert not street.notifier.asked
