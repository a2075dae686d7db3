"""Slack, Discord and SMS from the target to the other side."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    a_completed_scan,
    a_failing_event,
    deliveries_of,
    refused_as,
    report,
)
from tests.notifier.targets import add_target, change_target, the_target, verify_target
from tests.support.database_clock import set_clock
from tests.support.discord import Discord
from tests.support.receivers import receiver
from tests.support.slack import Slack
from tests.support.twilio import OPTED_OUT, SENDER, SID, TOKEN, Twilio
from tests.support.waiting import eventually

PHONE = "+15557654321"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def twilio():
    async with receiver(kind=Twilio) as made:
        yield made


@pytest.fixture
async def texting(start, database_url, twilio):
    """A notifier that hands its SMS to Twilio, on a clock that stands still."""
    set_clock(database_url, NOON)
    return await start(twilio_url=twilio.url, egress_allow=["127.0.0.1"])


def an_account(**changes):
    given = {"account_sid": SID, "auth_token": TOKEN, "sender": SENDER}
    return pb.SmsAccount(**given | changes)


async def kept_in(url):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await connection.execute("SELECT to_jsonb(targets)::text FROM targets")
        return str(await rows.fetchall())


@pytest.mark.parametrize(("channel", "kind"), [("slack", Slack), ("discord", Discord)])
async def test_a_chat_is_told_and_its_address_is_kept_secret(
    delivering, delivering_url, channel, kind
):
    async with receiver(kind=kind) as chat:
        made = await add_target(delivering, channel, chat.webhook)
        await report(delivering, a_failing_event())
        await eventually(lambda: chat.messages)

    token = chat.webhook.rpartition("/")[2]
    assert made.webhook_secret == ""
    assert made.target.address == f"http://127.0.0.1:{chat.port}/…{token[-4:]}"
    assert token not in await kept_in(delivering_url)
    (delivery,) = await deliveries_of(delivering)
    assert (delivery.channel, delivery.target) == (channel, made.target.address)


async def test_an_alert_right_after_a_test_is_not_too_fast_for_slack(delivering):
    async with receiver(kind=Slack) as slack:
        target_id = (await add_target(delivering, "slack", slack.webhook)).target.target_id
        await verify_target(delivering, target_id)

        await report(delivering, a_failing_event())

        await eventually(lambda: len(slack.messages) == 2)
        assert len(slack.requests) == 2, "a refusal would have held the alert up for a minute"


async def test_a_chat_that_moves_is_told_at_its_new_address(delivering):
    async with receiver(kind=Slack) as before, receiver(kind=Slack) as after:
        target_id = (await add_target(delivering, "slack", before.webhook)).target.target_id
        await change_target(delivering, target_id, address=after.webhook)

        await verify_target(delivering, target_id)

    assert (len(before.messages), len(after.messages)) == (0, 1)


async def test_a_channel_that_was_archived_is_switched_off(delivering):
    async with receiver(kind=Slack) as slack:
        slack.archived = True
        await add_target(delivering, "slack", slack.webhook)
        await report(delivering, a_failing_event())

        async def switched_off():
            return (await the_target(delivering)).disabled_because

        assert await eventually(switched_off) == "HTTP 410: channel_is_archived"


async def test_only_slack_may_be_a_target_of_slack(delivering):
    for address in ("https://example.com/services/x", "https://hooks.slack.com.example/x"):
        with refused_as("WEBHOOK_URL_FORBIDDEN") as refusal:
            await add_target(delivering, "slack", address)
        (field,) = refusal.problem.fields
        assert field.field == "target.address"
        assert "hooks.slack.com" in field.message


async def test_a_telephone_is_told_and_its_account_kept_secret(texting, twilio, database_url):
    made = await add_target(texting, "sms", PHONE, sms=an_account())

    await report(texting, a_failing_event())
    (sms,) = await eventually(lambda: twilio.messages)

    assert (sms.to, sms.sender) == (PHONE, SENDER)
    assert made.target.address == PHONE
    account = made.target.sms
    assert (account.account_sid, account.auth_token) == ("AC…cdef", "")
    assert (account.monthly_cap, account.sender) == (200, SENDER)
    kept = await kept_in(database_url)
    assert SID not in kept
    assert TOKEN not in kept

    async def counted():
        return (await the_target(texting)).sms.sent_this_month

    assert await eventually(counted) == 1


async def test_above_the_cap_of_a_month_no_more_are_sent_until_the_next(
    texting, twilio, database_url
):
    await add_target(texting, "sms", PHONE, sms=an_account(monthly_cap=2))
    for number in range(3):
        set_clock(database_url, NOON + timedelta(minutes=number))
        await report(texting, a_failing_event(f"wf-{number}"))

        async def decided(number=number):
            found = await deliveries_of(texting)
            ended = [each for each in found if each.status != pb.DELIVERY_STATUS_PENDING]
            return len(ended) == number + 1

        await eventually(decided)

    assert len(twilio.messages) == 2
    assert (await deliveries_of(texting))[0].suppressed_because == "monthly_cap"
    set_clock(database_url, datetime(2026, 12, 1, tzinfo=UTC))
    await report(texting, a_failing_event("wf-9"))
    await eventually(lambda: len(twilio.messages) == 3)


async def test_what_would_come_half_an_hour_late_is_not_sent(texting, twilio, database_url):
    await add_target(texting, "sms", PHONE, sms=an_account())
    twilio.answer_next(503)
    await report(texting, a_failing_event())
    await eventually(lambda: twilio.requests)

    async def tried():
        (delivery,) = await deliveries_of(texting)
        return delivery.attempts

    await eventually(tried)
    set_clock(database_url, NOON + timedelta(minutes=31))
    await report(texting, a_completed_scan(scan_id="", location_id="loc-2"))

    async def given_up():
        (delivery,) = await deliveries_of(texting)
        return delivery.status == pb.DELIVERY_STATUS_FAILED and delivery.last_error

    assert "30 minutes late" in await eventually(given_up)
    assert len(twilio.requests) == 1


async def test_who_answered_stop_is_not_sent_anything_again(texting, twilio):
    await add_target(texting, "sms", OPTED_OUT, sms=an_account())
    await report(texting, a_failing_event())

    async def switched_off():
        return (await the_target(texting)).disabled_because

    assert "21610" in await eventually(switched_off)


async def test_what_is_not_given_of_an_account_stays(texting, twilio):
    target_id = (await add_target(texting, "sms", PHONE, sms=an_account())).target.target_id

    changed = await change_target(texting, target_id, sms=pb.SmsAccount(monthly_cap=5))

    assert (changed.sms.monthly_cap, changed.sms.sender) == (5, SENDER)
    assert (await verify_target(texting, target_id)).verdict.delivered


@pytest.mark.parametrize(
    ("channel", "account", "field"),
    [
        ("sms", None, "target.sms"),
        ("sms", an_account(account_sid="AC1"), "target.sms.account_sid"),
        ("sms", an_account(auth_token=""), "target.sms.auth_token"),
        ("sms", an_account(auth_token="é"), "target.sms.auth_token"),
        ("sms", an_account(sender=""), "target.sms.sender"),
        ("sms", an_account(sender="12345"), "target.sms.sender"),
        ("sms", an_account(monthly_cap=-1), "target.sms.monthly_cap"),
        ("slack", an_account(), "target.sms"),
    ],
)
async def test_an_account_that_cannot_be_one_is_refused(delivering, channel, account, field):
    address = PHONE if channel == "sms" else "https://hooks.slack.com/services/T/B/x"
    with refused_as("SMS_ACCOUNT_MALFORMED") as refusal:
        await add_target(delivering, channel, address, sms=account)

    assert [each.field for each in refusal.problem.fields] == [field]


async def test_only_a_number_is_an_address_of_sms(delivering):
    with refused_as("PHONE_MALFORMED"):
        await add_target(delivering, "sms", "555-1234", sms=an_account())
