"""A location is deleted with all that was told about it."""

import asyncio

from structlog.testing import capture_logs

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.db.database import Database
from services.notifier.actions.removing import Removing
from services.notifier.store.tables import NotifierTable
from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
    settings_of,
    story_of,
    webhooks_to,
)
from tests.support.everything import GONE, STAYING, fill, traces
from tests.support.receivers import Receiver, receiver
from tests.support.waiting import eventually

OF_NO_LOCATION = frozenset({"channel_holds"})


async def delete(notifier, location="loc-1"):
    request = pb.DeleteLocationRequest(location_id=location)
    return (await notifier.DeleteLocation(request, timeout=10)).deleted_count


async def delivered(notifier, location):
    found = await deliveries_of(notifier, location)
    return any(each.status == pb.DELIVERY_STATUS_DELIVERED for each in found)


async def test_nothing_is_left_in_any_table_and_others_keep_every_row(database_url):
    fill(database_url, NotifierTable.metadata, but=OF_NO_LOCATION)
    there, others = traces(database_url, GONE), traces(database_url, STAYING)

    async with Database.open(database_url, name="test") as database:
        removed = await Removing(database).remove(GONE)
        again = await Removing(database).remove(GONE)

    assert (removed, again) == (len(there), 0)
    assert removed == len(NotifierTable.metadata.tables) - len(OF_NO_LOCATION)
    assert traces(database_url, GONE) == {}
    assert traces(database_url, STAYING) == others


async def test_what_was_told_is_gone_and_another_location_is_told_as_before(notifier):
    async def all_told():
        return len(await caught(notifier)) == 2

    for location in ("loc-1", "loc-2"):
        await configure(notifier, location, failure_threshold=7, alert_email=EMAIL)
        await report(notifier, a_failing_event(location_id=location))
    await eventually(all_told)

    assert await delete(notifier) > 4

    assert (await settings_of(notifier)).failure_threshold == 3
    assert (await settings_of(notifier, "loc-2")).failure_threshold == 7
    for listed in (incidents_of, deliveries_of, caught):
        assert not await listed(notifier, "loc-1")
        assert await listed(notifier, "loc-2")


class Waiting(Receiver):
    """Answers what is sent to `/slow` once it may."""

    def __init__(self, scheme):
        super().__init__(scheme)
        self.may_answer = asyncio.Event()
        self.asked = ""

    async def receive(self, request):
        # Notifiers of other tests may still try a port that was theirs.
        if request.path == "/slow":
            self.asked = request.headers["webhook-id"]
            await self.may_answer.wait()
        return await super().receive(request)


async def test_an_attempt_that_is_under_way_writes_nothing_more(start, database_url):
    async with receiver(kind=Waiting) as hook:
        notifier = await start(**webhooks_to(hook))
        await configure(notifier, webhook_url=f"{hook.url}slow")
        await report(notifier, a_failing_event())
        message_id = await eventually(lambda: hook.asked)

        assert await delete(notifier) > 0
        with capture_logs() as lines:
            hook.may_answer.set()
            await eventually(
                lambda: (
                    [each["event"] for each in lines if each.get("message_id") == message_id]
                    == ["delivery.overtaken"]
                )
            )

    assert traces(database_url, "loc-1") == {}


async def test_what_the_installation_was_told_of_it_alone_is_gone_too(notifier, notifier_url):
    await configure(notifier, installation=True, alert_email=EMAIL)
    for location in ("loc-1", "loc-2"):
        await report(notifier, a_failing_event(location_id=location))
        await eventually(lambda location=location: delivered(notifier, location))

    await delete(notifier)

    left = {each.split(":")[0] for each in traces(notifier_url, "loc-1")}
    assert left <= {"caught_mail"}
    assert "messages" in {each.split(":")[0] for each in traces(notifier_url, "loc-2")}


async def test_an_error_of_many_locations_is_over_when_they_are_gone(notifier):
    locations = [f"loc-{number}" for number in range(4)]
    for location in locations:
        event = a_failing_event(location_id=location)
        event.workflow_failing.error_fingerprint = "fp-1"
        await report(notifier, event)

    async def the_spread(status):
        request = pb.ListIncidentsRequest(installation=True, status=status)
        return list((await notifier.ListIncidents(request, timeout=10)).incidents)

    async def joined():
        found = await the_spread(pb.INCIDENT_STATUS_OPEN)
        return found and len((await story_of(notifier, found[0].incident_id, "")).affected) == 4

    await eventually(joined)
    for location in locations:
        await delete(notifier, location)

    await eventually(lambda: the_spread(pb.INCIDENT_STATUS_RESOLVED))


async def test_deleting_what_is_not_there_does_nothing(notifier):
    assert await delete(notifier, "loc-unknown") == 0


async def test_a_location_must_be_named(notifier):
    with refused_as("LOCATION_MISSING"):
        await delete(notifier, "")
