from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    SECONDS,
    a_completed_scan,
    a_failing_event,
    deliveries_of,
    refused_as,
    report,
)
from tests.notifier.targets import add_target
from tests.support.database_clock import set_clock
from tests.support.receivers import Answer
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


async def get_delivery(notifier, delivery_id, location_id="loc-1"):
    request = pb.GetDeliveryRequest(location_id=location_id, delivery_id=delivery_id)
    return await notifier.GetDelivery(request, timeout=SECONDS)


async def test_a_dead_letter_tells_its_last_code_what_was_said_and_every_attempt(
    delivering, delivering_url, hook
):
    set_clock(delivering_url, NOON)
    target_id = (await add_target(delivering, "webhook", hook.url)).target.target_id
    hook.answer_next(*[Answer(404, body=[b"no such hook"])] * 4)
    await report(delivering, a_failing_event())
    for number, seconds in enumerate((12, 60, 300), start=1):

        async def tried(number=number):
            return (await deliveries_of(delivering))[0].attempts == number

        await eventually(tried)
        set_clock(delivering_url, NOON + timedelta(seconds=seconds))
        await report(delivering, a_completed_scan(scan_id="", location_id="loc-2"))

    async def given_up():
        return await deliveries_of(delivering, status=pb.DELIVERY_STATUS_FAILED)

    (dead,) = await eventually(given_up)
    found = await get_delivery(delivering, dead.delivery_id)

    assert found.delivery == dead
    assert (dead.last_code, dead.last_error) == (404, "HTTP 404: no such hook")
    assert (dead.attempts, dead.target_id) == (4, target_id)
    told = [(each.code, each.verdict, each.detail) for each in found.attempts]
    assert told == [(404, "doubtful", "HTTP 404: no such hook")] * 4
    times = [each.ended_at.ToDatetime(UTC) for each in found.attempts]
    assert times == [NOON + timedelta(seconds=each) for each in (0, 12, 60, 300)]


async def test_a_delivery_that_arrived_has_the_code_of_its_success(delivering, hook):
    await add_target(delivering, "webhook", hook.url)
    await report(delivering, a_failing_event())

    async def delivered():
        return await deliveries_of(delivering, status=pb.DELIVERY_STATUS_DELIVERED)

    (delivery,) = await eventually(delivered)
    found = await get_delivery(delivering, delivery.delivery_id)

    assert (found.delivery.last_code, [each.code for each in found.attempts]) == (200, [200])


async def test_deliveries_can_be_listed_by_target_and_by_what_became_of_them(delivering, hook):
    first = (await add_target(delivering, "webhook", hook.url)).target.target_id
    second = await add_target(delivering, "webhook", hook.url, enabled=False)
    await report(delivering, a_failing_event())

    suppressed = await deliveries_of(delivering, status=pb.DELIVERY_STATUS_SUPPRESSED)
    of_first = await deliveries_of(delivering, target_id=first)

    assert [each.target_id for each in suppressed] == [second.target.target_id]
    assert [each.target_id for each in of_first] == [first]
    assert not await deliveries_of(delivering, status=pb.DELIVERY_STATUS_FAILED)


@pytest.mark.parametrize("which", [("nobody", "loc-1"), ("", "loc-1")])
async def test_a_delivery_that_is_not_there_is_not_found(notifier, which):
    with refused_as("DELIVERY_NOT_FOUND"):
        await get_delivery(notifier, *which)


async def test_a_delivery_of_another_location_is_not_found(notifier):
    await report(notifier, a_failing_event())
    (delivery,) = await deliveries_of(notifier)

    with refused_as("DELIVERY_NOT_FOUND"):
        await get_delivery(notifier, delivery.delivery_id, "loc-2")
