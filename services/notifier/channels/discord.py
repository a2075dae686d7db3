"""Tells a channel of Discord, through a webhook.

The form and its limits are those of https://docs.discord.com/developers/resources/webhook
and https://docs.discord.com/developers/resources/message#embed-object.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from libs.clock import Clock
from services.notifier.channels.answers import answered, outcome_of
from services.notifier.channels.egress import Answer, Egress
from services.notifier.channels.layout import colour_of
from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.event import rfc3339
from services.notifier.domain.message import Message
from services.notifier.domain.retry import Outcome, Verdict
from services.notifier.domain.target import Target
from services.notifier.domain.text import cut
from services.notifier.domain.wording import Listing

HOSTS = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")
LONGEST_TITLE = 256
LONGEST_TEXT = 3900
SHORTEST_LINE = 20
MOST_FACTS = 12
LONGEST_FACT = 150
UNKNOWN_WEBHOOK = 10015

_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<@:-])")


class DiscordChannel:
    """Posts each message as one embed that mentions nobody; the URL itself is the secret."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock

    def check(self, address: str) -> None:
        self._egress.check(address, "target.address", hosts=HOSTS)

    def freeze(self, message: Message, target: Target) -> Frozen:  # noqa: ARG002
        embed = {
            "title": cut(escaped(message.subject), LONGEST_TITLE),
            "url": message.link,
            "description": _listed(message.listings),
            "color": int(colour_of(message).removeprefix("#"), 16),
            "fields": _facts(message),
            "footer": {"text": "Sent by Runwarden"},
            "timestamp": rfc3339(message.occurred_at),
        }
        body = {"embeds": [embed], "allowed_mentions": {"parse": []}}
        return Frozen(subject=message.subject, body=json.dumps(body, ensure_ascii=False).encode())

    async def send(self, parcel: Parcel) -> Outcome:
        now = self._clock.now()
        post = self._egress.post(
            parcel.secrets[0],
            headers={"Content-Type": "application/json"},
            body=parcel.frozen.body,
            hosts=HOSTS,
        )
        answer = await answered(post)
        if isinstance(answer, Outcome):
            return answer
        return outcome_of(answer, now, Verdict.GONE if _is_deleted(answer) else None)


def escaped(text: str) -> str:
    """Gives text that Discord shows as it is: no mentions, no links, no markup."""
    return _MARKUP.sub(r"\\\1", text)


def _facts(message: Message) -> Sequence[dict[str, Any]]:
    return [
        {
            "name": escaped(fact.label),
            "value": escaped(cut(fact.text, LONGEST_FACT)),
            "inline": len(fact.text) <= 40,  # noqa: PLR2004  three fit beside each other
        }
        for fact in message.facts[:MOST_FACTS]
    ]


def _listed(listings: Sequence[Listing]) -> str:
    """Gives every line, cut as far as all of them together must be."""
    shown = [(each.label, each.linked()) for each in listings]
    if _room(shown) < SHORTEST_LINE:
        # The lines are worth more than where they lead; the title leads to them all.
        shown = [(label, [(line, "") for line, _ in lines]) for label, lines in shown]
    room, text = max(_room(shown), SHORTEST_LINE), ""
    for label, lines in shown:
        text += f"**{escaped(label)}**\n"
        for line, link in lines:
            text += f"- {escaped(cut(line, room))}" + (f" [Open]({link})\n" if link else "\n")
    return text


def _room(shown: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> int:
    """Gives how long each line may be, even if every character of it is escaped."""
    lines = [each for _, listed in shown for each in listed]
    taken = sum(len(link) + len(" [Open]()\n- ") for _, link in lines)
    taken += sum(len(label) + len("****\n") for label, _ in shown)
    return (LONGEST_TEXT - taken) // max(len(lines), 1) // 2


def _is_deleted(answer: Answer) -> bool:
    """Says whether Discord knows no such webhook any more; it counts repeated tries as abuse."""
    try:
        told = json.loads(answer.excerpt)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("code") == UNKNOWN_WEBHOOK
