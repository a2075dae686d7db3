"""The connection of a location to GoHighLevel over REST."""

import pytest

from gateway.access import Scope
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.problems import NotFound, WrongState
from tests.gateway.rest.well import CONNECTION

TOKEN = "pit-11111111-0000-4000-8000-000000000000"


class ConnectionExpired(WrongState):
    """GoHighLevel no longer accepts the token."""

    reason = "CONNECTION_EXPIRED"


class ConnectionNotFound(NotFound):
    """Not connected."""

    reason = "CONNECTION_NOT_FOUND"


@pytest.fixture
def path(location_id):
    return f"/api/locations/{location_id}/connection"


async def test_a_location_is_connected_with_a_private_token(street, client, path, location_id):
    street.scheduler.answers(
        "ConnectLocation", pb.ConnectLocationResponse(connection=CONNECTION, workflow_count=3)
    )

    answer = await client.put(path, {"privateToken": TOKEN})

    assert answer.status == 200
    assert (answer.body["status"], answer.body["kind"]) == ("connected", "private_token")
    assert (answer.body["workflow_count"], answer.body["error"]) == (3, None)
    asked = street.scheduler.last("ConnectLocation")
    assert (asked.location_id, asked.private_token, asked.actor) == (location_id, TOKEN, "test")


async def test_that_it_was_connected_is_noted_and_the_token_nowhere(
    street, gateway, client, path, capsys
):
    street.scheduler.answers("ConnectLocation", pb.ConnectLocationResponse(connection=CONNECTION))

    answer = await client.put(path, {"privateToken": TOKEN})

    location_id = path.split("/")[3]
    admin = await gateway.client(Scope.ADMIN, location_id)
    audit = await admin.get("/api/audit")
    [entry] = audit.body["items"]
    assert (entry["action"], entry["location_id"]) == ("location.connected", location_id)
    assert TOKEN not in answer.text + audit.text + capsys.readouterr().out


async def test_a_location_is_connected_with_a_grant(street, client, path):
    street.scheduler.answers("ConnectLocation", pb.ConnectLocationResponse(connection=CONNECTION))

    answer = await client.put(path, {"oauth": {"refresh_token": "r-1", "access_token": "a-1"}})

    assert answer.body["workflow_count"] is None
    asked = street.scheduler.last("ConnectLocation")
    assert (asked.oauth.refresh_token, asked.oauth.access_token) == ("r-1", "a-1")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"privateToken": TOKEN, "oauth": {"refreshToken": "r-1"}},
        {"privateToken": 7},
        {"token": TOKEN},
    ],
)
async def test_what_is_no_token_is_refused_and_not_shown(client, path, body):
    answer = await client.put(path, body)

    assert answer.status == 400
    assert TOKEN not in answer.text


async def test_a_token_that_is_not_accepted_is_told_with_a_hint(street, client, path):
    street.scheduler.answers("ConnectLocation", ConnectionExpired())

    body = (await client.put(path, {"privateToken": TOKEN})).body

    assert body["reason"] == "CONNECTION_EXPIRED"
    assert "ghl-setup" in body["hint"]


async def test_a_connection_says_what_it_may_not_read(street, reader, path):
    known = pb.Connection()
    known.CopyFrom(CONNECTION)
    known.unreadable.add(resource="tags", code="SCOPE_MISSING", message="Add the scope.")
    street.scheduler.answers("GetConnection", pb.GetConnectionResponse(connection=known))

    body = (await reader.get(path)).body

    assert body["unreadable"] == [
        {"resource": "tags", "code": "SCOPE_MISSING", "message": "Add the scope."}
    ]
    assert body["connected_at"] == "2026-03-02T12:30:00Z"


async def test_without_a_connection_it_is_404(street, reader, path):
    street.scheduler.answers("GetConnection", ConnectionNotFound())

    answer = await reader.get(path)

    assert (answer.status, answer.body["reason"]) == (404, "CONNECTION_NOT_FOUND")


async def test_a_location_is_disconnected(street, client, path, location_id):
    street.scheduler.answers("DisconnectLocation", pb.DisconnectLocationResponse())

    assert (await client.delete(path)).status == 204
    asked = street.scheduler.last("DisconnectLocation")
    assert (asked.location_id, asked.actor) == (location_id, "test")


async def test_reading_keys_connect_nothing_and_others_not_this_location(
    street, client, reader, path
):
    street.scheduler.answers("GetConnection", pb.GetConnectionResponse(connection=CONNECTION))

    assert (await reader.put(path, {"privateToken": TOKEN})).status == 403
    assert (await reader.delete(path)).status == 403
    elsewhere = "/api/locations/another/connection"
    assert (await client.get(elsewhere)).status == 403
    assert (await client.put(elsewhere, {"privateToken": TOKEN})).status == 403
    assert not street.scheduler.asked["ConnectLocation"]
