import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import EMAIL, NOBODY, a_failing_event, configure, refused_as, report
from tests.notifier.targets import add_target, targets_of, the_target
from tests.support.waiting import eventually


async def test_the_addresses_of_the_settings_are_targets_and_come_first(notifier):
    await add_target(notifier, "email", "night@agency.example", name="Night shift")
    await configure(notifier, webhook_url=NOBODY, alert_email=EMAIL)

    found = await targets_of(notifier)

    assert [(each.origin, each.channel) for each in found] == [
        ("settings", "email"),
        ("settings", "webhook"),
        ("api", "email"),
    ]
    assert [each.address for each in found] == [
        EMAIL,
        "http://127.0.0.1:1/…cret",
        "night@agency.example",
    ]
    assert all(each.enabled and each.created_at.seconds for each in found)
    assert not any(each.HasField("verified_at") for each in found)


async def test_a_location_without_targets_has_an_empty_list(notifier):
    assert not await targets_of(notifier)
    with refused_as("LOCATION_MISSING"):
        await targets_of(notifier, "")


async def test_targets_of_another_location_are_not_shown(notifier):
    await add_target(notifier, "email", EMAIL, "loc-2")

    assert not await targets_of(notifier)


@pytest.mark.parametrize(("status", "failures"), [(200, 0), (503, 1)])
async def test_the_list_tells_how_a_target_has_been(delivering, hook, status, failures):
    await add_target(delivering, "webhook", hook.url)
    hook.answer_next(status)
    await report(delivering, a_failing_event())

    async def tried():
        target = await the_target(delivering)
        return target if target.failures or target.HasField("last_delivered_at") else None

    target = await eventually(tried)

    assert target.failures == failures
    assert target.HasField("failing_since") == bool(failures)
    assert target.last_error == ("HTTP 503" if failures else "")
    assert target.severity_floor == pb.SEVERITY_INFO
