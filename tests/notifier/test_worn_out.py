"""A target that takes nothing for five days is switched off, and gets what it missed later."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_notifier,
    caught,
    deliveries_of,
    report,
)
from tests.notifier.targets import add_target, enable_target, targets_of
from tests.support.database_clock import set_clock
from tests.support.receivers import Answer, Receiver, receiver
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


class Sick(Receiver):
    """Takes nothing while `down`."""

    down = True

    def _usual(self):
        return Answer(503 if self.down else 200)


@pytest.fixture
async def sick():
    async with receiver(kind=Sick) as made:
        yield made


@pytest.fixture
async def worn(database_url, sick):
    """A notifier with a webhook at the sick receiver, and a mailbox that hears only news."""
    set_clock(database_url, NOON)
    async with a_notifier(database_url, egress_allow=["127.0.0.1"]) as notifier:
        await add_target(notifier, "webhook", sick.url)
        await add_target(notifier, "email", EMAIL, occasions=["opened"])
        yield notifier


async def the_webhook(notifier):
    (found,) = [each for each in await targets_of(notifier) if each.channel == "webhook"]
    return found


async def webhooks_of(notifier):
    """Gives what was to be sent to the webhook, oldest first."""
    found = await deliveries_of(notifier)
    return [each for each in reversed(found) if each.channel == "webhook"]


async def days_later(notifier, url, days):
    """Lets so many days since the beginning have passed, and something new be told."""
    set_clock(url, NOON + timedelta(days=days))
    await report(notifier, a_completed_scan(f"scan-{days:g}"))


async def fails_after(notifier, url, days):
    # Read first: once the clock has moved, what waits may be tried at any time.
    before = (await the_webhook(notifier)).failures
    await days_later(notifier, url, days)

    async def failed_again():
        target = await the_webhook(notifier)
        return not target.enabled or target.failures > before

    await eventually(failed_again)


async def switched_off_notices(notifier):
    return [each.subject for each in await caught(notifier) if "switched off" in each.subject]


async def test_five_days_of_failures_switch_it_off_once_and_what_it_missed_comes_in_order(
    worn, database_url, sick
):
    for half in range(10):
        await fails_after(worn, database_url, half / 2)
    assert (await the_webhook(worn)).enabled

    await fails_after(worn, database_url, 5)
    await eventually(lambda: switched_off(worn))
    await report(worn, *(a_completed_scan(f"missed-{number}") for number in range(3)))

    told = await eventually(lambda: switched_off_notices(worn))
    assert len(told) == 1
    missed = await webhooks_of(worn)
    assert len(missed) == 14
    assert not any(each.status == pb.DELIVERY_STATUS_PENDING for each in missed)
    await comes_in_order(worn, sick, missed)
    assert await switched_off_notices(worn) == told


async def switched_off(notifier):
    return not (await the_webhook(notifier)).enabled


async def comes_in_order(notifier, sick, missed):
    tried = {each.headers["webhook-id"]: each.body for each in sick.requests}
    sick.down = False
    sick.requests.clear()

    target_id = (await the_webhook(notifier)).target_id
    answer = await enable_target(notifier, target_id, replay=True)
    await eventually(lambda: len(sick.requests) == len(missed))

    assert answer.replayed_count == len(missed)
    assert [scan_in(each) for each in sick.requests] == [
        *(f"scan-{half / 2:g}" for half in range(11)),
        *(f"missed-{number}" for number in range(3)),
    ]
    assert [each.headers["webhook-id"] for each in sick.requests] == [
        each.delivery_id for each in missed
    ]
    for each in sick.requests:
        assert tried.get(each.headers["webhook-id"], each.body) == each.body


def scan_in(request):
    return json.loads(request.body)["data"]["detail"]["scan_id"]


async def test_a_success_in_between_begins_the_five_days_anew(worn, database_url, sick):
    for half in range(9):
        await fails_after(worn, database_url, half / 2)
    sick.down = False
    await days_later(worn, database_url, 4.5)
    await eventually(lambda: works(worn))
    sick.down = True

    for half in range(10, 19):
        await fails_after(worn, database_url, half / 2)

    assert (await the_webhook(worn)).enabled
    assert not await switched_off_notices(worn)


async def failed(notifier, times):
    return (await the_webhook(notifier)).failures == times


async def works(notifier):
    target = await the_webhook(notifier)
    return target.failures == 0 and target.HasField("last_delivered_at")


async def test_a_target_that_had_nothing_to_take_after_a_failure_stays_on(worn, database_url, sick):
    sick.answer_next(*[400] * 4)
    await fails_after(worn, database_url, 0)
    for hours in (1, 2, 3):
        set_clock(database_url, NOON + timedelta(hours=hours))
        await report(worn, a_completed_scan("", location_id="loc-elsewhere"))
        await eventually(lambda hours=hours: failed(worn, hours + 1))

    await fails_after(worn, database_url, 9)

    target = await the_webhook(worn)
    assert (target.enabled, target.failures) == (True, 5)
    assert not await switched_off_notices(worn)
