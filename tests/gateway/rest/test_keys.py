import pytest

from gateway.access import Scope


async def test_a_new_key_is_shown_once_and_opens_what_it_is_for(gateway, agency, street):
    made = await agency.post(
        "/api/keys", {"name": "Reports", "scope": "read", "locationId": "loc-keys"}
    )

    assert made.status == 201
    secret = made.body["key"]
    assert secret.startswith("rw_read_")
    assert secret.startswith(made.body["prefix"])
    assert (made.body["scope"], made.body["location_id"]) == ("read", "loc-keys")
    assert made.body["expires_at"] is made.body["revoked_at"] is None
    listed = await agency.get("/api/keys", limit="500")
    assert made.body["key_id"] in [each["key_id"] for each in listed.body["items"]]
    assert secret not in listed.text
    assert (await gateway.client_with(secret).get("/api/locations")).status == 200


async def test_a_key_is_refused_as_soon_as_it_is_revoked(gateway, agency):
    made = await agency.post("/api/keys", {"name": "Old", "scope": "read"})
    client = gateway.client_with(made.body["key"])
    assert (await client.get("/api/locations")).status == 200

    gone = await agency.delete(f"/api/keys/{made.body['key_id']}")

    assert (gone.status, gone.text) == (204, "")
    answer = await client.get("/api/locations")
    assert (answer.status, answer.body["reason"]) == (401, "KEY_REVOKED")


async def test_an_unknown_key_cannot_be_revoked(agency):
    answer = await agency.delete("/api/keys/nope")

    assert (answer.status, answer.body["reason"]) == (404, "KEY_NOT_FOUND")


@pytest.mark.parametrize("scope", [Scope.INGEST, Scope.READ, Scope.WRITE])
async def test_keys_are_for_admins_only(gateway, location_id, scope):
    client = await gateway.client(scope, location_id)

    for answer in (
        await client.get("/api/keys"),
        await client.post("/api/keys", {"name": "More", "scope": "admin"}),
        await client.delete("/api/keys/any"),
        await client.get("/api/audit"),
    ):
        assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")


async def test_the_admin_of_a_location_stays_in_it(gateway, agency, location_id):
    admin = await gateway.client(Scope.ADMIN, location_id)
    foreign = await agency.post("/api/keys", {"name": "Other", "scope": "read"})

    own = await admin.post("/api/keys", {"name": "Own", "scope": "write"})
    other = await admin.post("/api/keys", {"name": "X", "scope": "read", "location_id": "loc-2"})
    revoked = await admin.delete(f"/api/keys/{foreign.body['key_id']}")
    listed = await admin.get("/api/keys", limit="500")

    assert own.body["location_id"] == location_id
    assert (other.status, other.body["reason"]) == (403, "LOCATION_NOT_YOURS")
    assert (revoked.status, revoked.body["reason"]) == (404, "KEY_NOT_FOUND")
    assert {each["location_id"] for each in listed.body["items"]} == {location_id}


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ({"name": "", "scope": "read"}, "KEY_NAME_WRONG", "name"),
        ({"name": "x" * 101, "scope": "read"}, "KEY_NAME_WRONG", "name"),
        ({"name": "x", "scope": "king"}, "REQUEST_MALFORMED", "scope"),
        ({"scope": "read"}, "REQUEST_MALFORMED", "name"),
        ({"name": 5, "scope": "read"}, "REQUEST_MALFORMED", "name"),
        ({"name": "x", "scope": "read", "locationId": ""}, "LOCATION_MISSING", "location_id"),
        ({"name": "x", "scope": "read", "locationId": "a b"}, "LOCATION_ID_WRONG", "location_id"),
        (
            {"name": "x", "scope": "read", "expiresAt": "2001-01-01T00:00:00Z"},
            "KEY_EXPIRY_PAST",
            "expires_at",
        ),
        (
            {"name": "x", "scope": "read", "expiresAt": "9999-12-31T23:59:59-10:00"},
            "REQUEST_MALFORMED",
            "expires_at",
        ),
        (
            {"name": "x", "scope": "read", "expiresAt": "2099-01-01T00:00:00"},
            "REQUEST_MALFORMED",
            "expires_at",
        ),
    ],
)
async def test_a_key_that_makes_no_sense(agency, body, reason, field):
    answer = await agency.post("/api/keys", body)

    assert (answer.status, answer.body["reason"]) == (400, reason)
    assert [each["field"] for each in answer.body["errors"]] == [field]


async def test_making_and_revoking_is_in_the_audit_log(agency):
    made = (await agency.post("/api/keys", {"name": "Watched", "scope": "read"})).body
    await agency.with_headers(X_Request_Id="revoking").delete(f"/api/keys/{made['key_id']}")

    audit = (await agency.get("/api/audit")).body["items"]

    about = [each for each in audit if each["subject"] == made["key_id"]]
    assert [each["action"] for each in about] == ["key.revoked", "key.created"]
    assert about[0]["request_id"] == "revoking"
    assert about[0]["key_name"] == "test"
