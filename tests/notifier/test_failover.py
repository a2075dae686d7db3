"""Somebody else is told while a target fails, when it is switched off, and when it works again."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    a_completed_scan,
    a_failing_event,
    a_low_score,
    caught,
    configure,
    deliveries_of,
    report,
)
from tests.notifier.targets import add_target, change_target, enable_target, targets_of
from tests.support.database_clock import set_clock
from tests.support.smtp import Stage
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def failing(start, database_url, hook):
    """A notifier with a webhook that a mailbox stands in for, on a clock that stands still."""
    set_clock(database_url, NOON)
    notifier = await start(egress_allow=["127.0.0.1"])
    mailbox = await add_target(notifier, "email", EMAIL, occasions=["summary"])
    fallback = mailbox.target.target_id
    await add_target(notifier, "webhook", hook.url, fallback_target_id=fallback)
    return notifier


async def at(url, notifier, seconds):
    set_clock(url, NOON + timedelta(seconds=seconds))
    await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))


async def webhooks_of(notifier):
    return [each for each in await deliveries_of(notifier) if each.channel == "webhook"]


async def tried(notifier, times):
    async def so_often():
        return [each for each in await webhooks_of(notifier) if each.attempts >= times]

    return await eventually(so_often)


async def subjects(notifier, number):
    async def so_many():
        mails = await caught(notifier)
        return [each.subject for each in reversed(mails)] if len(mails) >= number else None

    return await eventually(so_many)


async def test_after_two_minutes_of_failures_the_fallback_is_told_and_why(
    failing, database_url, hook
):
    hook.answer_next(*[503] * 3)
    await report(failing, a_failing_event())
    await tried(failing, 1)
    await at(database_url, failing, 60)
    await tried(failing, 2)
    assert not await caught(failing)

    await at(database_url, failing, 121)

    assert await subjects(failing, 1) == ["[CRITICAL] Lead follow-up failed 3× in 24 h"]
    (mail,) = await caught(failing)
    assert f"The webhook http://127.0.0.1:{hook.port}/ is failing: HTTP 503" in mail.text


async def test_a_mail_that_is_not_even_tried_because_of_others_goes_to_the_fallback_too(
    start, database_url, hook
):
    set_clock(database_url, NOON)
    notifier = await start(egress_allow=["127.0.0.1"])
    webhook = await add_target(notifier, "webhook", hook.url, occasions=["summary"])
    fallback = webhook.target.target_id
    await add_target(notifier, "email", EMAIL, fallback_target_id=fallback)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        values = {"until": NOON + timedelta(hours=1), "since": NOON}
        await connection.execute(
            "INSERT INTO channel_holds VALUES ('email', %(until)s, %(since)s)", values
        )
    await report(notifier, a_failing_event())

    await at(database_url, notifier, 121)

    (request,) = await eventually(lambda: hook.requests)
    told = json.loads(request.body)["data"]
    assert told["failover"]["channel"] == "email"
    assert not await caught(notifier)


async def test_three_failures_are_enough(failing, database_url, hook):
    hook.answer_next(*[503] * 3)
    await report(failing, a_failing_event())
    for number, seconds in enumerate((12, 48), start=1):
        await tried(failing, number)
        await at(database_url, failing, seconds)
    await tried(failing, 3)

    assert len(await subjects(failing, 1)) == 1


async def test_when_it_works_again_the_fallback_is_told_so_once(failing, database_url, hook):
    hook.answer_next(503)
    await report(failing, a_failing_event("wf-1"))
    await tried(failing, 1)
    hook.answer_next(503)
    await at(database_url, failing, 125)
    await subjects(failing, 1)
    await tried(failing, 2)

    await at(database_url, failing, 300)

    told = await subjects(failing, 2)
    assert told[1] == f"[INFO] Recovered: the webhook http://127.0.0.1:{hook.port}/ works again"
    await report(failing, a_failing_event("wf-2"))
    await eventually(lambda: len(hook.requests) == 4)
    assert len(await caught(failing)) == 2


async def test_what_is_not_critical_waits_for_its_target(failing, database_url, hook):
    hook.answer_next(*[503] * 9)
    await report(failing, a_low_score())
    await tried(failing, 1)
    for number in range(1, 4):
        await at(database_url, failing, number * 300)
        await tried(failing, number + 1)

    assert not await caught(failing)


async def test_a_target_that_is_gone_is_told_of_and_its_criticals_go_to_the_fallback(failing, hook):
    hook.answer_next(410)
    await report(failing, a_failing_event("wf-1"))
    await subjects(failing, 2)
    await report(failing, a_failing_event("wf-2", workflow_name="Other flow"))

    told = await subjects(failing, 3)

    name = f"webhook http://127.0.0.1:{hook.port}/"
    assert sorted(told) == [
        "[CRITICAL] Lead follow-up failed 3× in 24 h",
        "[CRITICAL] Other flow failed 3× in 24 h",
        f"[WARNING] The {name} was switched off",
    ]
    assert len(hook.requests) == 1


async def test_what_a_person_switched_off_has_no_fallback(failing, hook):
    _, webhook = await targets_of(failing)
    await change_target(failing, webhook.target_id, enabled=False)

    await report(failing, a_failing_event())
    (delivery,) = await webhooks_of(failing)

    assert delivery.suppressed_because == "target_disabled"
    await report(failing, a_completed_scan())
    assert await subjects(failing, 1) == ["[INFO] Scan complete: 2 new, 1 fixed, 5 known"]


async def switched_off(notifier):
    return [each for each in await targets_of(notifier) if not each.enabled]


@pytest.fixture
async def watched(start, database_url, hook):
    """A notifier with a webhook and, for news of it, a mailbox."""
    set_clock(database_url, NOON)
    notifier = await start(egress_allow=["127.0.0.1"])
    await add_target(notifier, "webhook", hook.url)
    await configure(notifier, alert_email=EMAIL)
    email, _ = await targets_of(notifier)
    await change_target(notifier, email.target_id, occasions=["reminder"])
    return notifier


async def test_a_success_in_between_starts_the_five_days_anew(watched, database_url, hook):
    hook.answer_next(503)
    await report(watched, a_low_score("wf-1"))
    await tried(watched, 1)
    await at(database_url, watched, 3600)

    async def works():
        (webhook,) = [e for e in await targets_of(watched) if e.channel == "webhook"]
        return webhook.failures == 0 and webhook.HasField("last_delivered_at")

    await eventually(works)
    assert not await switched_off(watched)


async def test_a_lone_failure_long_ago_switches_nothing_off(watched, database_url, hook):
    hook.answer_next(404)
    await report(watched, a_low_score("wf-1"))
    await tried(watched, 1)
    hook.answer_next(404)
    await at(database_url, watched, 10 * 86400)

    await tried(watched, 2)

    assert not await switched_off(watched)


async def test_what_was_given_up_is_told_elsewhere_once_and_more_of_it_together(
    watched, database_url, hook
):
    hook.answer_next(*[404] * 20)
    await report(watched, a_low_score("wf-1"))
    await tried(watched, 1)
    for number in range(1, 4):
        await at(database_url, watched, number * 300)
        await tried(watched, number + 1)
    told = await subjects(watched, 1)
    await report(watched, a_low_score("wf-2"))
    for number in range(4, 8):
        await at(database_url, watched, number * 300)

        async def settled(number=number):
            return sum(each.attempts for each in await webhooks_of(watched)) > number

        await eventually(settled)

    async def both_failed():
        found = await webhooks_of(watched)
        return len([e for e in found if e.status == pb.DELIVERY_STATUS_FAILED]) == 2

    await eventually(both_failed)

    assert told == [
        f"[WARNING] An alert could not be delivered to the webhook http://127.0.0.1:{hook.port}/"
    ]
    assert len(await caught(watched)) == 1
    (waits, *_) = await deliveries_of(watched, news=True)
    assert (waits.occasion, waits.held_because) == ("target", "together")
    await at(database_url, watched, 2 * 3600)
    assert len(await subjects(watched, 2)) == 2


async def test_without_anybody_else_the_news_is_kept_and_says_why_nobody_heard(
    start, database_url, hook
):
    notifier = await start(egress_allow=["127.0.0.1"])
    await add_target(notifier, "webhook", hook.url)
    hook.answer_next(410)
    await report(notifier, a_failing_event())

    async def news():
        return [e for e in await deliveries_of(notifier, news=True) if e.occasion == "target"]

    (delivery,) = await eventually(news)
    assert delivery.suppressed_because == "no_target"


async def test_two_targets_may_stand_in_for_each_other(start, database_url, hook, mailbox):
    notifier = await start(egress_allow=["127.0.0.1"])
    first = (await add_target(notifier, "webhook", NOBODY)).target.target_id
    other = await add_target(notifier, "webhook", hook.url, fallback_target_id=first)
    await change_target(notifier, first, fallback_target_id=other.target.target_id)
    await enable_target(notifier, first)

    found = {each.target_id: each.fallback_target_id for each in await targets_of(notifier)}

    assert found == {first: other.target.target_id, other.target.target_id: first}


async def test_one_bad_mailbox_of_three_stops_neither_the_others_nor_the_webhook(
    delivering, mailbox, hook
):
    for name in "abc":
        await add_target(delivering, "email", f"{name}@agency.example")
    await add_target(delivering, "webhook", hook.url)
    mailbox.answer_next("550 5.1.1 Unknown", at=Stage.RECIPIENT)
    await report(delivering, a_failing_event())

    async def ended():
        found = await deliveries_of(delivering)
        statuses = sorted(each.status for each in found)
        return len(found) == 4 and pb.DELIVERY_STATUS_PENDING not in statuses and found

    found = await eventually(ended)
    failed = [each for each in found if each.status == pb.DELIVERY_STATUS_FAILED]
    assert [(each.channel, each.attempts, each.last_code) for each in failed] == [("email", 1, 550)]
    (bad,) = [each for each in await targets_of(delivering) if each.failures]
    assert (bad.target_id, bad.last_error) == (failed[0].target_id, "550 5.1.1 Unknown")
    assert {each.path for each in hook.requests} == {"/"}
