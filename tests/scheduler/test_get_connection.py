"""Says how a location is connected, and what its token may not read."""

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, refusal, scanned
from tests.scheduler.knowing import connected, connection, has, workflow
from tests.support.ghl_state import LOCATION_SCOPES


async def test_what_the_token_may_not_read_is_told_with_what_to_do(scheduler, ghl):
    has(ghl, workflow("wf-1"), api=False)
    await connected(scheduler, ghl, scopes=LOCATION_SCOPES - {"locations/tags.readonly"})

    await scanned(scheduler)

    found = await connection(scheduler)
    assert [(each.resource, each.code) for each in found.unreadable] == [
        ("workflow definitions", "WORKFLOW_API_NOT_ENABLED_FOR_LOCATION")
    ]
    assert "has not switched its workflow API on" in found.unreadable[0].message


async def test_every_list_that_is_refused_is_told(scheduler, ghl):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl, scopes={"workflows.readonly", "locations/tags.readonly"})

    await scanned(scheduler)

    found = (await connection(scheduler)).unreadable
    assert {each.resource for each in found} == {
        "forms",
        "calendars",
        "pipelines",
        "templates",
        "custom fields",
        "custom values",
        "location",
    }
    assert {each.code for each in found} == {"SCOPE_MISSING"}


async def test_an_expired_connection_says_why_and_since_when(scheduler, ghl):
    token = await connected(scheduler, ghl)
    before = await connection(scheduler)
    del ghl.agency.tokens[token]

    await scanned(scheduler)

    found = await connection(scheduler)
    assert found.status == pb.CONNECTION_STATUS_EXPIRED
    assert found.status_since.ToNanoseconds() > before.status_since.ToNanoseconds()
    assert "connect the location again" in found.error
    assert (found.location_id, found.last_read_at) == (LOCATION, before.last_read_at)


async def test_without_a_connection_there_is_none(scheduler):
    assert (await refusal(connection(scheduler))).reason == "CONNECTION_NOT_FOUND"


async def test_a_location_must_be_named(lasting_scheduler):
    assert (await refusal(connection(lasting_scheduler, ""))).reason == "LOCATION_MISSING"
