import json

import pytest

from libs.clock import FixedClock
from libs.problems import InvalidRequest
from services.notifier.channels.egress import Egress
from services.notifier.channels.slack import SlackChannel, escaped
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
from tests.support.receivers import Answer, receiver, redirect
from tests.support.slack import FORBIDDEN, Slack, said, texts_of

TARGET = a_target(Channel.SLACK)


@pytest.fixture
async def slack():
    async with receiver(kind=Slack) as made:
        yield made


@pytest.fixture
async def channel(slack):
    async with Egress.open([f"127.0.0.1:{slack.port}"]) as egress:
        yield SlackChannel(egress, FixedClock(NOW))


async def sent(channel, slack, message):
    frozen = channel.freeze(message, TARGET)
    return await channel.send(parcel_of(Channel.SLACK, frozen, secrets=(slack.webhook,)))


@pytest.mark.parametrize("message", every_sort(), ids=lambda message: message.subject)
async def test_slack_takes_every_sort_of_message_with_all_its_facts(channel, slack, message):
    outcome = await sent(channel, slack, message)

    assert (outcome.verdict, outcome.detail) == (Verdict.DELIVERED, "HTTP 200: ok")
    (posted,) = slack.messages
    shown = "\n".join(texts_of(posted)).replace("\u2060", "")
    for fact in message.facts:
        assert f"*{fact.label}*\n" in shown
        assert escaped(fact.text).replace("\u2060", "") in shown
    for line in (line for listing in message.listings for line in listing.lines):
        assert line in shown
    assert message.link in json.dumps(posted)
    assert message.subject in shown


async def test_a_bar_in_its_colour_tells_the_severity(channel):
    bodies = [json.loads(channel.freeze(each, TARGET).body) for each in every_sort()]

    colours = [attachment["color"] for body in bodies for attachment in body["attachments"]]
    assert colours == ["#c62828", "#c62828", "#b45309", "#1d4ed8", "#15803d", "#1d4ed8"]


async def test_a_hostile_name_mentions_nobody_and_links_nowhere(channel, slack):
    await sent(channel, slack, opened(workflow_name=HOSTILE, error_message=HOSTILE))

    (posted,) = slack.messages
    for text in texts_of(posted):
        assert not any(each in text for each in FORBIDDEN)
        assert "<https://evil" not in text
    assert all(
        part.get("verbatim")
        for block in posted["attachments"][0]["blocks"]
        for part in [*block.get("fields", []), block.get("text", {"verbatim": True})]
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("first_name and contact.id", "first_name and contact.id"),
        ("*all*", "\u2060*all\u2060*"),
        ("`x` ~y~ _z_", "\u2060`x\u2060` \u2060~y\u2060~ \u2060_z\u2060_"),
    ],
)
def test_what_would_be_markup_is_shown_as_it_is(text, shown):
    assert escaped(text) == shown


async def test_slack_takes_as_many_alerts_as_one_message_may_hold_and_all_are_listed(
    channel, slack
):
    outcome = await sent(channel, slack, the_longest(Channel.SLACK))

    assert outcome.verdict is Verdict.DELIVERED
    shown = "\n".join(texts_of(slack.messages[0]))
    assert all(f"{number:03} " in shown for number in range(50))


async def test_slack_takes_an_alert_that_stands_for_hundreds(channel, slack):
    outcome = await sent(channel, slack, standing_for(500))

    assert outcome.verdict is Verdict.DELIVERED
    assert "and 450 more" in json.dumps(slack.messages[0])


@pytest.mark.parametrize(
    ("answer", "verdict", "wait"),
    [
        (Answer(429, {"Retry-After": "90"}, [b"rate_limited"]), Verdict.LATER, 90),
        (said(500, "rollup_error"), Verdict.LATER, 0),
        (said(400, "invalid_payload"), Verdict.DOUBTFUL, 0),
        (said(403, "action_prohibited"), Verdict.DOUBTFUL, 0),
        (said(404, "no_service"), Verdict.DOUBTFUL, 0),
        (said(410, "channel_is_archived"), Verdict.GONE, 0),
        (Answer(200, {}, [b"<html>Sign in to the network</html>"]), Verdict.DOUBTFUL, 0),
        (redirect("https://example.com/"), Verdict.DOUBTFUL, 0),
        (Answer(hang_up=True), Verdict.LATER, 0),
    ],
)
async def test_what_slack_says_is_understood(channel, slack, answer, verdict, wait):
    slack.answer_next(answer)

    outcome = await sent(channel, slack, opened())

    assert outcome.verdict is verdict
    assert outcome.at_least.total_seconds() == wait


async def test_a_second_message_within_a_second_is_told_when_to_come_again(channel, slack):
    await sent(channel, slack, opened())

    outcome = await sent(channel, slack, opened())

    assert (outcome.verdict, outcome.code) == (Verdict.LATER, 429)
    assert outcome.at_least.total_seconds() == 60


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.slack.com.evil.example/services/T/B/x",
        "https://example.com/services/T/B/x",
        "http://hooks.slack.com/services/T/B/x",
        "https://hooks.slack.com@evil.example/x",
        "https://10.0.0.1/services/T/B/x",
        "hooks.slack.com",
    ],
)
async def test_only_slack_itself_is_an_address(channel, address):
    with pytest.raises(InvalidRequest):
        channel.check(address)


async def test_slack_and_what_the_operator_allows_are_addresses(channel, slack):
    channel.check("https://hooks.slack.com/services/T0/B0/x")
    channel.check("https://hooks.slack-gov.com/services/T0/B0/x")
    channel.check(slack.webhook)


async def test_an_address_that_became_another_is_not_posted_to(channel):
    frozen = channel.freeze(opened(), TARGET)
    parcel = parcel_of(Channel.SLACK, frozen, secrets=("https://example.com/x",))

    outcome = await channel.send(parcel)

    assert outcome.verdict is Verdict.DOUBTFUL
    assert "hooks.slack.com" in outcome.detail
