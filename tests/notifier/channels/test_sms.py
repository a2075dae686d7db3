import json
from dataclasses import replace

import pytest

from libs.clock import FixedClock
from libs.problems import InvalidRequest
from services.notifier.channels.egress import Egress
from services.notifier.channels.sms import SmsChannel
from services.notifier.domain import gsm
from services.notifier.domain.retry import Verdict
from services.notifier.domain.target import Channel
from tests.notifier.builders import NOW
from tests.notifier.channels.messages import (
    HOSTILE,
    a_target,
    every_sort,
    opened,
    parcel_of,
    the_longest,
)
from tests.support.receivers import Answer, receiver
from tests.support.twilio import INVALID, OPTED_OUT, SENDER, SID, TOKEN, Twilio, problem

TARGET = a_target(Channel.SMS)
PHONE = "+15557654321"


@pytest.fixture
async def twilio():
    async with receiver(kind=Twilio) as made:
        yield made


@pytest.fixture
async def channel(twilio):
    async with Egress.open([f"127.0.0.1:{twilio.port}"], seconds=0.5) as egress:
        yield SmsChannel(egress, FixedClock(NOW), twilio.url)


async def sent(channel, message, *, to=PHONE, token=TOKEN, sender=SENDER):
    secret = json.dumps({"account_sid": SID, "auth_token": token})
    parcel = parcel_of(
        Channel.SMS,
        channel.freeze(message, TARGET),
        address=to,
        secrets=(secret,),
        options={"sender": sender},
    )
    return await channel.send(parcel)


@pytest.mark.parametrize("sender", [SENDER, "MG" + "0" * 32, "Runwarden"])
async def test_twilio_is_asked_once_with_the_account_of_the_target(channel, twilio, sender):
    outcome = await sent(channel, opened(), sender=sender)

    assert (outcome.verdict, outcome.code) == (Verdict.DELIVERED, 201)
    (sms,) = twilio.messages
    assert (sms.to, sms.sender) == (PHONE, sender)
    assert sms.body == (
        "[CRITICAL] Lead follow-up failed 3x in 24 h (loc-1)"
        " https://watch.example/l/loc-1/workflows/wf-1"
    )


@pytest.mark.parametrize(
    "message",
    [*every_sort(), opened(workflow_name=HOSTILE * 9), the_longest(Channel.SMS)],
    ids=lambda message: message.subject[:40],
)
def test_every_message_is_one_segment(message):
    text = SmsChannel(None, None, "").freeze(message, TARGET).text

    assert gsm.length(text) <= 160
    assert set(text) <= set(gsm.BASIC + gsm.EXTENDED)
    assert text.startswith(f"[{message.tag}] ")


@pytest.mark.parametrize(
    ("title", "said"), [("It fails", True), ("x" * 76, True), ("x" * 77, False), ("x" * 200, False)]
)
def test_what_was_not_told_is_said_where_there_is_room(title, said):
    message = replace(opened(), title=title, suppressed_since_last=37)

    text = SmsChannel(None, FixedClock(NOW), "").freeze(message, TARGET).text

    assert ("(+37 while quiet) https://" in text) is said
    assert gsm.length(text) <= gsm.LONGEST


@pytest.mark.parametrize(
    ("to", "verdict", "code"), [(INVALID, Verdict.REFUSED, 21211), (OPTED_OUT, Verdict.GONE, 21610)]
)
async def test_a_number_that_cannot_be_told_is_not_tried_again(channel, to, verdict, code):
    outcome = await sent(channel, opened(), to=to)

    assert outcome.verdict is verdict
    assert str(code) in outcome.detail


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (problem(429, 20429, "Too Many Requests"), Verdict.LATER),
        (problem(400, 21606, "The From number is not SMS-capable"), Verdict.DOUBTFUL),
        (problem(404, 20404, "Not found"), Verdict.DOUBTFUL),
        (Answer(503), Verdict.LATER),
        (Answer(400, {}, [b"[]"]), Verdict.DOUBTFUL),
        (Answer(hang_up=True), Verdict.UNSURE),
        (Answer(delay=5), Verdict.UNSURE),
    ],
)
async def test_what_twilio_says_is_understood(channel, twilio, answer, verdict):
    twilio.answer_next(answer)

    assert (await sent(channel, opened())).verdict is verdict


async def test_a_wrong_token_is_told(channel):
    outcome = await sent(channel, opened(), token="wrong")

    assert (outcome.verdict, outcome.code) == (Verdict.DOUBTFUL, 401)
    assert "Authenticate" in outcome.detail


@pytest.mark.parametrize("address", ["", "5551234", "+0555123456", "+1 555 123", "a@b.example"])
def test_only_a_number_of_the_world_is_an_address(address):
    with pytest.raises(InvalidRequest, match="telephone number"):
        SmsChannel(None, None, "").check(address)
