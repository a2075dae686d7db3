"""A location is deleted everywhere, and its keys open nothing any more."""

import pytest

from gateway.access import Scope
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2

SERVICES = ("ingestion", "scheduler", "notifier")
CONTRACTS = {"ingestion": ingestion_pb2, "scheduler": scheduler_pb2, "notifier": notifier_pb2}


@pytest.fixture
def kept(street):
    """How many rows each service has of any location; the first call removes them."""
    rows = dict(zip(SERVICES, (4000, 20, 7), strict=True))

    def answering(name):
        def answer(_):
            removed, rows[name] = rows[name], 0
            return CONTRACTS[name].DeleteLocationResponse(deleted_count=removed)

        return answer

    for name in SERVICES:
        getattr(street, name).answers("DeleteLocation", answering(name))
    return rows


async def test_a_location_is_deleted_with_its_keys(street, kept, agency, client, location_id):
    assert (await client.get("/api/locations")).status == 200

    answer = await agency.delete(f"/api/locations/{location_id}")
    by_its_key = await client.get("/api/locations")

    rows = {"ingestion": 4000, "scheduler": 20, "notifier": 7, "gateway": 2}
    assert (answer.status, answer.body) == (
        200,
        {"location_id": location_id, "removed_rows": rows},
    )
    assert (by_its_key.status, by_its_key.body["reason"]) == (401, "KEY_UNKNOWN")
    listed = await agency.get("/api/locations", limit="500")
    assert location_id not in {each["location_id"] for each in listed.body["items"]}
    # Twice, the second time for what they told each other meanwhile.
    for name in SERVICES:
        asked = getattr(street, name).asked["DeleteLocation"]
        assert [each.location_id for each in asked] == [location_id] * 2


async def test_it_is_in_the_audit_log(kept, agency, client, location_id):
    await client.put(f"/api/locations/{location_id}", {"name": "Acme"})

    await agency.delete(f"/api/locations/{location_id}")

    entries = (await agency.get("/api/audit")).body["items"]
    about = [each["action"] for each in entries if each["subject"] == location_id]
    assert about == ["location.deleted", "location.changed"]


async def test_what_is_deleted_is_unknown_afterwards(kept, agency, location_id):
    await agency.put(f"/api/locations/{location_id}", {"name": "Acme"})

    first = await agency.delete(f"/api/locations/{location_id}")
    again = await agency.delete(f"/api/locations/{location_id}")

    assert first.status == 200
    assert (again.status, again.body["reason"]) == (404, "LOCATION_NOT_FOUND")


async def test_a_location_that_came_back_is_listed_again(kept, agency, street, location_id):
    street.notifier.answers("SendTestAlert", notifier_pb2.SendTestAlertResponse())
    await agency.put(f"/api/locations/{location_id}", {"name": "Acme"})
    await agency.delete(f"/api/locations/{location_id}")

    await agency.post("/api/alerts/test", location_id=location_id)

    listed = await agency.get("/api/locations", limit="500")
    assert location_id in {each["location_id"] for each in listed.body["items"]}


async def test_while_a_service_is_away_nothing_is_said_to_be_deleted(
    street, kept, agency, location_id
):
    await agency.put(f"/api/locations/{location_id}", {"name": "Acme"})
    street.notifier.answers("DeleteLocation", problems.Unavailable())

    failed = await agency.delete(f"/api/locations/{location_id}")
    gone_on = notifier_pb2.DeleteLocationResponse(deleted_count=3)
    street.notifier.answers("DeleteLocation", gone_on)
    done = await agency.delete(f"/api/locations/{location_id}")

    assert failed.status == 503
    assert (done.status, done.body["removed_rows"]["gateway"]) == (200, 1)


@pytest.mark.parametrize(
    ("scope", "own", "reason"),
    [
        (Scope.WRITE, False, "KEY_SCOPE_TOO_NARROW"),
        (Scope.ADMIN, True, "AGENCY_KEY_NEEDED"),
    ],
)
async def test_only_an_admin_of_the_agency_may(gateway, street, scope, own, reason):
    client = await gateway.client(scope, "loc-delete-me" if own else None)

    answer = await client.delete("/api/locations/loc-delete-me")

    assert (answer.status, answer.body["reason"]) == (403, reason)
    assert not street.ingestion.asked["DeleteLocation"]
