import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import NotFound
from tests.gateway.rest.well import make_well


class TargetNotFound(NotFound):
    """The location has no such target."""

    reason = "TARGET_NOT_FOUND"


@pytest.fixture
def notifier(street):
    make_well(street)
    return street.notifier


async def test_targets_are_listed_without_what_is_secret(notifier, reader, location_id):
    answer = await reader.get("/api/targets")

    assert notifier.last("ListTargets").location_id == location_id
    (target,) = answer.body["items"]
    assert (target["target_id"], target["severity_floor"]) == ("t-1", "info")
    assert (target["enabled"], target["failing_since"], target["occasions"]) == (True, None, [])
    assert "webhook_secret" not in target


async def test_a_new_target_is_passed_on_whole_and_its_secret_told_once(notifier, client):
    body = {
        "channel": "webhook",
        "address": "https://example.com/hook",
        "severityFloor": "critical",
        "occasions": ["opened"],
        "enabled": False,
    }

    answer = await client.post("/api/targets", body)

    assert (answer.status, answer.body["webhook_secret"]) == (201, "whsec_x")
    asked = notifier.last("UpsertTarget")
    assert asked.target.target_id == ""
    assert (asked.target.channel, asked.target.address) == ("webhook", "https://example.com/hook")
    assert asked.target.severity_floor == pb.SEVERITY_CRITICAL
    assert list(asked.target.occasions) == ["opened"]
    assert asked.target.enabled is False


async def test_a_change_names_what_is_given_and_clears_what_is_null(notifier, client):
    answer = await client.call(
        "PATCH", "/api/targets/t-7", {"name": "Night", "severityFloor": None}
    )

    assert answer.status == 200
    asked = notifier.last("UpsertTarget")
    assert (asked.target.target_id, asked.target.name) == ("t-7", "Night")
    assert asked.target.severity_floor == pb.SEVERITY_UNSPECIFIED
    assert sorted(asked.update_mask.paths) == ["name", "severity_floor"]


async def test_a_change_of_nothing_is_refused(notifier, client):
    answer = await client.call("PATCH", "/api/targets/t-7", {})

    assert (answer.status, answer.body["reason"]) == (400, "NOTHING_TO_CHANGE")


@pytest.mark.parametrize(
    ("call", "method", "shown"),
    [
        (("POST", "/verify", None), "VerifyTarget", ("verdict", "delivered", True)),
        (("POST", "/enable", {"replay": True}), "EnableTarget", ("replayed_count", None, 2)),
        (("POST", "/enable", None), "EnableTarget", ("replayed_count", None, 2)),
        (("POST", "/rotate-secret", None), "RotateSecret", ("webhook_secret", None, "whsec_y")),
    ],
)
async def test_what_is_done_with_a_target_is_passed_on(notifier, client, call, method, shown):
    verb, path, body = call

    answer = await client.call(verb, f"/api/targets/t-7{path}", body)

    first, second, value = shown
    told = answer.body[first][second] if second else answer.body[first]
    assert (answer.status, told) == (200, value)
    asked = notifier.last(method)
    assert asked.target_id == "t-7"
    assert getattr(asked, "replay", False) == bool(body)


async def test_a_test_may_be_sent_to_one_target(notifier, client):
    answer = await client.post("/api/alerts/test", target_id="t-7")

    assert answer.status == 200
    assert notifier.last("SendTestAlert").target_id == "t-7"


async def test_a_target_is_deleted_and_that_is_in_the_audit_log(
    notifier, client, gateway, location_id
):
    answer = await client.call("DELETE", "/api/targets/t-7")

    assert answer.status == 204
    (entry, *_) = (await gateway.access.list_audit(location_id)).items
    assert (entry.action, entry.subject) == ("target.deleted", "t-7")


async def test_a_target_that_is_not_there_is_a_404_with_a_hint(notifier, client):
    notifier.answers("DeleteTarget", TargetNotFound())

    answer = await client.call("DELETE", "/api/targets/t-7")

    assert (answer.status, answer.body["reason"]) == (404, "TARGET_NOT_FOUND")
    assert "/api/targets" in answer.body["hint"]


async def test_who_may_only_read_changes_no_target(notifier, reader):
    answer = await reader.post("/api/targets", {"channel": "email", "address": "a@b.example"})

    assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")


async def test_dead_letters_are_listed_shown_and_sent_again(notifier, client, reader):
    listed = await reader.get("/api/deliveries", status="failed", target_id="t-7")
    shown = await reader.get("/api/deliveries/d-7")
    again = await client.post(
        "/api/deliveries/replay", {"from": "2026-03-02T02:10:00Z", "force": True}
    )

    asked = notifier.last("ListDeliveries")
    assert listed.status == 200
    assert (asked.status, asked.target_id) == (pb.DELIVERY_STATUS_FAILED, "t-7")
    assert notifier.last("GetDelivery").delivery_id == "d-7"
    assert shown.body["delivery"]["last_code"] == shown.body["attempts"][0]["code"] == 503
    assert again.body == {"replayed_count": 2}
    replayed = notifier.last("ReplayDeliveries")
    assert replayed.force
    assert getattr(replayed, "from").ToJsonString() == "2026-03-02T02:10:00Z"
    assert not replayed.HasField("to")


async def test_the_agency_has_targets_of_its_own(notifier, agency, client):
    params = {"all_locations": "true"}
    body = {"channel": "slack", "address": "https://hooks.slack.com/services/T0/B0/x"}

    made = await agency.call("POST", "/api/targets", body, params=params)
    await agency.get("/api/targets", **params)
    refused = await client.get("/api/targets", **params)

    assert made.status == 201
    assert notifier.last("UpsertTarget").installation
    asked = notifier.last("ListTargets")
    assert (asked.location_id, asked.installation) == ("", True)
    assert (refused.status, refused.body["reason"]) == (403, "AGENCY_KEY_NEEDED")
