import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
from standardwebhooks import Webhook

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
    settings_of,
)
from tests.support.database_clock import set_clock
from tests.support.receivers import Answer
from tests.support.waiting import eventually


async def verdicts_of(notifier, location_id="loc-1", **more):
    request = pb.SendTestAlertRequest(location_id=location_id, **more)
    return (await notifier.SendTestAlert(request, timeout=20)).verdicts


async def test_every_target_is_sent_a_test_and_answers_for_itself(delivering, mailbox, hook):
    secret = (await configure(delivering, alert_email=EMAIL, webhook_url=hook.url)).webhook_secret

    email, webhook = await verdicts_of(delivering)

    assert (email.channel, email.target, email.delivered) == ("email", "o…@agency.example", True)
    assert email.detail.startswith("250 2.0.0 Queued as")
    assert (webhook.channel, webhook.delivered, webhook.detail) == ("webhook", True, "HTTP 200")
    assert webhook.elapsed_ms >= 0
    # A mail of the test before may still arrive: the mailbox is shared.
    subjects = [each.message["Subject"] for each in mailbox.mails]
    assert subjects.count("[TEST] Runwarden can reach you") == 1
    told = Webhook(secret).verify(hook.requests[0].body, dict(hook.requests[0].headers))
    assert told["type"] == "alert.test"
    assert told["data"]["test"] is True


async def test_a_target_that_fails_is_told_as_failing_after_one_attempt(delivering, mailbox, hook):
    await configure(delivering, alert_email=EMAIL, webhook_url=hook.url)
    mailbox.answer_next("550 5.1.1 No such user")
    hook.answer_next(Answer(503, body=[b"down for maintenance"]))

    email, webhook = await verdicts_of(delivering)

    assert (email.delivered, email.detail) == (False, "550 5.1.1 No such user")
    assert (webhook.delivered, webhook.detail) == (False, "HTTP 503: down for maintenance")
    assert (mailbox.attempts, len(hook.requests)) == (1, 1)


async def test_the_targets_of_the_installation_are_tried_without_those_of_its_locations(
    delivering, mailbox, hook
):
    await configure(delivering, alert_email="client@one.example")
    await configure(delivering, installation=True, alert_email=EMAIL, webhook_url=hook.url)
    hook.answer_next(503)

    email, webhook = await verdicts_of(delivering, "", installation=True)

    assert (email.target, email.delivered) == ("o…@agency.example", True)
    assert (webhook.delivered, webhook.detail) == (False, "HTTP 503")
    (told,) = [each.message for each in mailbox.mails if each.message["To"] == EMAIL]
    assert "Location: All of them" in told.get_body(("plain",)).get_content()


async def test_a_test_leaves_incidents_and_deliveries_alone(notifier):
    await configure(notifier, alert_email=EMAIL, enabled=False)

    (verdict,) = await verdicts_of(notifier)

    assert verdict.delivered
    assert [each.subject for each in await caught(notifier)] == ["[TEST] Runwarden can reach you"]
    assert not await incidents_of(notifier)
    assert not await deliveries_of(notifier)


async def test_a_test_does_not_shorten_the_pause_of_a_target_that_fails(
    delivering, delivering_url, hook
):
    now = datetime.now(UTC).replace(microsecond=0)
    set_clock(delivering_url, now)
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(429)
    await report(delivering, a_failing_event())
    paused = await eventually(lambda: pause_of(delivering_url, after=now))

    await verdicts_of(delivering)

    assert await pause_of(delivering_url, after=now) == paused == now + timedelta(minutes=1)


async def pause_of(url, *, after):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await connection.execute("SELECT next_at FROM targets WHERE next_at > %s", [after])
        found = await rows.fetchone()
        return found and found[0]


async def test_a_sixth_test_within_a_minute_is_refused_by_all_replicas(start, database_url):
    replicas = [await start(), await start()]
    await configure(replicas[0], alert_email=EMAIL)
    now = datetime.now(UTC)
    set_clock(database_url, now)

    await asyncio.gather(*(verdicts_of(replicas[number % 2]) for number in range(5)))
    with refused_as("RATE_LIMITED") as refusal:
        await verdicts_of(replicas[1])
    assert refusal.problem.retry_after == timedelta(minutes=1)

    set_clock(database_url, now + timedelta(seconds=59))
    with refused_as("RATE_LIMITED"):
        await verdicts_of(replicas[0])
    set_clock(database_url, now + timedelta(seconds=60))
    assert (await verdicts_of(replicas[0]))[0].delivered


async def test_without_a_target_there_is_nothing_to_test(notifier):
    with refused_as("NO_TARGETS"):
        await verdicts_of(notifier)
    with refused_as("LOCATION_MISSING"):
        await verdicts_of(notifier, "")
    with refused_as("NO_TARGETS"):
        await verdicts_of(notifier, "", installation=True)
    with refused_as("INSTALLATION_HAS_NONE"):
        await verdicts_of(notifier, installation=True)

    assert not (await settings_of(notifier)).configured


async def test_a_test_waits_until_nobody_else_sends_to_the_target(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(Answer(delay=0.3))
    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)

    (verdict,) = await verdicts_of(delivering)

    alert, test = hook.requests
    assert verdict.delivered
    assert json.loads(test.body)["type"] == "alert.test"
    assert test.arrived_at - alert.arrived_at >= 0.3


async def test_a_target_that_was_switched_off_is_on_again_once_a_test_arrives(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(410)
    await report(delivering, a_failing_event("wf-1"))

    async def failed():
        (delivery,) = await deliveries_of(delivering)
        return delivery.status == pb.DELIVERY_STATUS_FAILED

    await eventually(failed)

    await verdicts_of(delivering)
    await report(delivering, a_failing_event("wf-2"))

    assert await eventually(lambda: len(hook.requests) == 3)
