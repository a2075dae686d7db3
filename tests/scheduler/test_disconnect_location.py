"""Forgets a location's token."""

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, refusal, scanned, sql
from tests.scheduler.knowing import connected, connection, has, snapshots, workflow
from tests.support.waiting import eventually


async def disconnect(stub, location=LOCATION, actor="") -> None:
    request = pb.DisconnectLocationRequest(location_id=location, actor=actor)
    await stub.DisconnectLocation(request, timeout=SECONDS)


async def test_the_token_is_forgotten_and_what_was_learned_stays(scheduler, ghl, url):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl)
    await scanned(scheduler)
    calls = len(ghl.calls)

    await disconnect(scheduler)

    assert (await refusal(connection(scheduler))).reason == "CONNECTION_NOT_FOUND"
    assert await sql(url, "SELECT 1 FROM ghl_connections") == []
    assert [each.workflow_id for each in await snapshots(scheduler)] == ["wf-1"]
    done = await scanned(scheduler)
    assert (done.partial, done.workflows_scanned, len(ghl.calls)) == (False, 1, calls)


async def test_that_an_expired_connection_was_removed_is_told(scheduler, ghl, notifier):
    has(ghl, workflow("wf-1"))
    token = await connected(scheduler, ghl)
    del ghl.agency.tokens[token]
    await scanned(scheduler)

    await disconnect(scheduler, actor="Owner")

    [told] = await eventually(lambda: notifier.told("connection_removed"))
    assert (told.location_id, told.connection_removed.removed_by) == (LOCATION, "Owner")
    kinds = [each.WhichOneof("detail") for each in notifier.events.values()]
    assert kinds.index("connection_expired") < kinds.index("connection_removed")


async def test_that_a_connection_was_removed_that_works_is_no_news(scheduler, ghl, url):
    await connected(scheduler, ghl)

    await disconnect(scheduler)

    assert await sql(url, "SELECT 1 FROM outbox") == []


async def test_what_is_not_connected_cannot_be_disconnected(scheduler):
    assert (await refusal(disconnect(scheduler))).reason == "CONNECTION_NOT_FOUND"


async def test_a_location_must_be_named(lasting_scheduler):
    assert (await refusal(disconnect(lasting_scheduler, ""))).reason == "LOCATION_MISSING"
