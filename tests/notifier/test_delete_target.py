from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    a_failing_event,
    deliveries_of,
    refused_as,
    report,
)
from tests.notifier.targets import add_target, change_target, delete_target, targets_of, the_target


async def test_what_waits_for_a_deleted_target_is_not_sent_and_stays_in_the_log(delivering):
    target_id = (await add_target(delivering, "webhook", NOBODY)).target.target_id
    await report(delivering, a_failing_event())

    await delete_target(delivering, target_id)

    (delivery,) = await deliveries_of(delivering)
    assert delivery.status == pb.DELIVERY_STATUS_SUPPRESSED
    assert delivery.suppressed_because == "target_removed"
    assert not await targets_of(delivering)


async def test_whom_a_deleted_target_stood_in_for_has_no_fallback_any_more(notifier):
    fallback = (await add_target(notifier, "email", EMAIL)).target.target_id
    first = await add_target(notifier, "webhook", NOBODY, fallback_target_id=fallback)
    assert first.target.fallback_target_id == fallback

    await delete_target(notifier, fallback)

    assert (await the_target(notifier)).fallback_target_id == ""


async def test_a_target_of_another_location_or_none_is_not_deleted(notifier):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id

    for which in ((target_id, "loc-2"), ("nobody", "loc-1"), ("", "loc-1")):
        with refused_as("TARGET_NOT_FOUND"):
            await delete_target(notifier, *which)

    await delete_target(notifier, target_id)
    with refused_as("TARGET_NOT_FOUND"):
        await change_target(notifier, target_id, name="x")
