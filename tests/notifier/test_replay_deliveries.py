from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from tests.notifier.builders import (
    EMAIL,
    SECONDS,
    a_failing_event,
    a_recovery,
    caught,
    deliveries_of,
    refused_as,
    report,
)
from tests.notifier.targets import add_target, change_target, delete_target
from tests.support.database_clock import set_clock
from tests.support.smtp import Stage
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


async def replay(notifier, *delivery_ids, location_id="loc-1", begin=None, **more):
    request = pb.ReplayDeliveriesRequest(location_id=location_id, delivery_ids=delivery_ids, **more)
    if begin:
        getattr(request, "from").CopyFrom(timestamp(begin))
    return (await notifier.ReplayDeliveries(request, timeout=SECONDS)).replayed_count


async def ended(notifier, status, number):
    async def so_many():
        found = await deliveries_of(notifier, status=status)
        return list(reversed(found)) if len(found) == number else None

    return await eventually(so_many)


@pytest.fixture
async def given_up(delivering, delivering_url, mailbox):
    """Three mails that were refused, a minute apart; gives their deliveries, oldest first."""
    target = (await add_target(delivering, "email", EMAIL)).target
    mailbox.answer_next("550 5.1.1 Unknown", times=3, at=Stage.RECIPIENT)
    for number in range(3):
        set_clock(delivering_url, NOON + timedelta(minutes=number))
        await report(delivering, a_failing_event(f"wf-{number}"))
        await ended(delivering, pb.DELIVERY_STATUS_FAILED, number + 1)
    found = await deliveries_of(delivering)
    assert {each.target_id for each in found} == {target.target_id}
    return list(reversed(found))


async def test_one_that_was_given_up_is_sent_again_with_the_same_id(delivering, mailbox, given_up):
    dead = given_up[0]

    assert await replay(delivering, dead.delivery_id) == 1

    (mail,) = await eventually(lambda: mailbox.mails)
    assert mail.message["Message-ID"] == f"<{dead.message_id}@agency.example>"
    (delivered,) = await ended(delivering, pb.DELIVERY_STATUS_DELIVERED, 1)
    assert (delivered.delivery_id, delivered.attempts) == (dead.delivery_id, 1)


async def test_what_was_delivered_is_sent_again_only_if_forced(delivering, mailbox, given_up):
    delivery_id = given_up[0].delivery_id
    await replay(delivering, delivery_id)
    await ended(delivering, pb.DELIVERY_STATUS_DELIVERED, 1)

    with refused_as("DELIVERY_DELIVERED"):
        await replay(delivering, delivery_id)
    with refused_as("DELIVERY_DELIVERED"):
        await replay(delivering, delivery_id, given_up[1].delivery_id)
    assert len(mailbox.mails) == 1

    assert await replay(delivering, delivery_id, force=True) == 1
    await eventually(lambda: len(mailbox.mails) == 2)
    first, again = mailbox.mails
    assert first.message.as_bytes() == again.message.as_bytes()


async def test_a_span_of_time_is_sent_again_in_order(delivering, mailbox, given_up):
    begin, end = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2, seconds=1)

    assert await replay(delivering, begin=begin, to=timestamp(end)) == 2

    await ended(delivering, pb.DELIVERY_STATUS_DELIVERED, 2)
    told = [each.message["Message-ID"] for each in mailbox.mails]
    assert told == [f"<{each.message_id}@agency.example>" for each in given_up[1:]]
    assert await replay(delivering, begin=NOON) == 1
    await ended(delivering, pb.DELIVERY_STATUS_DELIVERED, 3)
    assert await replay(delivering, begin=NOON) == 0
    assert await replay(delivering, begin=NOON, force=True, target_id="another") == 0


async def test_what_is_over_by_now_is_told_to_be_over_once(delivering, mailbox, given_up):
    await report(delivering, a_recovery("wf-0"))
    delivery_id = given_up[0].delivery_id

    await replay(delivering, delivery_id)

    await ended(delivering, pb.DELIVERY_STATUS_DELIVERED, 2)
    subjects = [each.message["Subject"].partition("]")[0] for each in mailbox.mails]
    assert subjects == ["[CRITICAL", "[RESOLVED"]
    await replay(delivering, delivery_id, force=True)
    await eventually(lambda: len(mailbox.mails) == 3)
    assert len(await deliveries_of(delivering)) == 4


async def test_what_waits_anyway_is_left_alone(delivering, given_up, mailbox):
    await mailbox.refuse_connections()
    first = given_up[0].delivery_id

    assert await replay(delivering, first) == 1
    assert await replay(delivering, first) == 0
    await mailbox.start()


async def test_nothing_is_sent_to_whom_it_cannot_be(delivering, given_up):
    delivery_id, target_id = given_up[0].delivery_id, given_up[0].target_id
    await change_target(delivering, target_id, enabled=False)
    with refused_as("TARGET_SWITCHED_OFF"):
        await replay(delivering, delivery_id)
    assert await replay(delivering, begin=NOON) == 0

    await delete_target(delivering, target_id)
    with refused_as("DELIVERY_NOT_SENDABLE"):
        await replay(delivering, delivery_id)


async def test_what_was_never_meant_to_be_sent_is_not(notifier):
    await report(notifier, a_failing_event())
    (delivery,) = await deliveries_of(notifier)
    assert delivery.suppressed_because == "no_target"

    with refused_as("DELIVERY_NOT_SENDABLE"):
        await replay(notifier, delivery.delivery_id)
    assert not await caught(notifier)


async def test_which_ones_must_be_said_one_way_or_the_other(delivering, given_up):
    with refused_as("NOTHING_TO_REPLAY"):
        await replay(delivering)
    with refused_as("NOTHING_TO_REPLAY"):
        await replay(delivering, given_up[0].delivery_id, begin=NOON)
    with refused_as("NOTHING_TO_REPLAY"):
        await replay(delivering, *(f"d-{number}" for number in range(501)))
    with refused_as("DELIVERY_NOT_FOUND"):
        await replay(delivering, "nobody")
    with refused_as("DELIVERY_NOT_FOUND"):
        await replay(delivering, given_up[0].delivery_id, location_id="loc-2")
