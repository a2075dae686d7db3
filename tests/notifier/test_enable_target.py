import json
from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_failing_event,
    a_recovery,
    configure,
    deliveries_of,
    refused_as,
    report,
    smtp,
)
from tests.notifier.targets import add_target, enable_target, the_target
from tests.support.database_clock import set_clock
from tests.support.smtp import mail_server
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def gone(delivering, delivering_url, hook):
    """A target that answered 410 to an alert, and then missed three; gives its id."""
    set_clock(delivering_url, NOON)
    target_id = (await add_target(delivering, "webhook", hook.url)).target.target_id
    hook.answer_next(410)
    await report(delivering, a_failing_event("wf-0"))

    async def switched_off():
        return not (await the_target(delivering)).enabled

    await eventually(switched_off)
    for number in range(1, 4):
        await report(delivering, a_failing_event(f"wf-{number}"))
    return target_id


def workflows_in(request):
    told = json.loads(request.body)["data"]
    return [each["data"]["workflow"]["id"] for each in told["items"] or [{"data": told}]]


async def test_what_a_target_missed_is_sent_in_order_with_the_same_ids(delivering, hook, gone):
    before = {each.delivery_id for each in await deliveries_of(delivering)}

    answer = await enable_target(delivering, gone, replay=True)

    assert (answer.target.enabled, answer.replayed_count) == (True, 4)
    await eventually(lambda: len(hook.requests) == 3)
    first, again, missed = hook.requests
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert workflows_in(missed) == ["wf-1", "wf-2", "wf-3"]

    async def all_delivered():
        found = await deliveries_of(delivering)
        return {each.delivery_id for each in found} == before and all(
            each.status == pb.DELIVERY_STATUS_DELIVERED for each in found
        )

    await eventually(all_delivered)


async def test_what_is_over_by_now_is_told_to_be_over_after_it_was_told_to_begin(
    delivering, hook, gone
):
    await report(delivering, a_recovery("wf-0"), a_recovery("wf-2"))

    answer = await enable_target(delivering, gone, replay=True)
    await eventually(lambda: len(hook.requests) == 4)

    *_, began, over = hook.requests
    assert answer.replayed_count == 4
    assert workflows_in(began) == ["wf-1", "wf-2", "wf-3"]
    assert json.loads(over.body)["type"] == "alerts.folded"
    ends = json.loads(over.body)["data"]["items"]
    assert [each["type"] for each in ends] == ["incident.resolved"] * 2
    assert sorted(each["data"]["incident"]["dedup_key"] for each in ends) == [
        "fail:wf-0",
        "fail:wf-2",
    ]


async def test_without_replay_only_what_is_new_is_sent(delivering, hook, gone):
    answer = await enable_target(delivering, gone)
    await report(delivering, a_failing_event("wf-9"))

    await eventually(lambda: len(hook.requests) == 2)
    assert answer.replayed_count == 0
    assert workflows_in(hook.requests[1]) == ["wf-9"]


async def test_switching_on_twice_sends_nothing_twice(delivering, hook, gone):
    await enable_target(delivering, gone, replay=True)
    await eventually(lambda: len(hook.requests) == 3)

    async def settled():
        return (await the_target(delivering)).HasField("last_delivered_at")

    await eventually(settled)
    again = await enable_target(delivering, gone, replay=True)

    assert again.replayed_count == 0


@pytest.fixture
async def own_mailbox():
    """A mail server that no other test's notifier still sends to."""
    async with mail_server() as made:
        yield made


async def test_a_replay_keeps_to_the_pace_of_its_target(start, database_url, own_mailbox):
    mailbox = own_mailbox
    set_clock(database_url, NOON)
    notifier = await start(**smtp(mailbox))
    await configure(notifier, alert_email=EMAIL)
    target_id = (await the_target(notifier)).target_id
    mailbox.answer_next("550 5.1.1 Unknown", times=12)
    for number in range(12):
        set_clock(database_url, NOON + timedelta(minutes=number))
        await report(notifier, a_failing_event(f"wf-{number}"))
        await eventually(lambda number=number: mailbox.attempts == number + 1)

    async def given_up():
        return all(each.attempts for each in await deliveries_of(notifier))

    await eventually(given_up)
    set_clock(database_url, NOON + timedelta(minutes=20))
    answer = await enable_target(notifier, target_id, replay=True)
    await eventually(lambda: len(mailbox.mails) == 5)

    set_clock(database_url, NOON + timedelta(minutes=20, seconds=20))
    await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))
    await eventually(lambda: len(mailbox.mails) == 7)

    assert answer.replayed_count == 12
    told = [each.message["Message-ID"] for each in mailbox.mails]
    assert told == [f"<{each.message_id}@agency.example>" for each in await oldest(notifier, 7)]


async def oldest(notifier, number):
    return list(reversed(await deliveries_of(notifier)))[:number]


async def test_only_a_target_of_the_location_is_switched_on(delivering, gone):
    for which in ((gone, "loc-2"), ("nobody", "loc-1")):
        with refused_as("TARGET_NOT_FOUND"):
            await enable_target(delivering, *which)
