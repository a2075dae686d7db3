import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    a_failing_event,
    a_recovery,
    act,
    deeds_of,
    incidents_of,
    refused_as,
    report,
    the_incident,
)


@pytest.fixture
async def incident(notifier):
    await report(notifier, a_failing_event())
    return await the_incident(notifier)


async def test_the_first_who_looks_after_it_stays(notifier, incident):
    first = await act(notifier, "Acknowledge", incident.incident_id, actor="First", note="Mine.")
    second = await act(notifier, "Acknowledge", incident.incident_id, actor="Second")

    assert first.HasField("acknowledged_at")
    assert (first.acknowledged_by, second.acknowledged_by) == ("First", "First")
    assert second.acknowledged_at == first.acknowledged_at
    assert await deeds_of(notifier, incident.incident_id) == [("acknowledged", "First", "Mine.")]


async def test_it_stays_open_and_needs_no_attention(notifier, incident):
    before = await incidents_of(notifier, needs_attention=True)

    now = await act(notifier, "Acknowledge", incident.incident_id)

    assert [each.incident_id for each in before] == [incident.incident_id]
    assert now.status == pb.INCIDENT_STATUS_OPEN
    assert not await incidents_of(notifier, needs_attention=True)


async def test_what_is_over_needs_nobody(notifier, incident):
    await report(notifier, a_recovery())

    with refused_as("INCIDENT_OVER"):
        await act(notifier, "Acknowledge", incident.incident_id)


async def test_somebody_must_do_it_in_the_right_location(notifier, incident):
    with refused_as("ACTOR_MISSING"):
        await act(notifier, "Acknowledge", incident.incident_id, actor=" ")
    with refused_as("INCIDENT_NOT_FOUND"):
        await act(notifier, "Acknowledge", incident.incident_id, location_id="loc-2")
