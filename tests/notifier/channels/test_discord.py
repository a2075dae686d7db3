import json

import pytest

from libs.clock import FixedClock
from libs.problems import InvalidRequest
from services.notifier.channels.discord import DiscordChannel, escaped
from services.notifier.channels.egress import Egress
from services.notifier.domain.retry import Verdict
from services.notifier.domain.target import Channel
from tests.notifier.builders import NOW
from tests.notifier.channels.messages import (
    HOSTILE,
    a_target,
    every_sort,
    opened,
    parcel_of,
    standing_for,
    the_longest,
)
from tests.support.discord import Discord, limited, said
from tests.support.receivers import Answer, receiver

TARGET = a_target(Channel.DISCORD)


@pytest.fixture
async def discord():
    async with receiver(kind=Discord) as made:
        yield made


@pytest.fixture
async def channel(discord):
    async with Egress.open([f"127.0.0.1:{discord.port}"]) as egress:
        yield DiscordChannel(egress, FixedClock(NOW))


async def sent(channel, discord, message):
    frozen = channel.freeze(message, TARGET)
    return await channel.send(parcel_of(Channel.DISCORD, frozen, secrets=(discord.webhook,)))


@pytest.mark.parametrize("message", every_sort(), ids=lambda message: message.subject)
async def test_discord_takes_every_sort_of_message_with_all_its_facts(channel, discord, message):
    outcome = await sent(channel, discord, message)

    assert (outcome.verdict, outcome.code) == (Verdict.DELIVERED, 204)
    (embed,) = discord.messages[0]["embeds"]
    assert embed["url"] == message.link
    assert embed["title"] == escaped(message.subject)
    told = {each["name"]: each["value"] for each in embed["fields"]}
    assert told == {escaped(fact.label): escaped(fact.text) for fact in message.facts}
    for line in (line for listing in message.listings for line in listing.lines):
        assert escaped(line) in embed["description"]


async def test_the_colour_tells_the_severity(channel):
    colours = [
        json.loads(channel.freeze(each, TARGET).body)["embeds"][0]["color"] for each in every_sort()
    ]

    assert colours == [0xC62828, 0xC62828, 0xB45309, 0x1D4ED8, 0x15803D, 0x1D4ED8]


async def test_a_hostile_name_mentions_nobody_and_links_nowhere(channel, discord):
    await sent(channel, discord, opened(workflow_name=HOSTILE, error_message=HOSTILE))

    (message,) = discord.messages
    assert message["allowed_mentions"] == {"parse": []}
    assert "\\@everyone" in message["embeds"][0]["title"]
    assert "\\[l\\]\\(https\\:" in json.loads(json.dumps(message))["embeds"][0]["title"]


async def test_discord_takes_as_many_alerts_as_one_message_may_hold_and_all_are_listed(
    channel, discord
):
    outcome = await sent(channel, discord, the_longest(Channel.DISCORD))

    assert outcome.verdict is Verdict.DELIVERED
    shown = discord.messages[0]["embeds"][0]["description"]
    assert all(f"{number:03} " in shown for number in range(15))
    assert shown.count("[Open](https://watch.example/") == 15


async def test_discord_takes_an_alert_that_stands_for_hundreds(channel, discord):
    outcome = await sent(channel, discord, standing_for(500))

    assert outcome.verdict is Verdict.DELIVERED
    assert "and 450 more" in json.dumps(discord.messages[0])


@pytest.mark.parametrize(
    ("answer", "verdict", "wait"),
    [
        (limited(64.2), Verdict.LATER, 64),
        (limited(0.3), Verdict.LATER, 60),
        (said(400, {"code": 50035, "message": "Invalid Form Body"}), Verdict.DOUBTFUL, 0),
        (said(401, {"code": 50027, "message": "Invalid Webhook Token"}), Verdict.DOUBTFUL, 0),
        (said(404, {"code": 10015, "message": "Unknown Webhook"}), Verdict.GONE, 0),
        (Answer(404, {}, [b"<html>"]), Verdict.DOUBTFUL, 0),
        (Answer(404, {}, [b"[]"]), Verdict.DOUBTFUL, 0),
        (Answer(502), Verdict.LATER, 0),
        (Answer(hang_up=True), Verdict.LATER, 0),
    ],
)
async def test_what_discord_says_is_understood(channel, discord, answer, verdict, wait):
    discord.answer_next(answer)

    outcome = await sent(channel, discord, opened())

    assert outcome.verdict is verdict
    assert outcome.at_least.total_seconds() == wait


async def test_a_webhook_that_was_deleted_is_gone(channel, discord):
    discord.deleted = True

    assert (await sent(channel, discord, opened())).verdict is Verdict.GONE


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://discord.com/api/webhooks/1/x", True),
        ("https://discordapp.com/api/webhooks/1/x", True),
        ("https://discord.com.evil.example/api/webhooks/1/x", False),
        ("http://discord.com/api/webhooks/1/x", False),
        ("https://example.com/api/webhooks/1/x", False),
    ],
)
async def test_only_discord_itself_is_an_address(channel, address, good):
    if good:
        channel.check(address)
    else:
        with pytest.raises(InvalidRequest):
            channel.check(address)
