from libs.rpc.times import datetime_from
from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    act,
    configure,
    deliveries_of,
    refused_as,
    report,
    story_of,
    the_incident,
)
from tests.support.waiting import eventually


async def test_the_story_tells_events_messages_attempts_and_deeds_newest_first(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(new_failures=3))
    incident = await the_incident(notifier)

    async def attempted():
        story = await story_of(notifier, incident.incident_id)
        return [each for each in story.timeline if each.HasField("attempt")]

    await eventually(attempted)
    await report(notifier, a_failing_event())
    await act(notifier, "Annotate", incident.incident_id, note="Looking into it.")

    story = await story_of(notifier, incident.incident_id)

    times = [datetime_from(each.at, "at") for each in story.timeline]
    assert times == sorted(times, reverse=True)
    sorts = [each.WhichOneof("entry") for each in story.timeline]
    assert sorted(sorts) == ["action", "attempt", "delivery", "event", "event"]
    assert sorts[0] == "action"
    (delivery,) = [each.delivery for each in story.timeline if each.HasField("delivery")]
    (attempt,) = [each.attempt for each in story.timeline if each.HasField("attempt")]
    assert (attempt.delivery_id, attempt.verdict) == (delivery.delivery_id, "delivered")
    assert story.incident.event_count == 2
    assert {each.event.kind for each in story.timeline if each.HasField("event")} == {
        "workflow_failing"
    }


async def test_what_was_not_sent_is_in_the_story_with_its_reason(notifier):
    await report(notifier, a_failing_event())

    story = await story_of(notifier, (await the_incident(notifier)).incident_id)

    (delivery,) = [each.delivery for each in story.timeline if each.HasField("delivery")]
    assert delivery.suppressed_because == "no_target"
    assert [each.delivery_id for each in await deliveries_of(notifier)] == [delivery.delivery_id]


async def test_an_incident_of_another_location_is_not_found(notifier):
    await report(notifier, a_failing_event(location_id="loc-2"))
    incident = await the_incident(notifier, "loc-2")

    with refused_as("INCIDENT_NOT_FOUND"):
        await story_of(notifier, incident.incident_id, "loc-1")
    with refused_as("INCIDENT_NOT_FOUND"):
        await story_of(notifier, "")
