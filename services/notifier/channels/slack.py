"""Tells a channel of Slack, through an incoming webhook.

The form is that of https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
its limits those of https://docs.slack.dev/reference/block-kit/blocks.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from libs.clock import Clock
from services.notifier.channels.answers import answered, outcome_of
from services.notifier.channels.egress import Egress
from services.notifier.channels.layout import colour_of
from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.retry import Outcome, Verdict
from services.notifier.domain.target import Target
from services.notifier.domain.text import cut
from services.notifier.domain.wording import Listing

HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
MOST_FIELDS = 10
LONGEST_FIELD = 1000
LONGEST_SECTION = 2900
LONGEST_LINE = 200

_MARKUP = re.compile(r"(?<!\w)([*_~`])|([*_~`])(?!\w)")
_UNPARSED = "\u2060"
"""An invisible word joiner: a sign of markup behind it marks nothing."""

Block = dict[str, Any]


class SlackChannel:
    """Posts each message as blocks with a coloured bar; the URL itself is the secret."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock

    def check(self, address: str) -> None:
        self._egress.check(address, "target.address", hosts=HOSTS)

    def freeze(self, message: Message, target: Target) -> Frozen:  # noqa: ARG002
        blocks = [*_facts(message), *_listed(message.listings), *_ways_on(message)]
        body = {
            "text": escaped(message.subject),
            "attachments": [
                {
                    "color": colour_of(message),
                    "fallback": escaped(message.subject),
                    "blocks": blocks,
                }
            ],
            "unfurl_links": False,
        }
        return Frozen(subject=message.subject, body=json.dumps(body, ensure_ascii=False).encode())

    async def send(self, parcel: Parcel) -> Outcome:
        now = self._clock.now()
        post = self._egress.post(
            parcel.secrets[0],
            headers={"Content-Type": "application/json; charset=utf-8"},
            body=parcel.frozen.body,
            hosts=HOSTS,
        )
        answer = await answered(post)
        if isinstance(answer, Outcome):
            return answer
        # A proxy's page with 200 is not Slack: it says "ok" and nothing else.
        strange = answer.status == 200 and answer.excerpt != "ok"  # noqa: PLR2004
        return outcome_of(answer, now, Verdict.DOUBTFUL if strange else None)


def escaped(text: str) -> str:
    """Gives text that Slack shows as it is: no mentions, no links, no markup."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(lambda found: f"{_UNPARSED}{found[0]}", plain)


def _facts(message: Message) -> Iterator[Block]:
    fields = [
        {
            "type": "mrkdwn",
            "verbatim": True,
            "text": f"*{escaped(fact.label)}*\n{cut(escaped(fact.text), LONGEST_FIELD)}",
        }
        for fact in message.facts
    ]
    for first in range(0, len(fields), MOST_FIELDS):
        yield {"type": "section", "fields": fields[first : first + MOST_FIELDS]}


def _listed(listings: Sequence[Listing]) -> Iterator[Block]:
    for listing in listings:
        text = f"*{escaped(listing.label)}*"
        for line, link in listing.linked():
            shown = f"• {escaped(cut(line, LONGEST_LINE))}" + (f" <{link}|Open>" if link else "")
            if len(text) + len(shown) >= LONGEST_SECTION:
                yield _section(text)
                text = shown
            else:
                text += f"\n{shown}"
        yield _section(text)


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "verbatim": True, "text": text}}


def _ways_on(message: Message) -> Sequence[Block]:
    label = {"type": "plain_text", "text": message.link_text, "emoji": False}
    button = {"type": "button", "text": label, "url": message.link}
    settings = f"Sent by Runwarden. <{message.settings_link}|Change these alerts>"
    note = {"type": "mrkdwn", "verbatim": True, "text": settings}
    return [
        {"type": "actions", "elements": [button]},
        {"type": "context", "elements": [note]},
    ]
