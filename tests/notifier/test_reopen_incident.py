import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    a_failing_event,
    act,
    deeds_of,
    refused_as,
    report,
    the_incident,
)


@pytest.fixture
async def incident(notifier):
    await report(notifier, a_failing_event())
    return await the_incident(notifier)


async def test_what_was_ended_by_mistake_goes_on(notifier, incident):
    await act(notifier, "Resolve", incident.incident_id, fix="Nothing.")

    now = await act(notifier, "Reopen", incident.incident_id, note="It was not over.")
    await report(notifier, a_failing_event())

    assert (now.status, now.fix, now.resolved_by) == (pb.INCIDENT_STATUS_OPEN, "", "")
    assert not now.HasField("resolved_at")
    assert (await the_incident(notifier)).event_count == 2
    assert (await deeds_of(notifier, incident.incident_id))[-1] == (
        "reopened",
        "Owner",
        "It was not over.",
    )


@pytest.mark.parametrize("quiet", [("Acknowledge", {}), ("Snooze", {"until_worse": True})])
async def test_an_acknowledgement_or_a_snooze_is_taken_back(notifier, incident, quiet):
    verb, more = quiet
    await act(notifier, verb, incident.incident_id, **more)

    now = await act(notifier, "Reopen", incident.incident_id)

    assert not now.HasField("acknowledged_at")
    assert not now.snoozed_until_worse
    assert await the_incident(notifier, needs_attention=True) == now


async def test_what_needs_attention_anyway_stays_as_it_is(notifier, incident):
    now = await act(notifier, "Reopen", incident.incident_id)

    assert now == incident
    assert await deeds_of(notifier, incident.incident_id) == []


async def test_while_a_later_one_of_its_kind_is_open_it_stays_over(notifier, incident):
    await act(notifier, "Resolve", incident.incident_id)
    await report(notifier, a_failing_event())

    with refused_as("INCIDENT_OPEN_AGAIN"):
        await act(notifier, "Reopen", incident.incident_id)


async def test_somebody_must_do_it_in_the_right_location(notifier, incident):
    with refused_as("ACTOR_MISSING"):
        await act(notifier, "Reopen", incident.incident_id, actor="")
    with refused_as("INCIDENT_NOT_FOUND"):
        await act(notifier, "Reopen", incident.incident_id, location_id="loc-2")
