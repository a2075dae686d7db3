from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    SECONDS,
    a_completed_scan,
    a_failing_event,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
)
from tests.support.waiting import eventually


async def delivered(notifier):
    deliveries = await deliveries_of(notifier)
    assert all(each.status == pb.DELIVERY_STATUS_DELIVERED for each in deliveries)
    return deliveries


async def test_a_delivery_tells_what_became_of_it(notifier):
    await configure(notifier, alert_email=EMAIL)
    event = a_failing_event()
    await report(notifier, event)

    (delivery,) = await eventually(lambda: delivered(notifier))

    (incident,) = await incidents_of(notifier)
    assert delivery.incident_id == incident.incident_id
    assert delivery.event_id == event.event_id
    assert (delivery.channel, delivery.target) == ("email", "o…@agency.example")
    assert (delivery.occasion, delivery.attempts) == ("opened", 1)
    assert delivery.subject == "[CRITICAL] Lead follow-up failed 3× in 24 h"
    assert delivery.HasField("delivered_at")
    assert not delivery.HasField("next_attempt_at")
    assert (delivery.last_error, delivery.suppressed_because) == ("", "")


async def test_deliveries_can_be_told_by_incident_and_a_summary_has_none(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event("wf-1"))
    await report(notifier, a_failing_event("wf-2"))
    await report(notifier, a_completed_scan())
    newest, _ = await incidents_of(notifier)

    of_incident = await deliveries_of(notifier, incident_id=newest.incident_id)
    summary = (await deliveries_of(notifier))[0]

    assert [each.incident_id for each in of_incident] == [newest.incident_id]
    assert (summary.occasion, summary.incident_id) == ("summary", "")
    assert not await deliveries_of(notifier, incident_id="another")


async def test_pages_hold_every_delivery_once_newest_first(notifier):
    await report(notifier, *(a_failing_event(f"wf-{number}") for number in range(5)))

    seen, token = [], ""
    while True:
        request = pb.ListDeliveriesRequest(location_id="loc-1", page_size=2, page_token=token)
        page = await notifier.ListDeliveries(request, timeout=SECONDS)
        seen += [each.subject for each in page.deliveries]
        token = page.next_page_token
        if not token:
            break

    assert len(seen) == len(await deliveries_of(notifier)) == 5


async def test_requests_that_cannot_be_answered_are_refused(notifier):
    with refused_as("LOCATION_MISSING"):
        await deliveries_of(notifier, "")
    with refused_as("PAGE_SIZE_NEGATIVE"):
        await deliveries_of(notifier, page_size=-1)
    with refused_as("PAGE_TOKEN_WRONG"):
        await deliveries_of(notifier, page_token="nonsense")


async def test_deliveries_of_another_location_are_not_seen(notifier):
    await report(notifier, a_failing_event(location_id="loc-2"))

    assert not await deliveries_of(notifier)
    assert await deliveries_of(notifier, "loc-2")
