import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    a_failing_event,
    a_recovery,
    act,
    caught,
    configure,
    deeds_of,
    deliveries_of,
    refused_as,
    report,
    story_of,
    the_incident,
)
from tests.support.waiting import eventually


@pytest.fixture
async def incident(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await eventually(lambda: caught(notifier))
    return await the_incident(notifier)


async def resolve(notifier, incident, **said):
    return await act(notifier, "Resolve", incident.incident_id, **said)


async def test_who_was_told_that_it_began_is_told_that_somebody_ended_it(notifier, incident):
    await configure(notifier, webhook_url=NOBODY)  # was not told

    now = await resolve(notifier, incident, cause="A wrong number.", fix="Corrected it.")

    assert (now.status, now.resolved_by) == (pb.INCIDENT_STATUS_RESOLVED, "Owner")
    assert (now.cause, now.fix) == ("A wrong number.", "Corrected it.")

    async def two():
        found = await caught(notifier)
        return found if len(found) == 2 else None

    mail, _ = await eventually(two)
    assert mail.subject == "[RESOLVED] Ended by Owner: Lead follow-up failed 3× in 24 h"
    assert "What helped: Corrected it." in mail.text
    over, began = await deliveries_of(notifier)
    assert (over.occasion, over.channel, over.event_id) == ("resolved", "email", "")
    assert began.occasion == "opened"


async def test_the_next_alert_of_the_same_kind_carries_what_helped(notifier, incident):
    await resolve(notifier, incident, cause="A wrong number.", fix="Corrected it.")

    await report(notifier, a_failing_event())

    async def three():
        found = await caught(notifier)
        return found if len(found) == 3 else None

    again, _, first = await eventually(three)
    assert "What helped last time: Corrected it." in again.text
    assert "What helped last time" not in first.text
    story = await story_of(notifier, (await open_again(notifier)).incident_id)
    assert [each.fix for each in story.earlier_fixes] == ["Corrected it."]


async def open_again(notifier):
    request = pb.ListIncidentsRequest(location_id="loc-1", status=pb.INCIDENT_STATUS_OPEN)
    found = (await notifier.ListIncidents(request)).incidents
    return next(each for each in found if each.workflow_id == "wf-1")


async def test_what_is_over_stays_over_and_what_helped_can_be_told_later(notifier, incident):
    await report(notifier, a_recovery())

    later = await resolve(notifier, incident, fix="Waited.")
    again = await resolve(notifier, incident, fix="Waited.")

    assert (later.fix, later.resolved_by) == ("Waited.", "")
    assert again == later
    assert await deeds_of(notifier, incident.incident_id) == [("resolved", "Owner", "Waited.")]
    assert [each.occasion for each in await deliveries_of(notifier)].count("resolved") == 1


async def test_somebody_must_do_it_in_the_right_location(notifier, incident):
    with refused_as("ACTOR_MISSING"):
        await resolve(notifier, incident, actor="")
    with refused_as("INCIDENT_NOT_FOUND"):
        await resolve(notifier, incident, location_id="loc-2")
