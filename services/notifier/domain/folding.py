"""Keeps messages until they are sent, and makes one of many."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from services.notifier.domain.event import Severity
from services.notifier.domain.links import Links
from services.notifier.domain.message import LONGEST_PLACE, Message, Occasion
from services.notifier.domain.text import cut, fitted
from services.notifier.domain.wording import LONGEST_NAME, Fact, Listing

_WORST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
_HEADINGS: Mapping[Occasion, str] = {
    Occasion.RAISED: "Became more severe",
    Occasion.OPENED: "Began",
    Occasion.REMINDER: "Still open, and nobody looks after it",
    Occasion.UPDATE: "Getting worse",
    Occasion.RESOLVED: "Over",
    Occasion.SUMMARY: "Scans",
    Occasion.TARGET: "Where alerts go",
}

DIGEST = "digest"
LONGEST_LINE = 150
"""Bytes; with longer ones a mail of many alerts would be cut off by mail programs, at 100 kB."""


def packed(message: Message) -> dict[str, Any]:
    """Gives a message as JSON can hold it."""
    return {
        **_parts(message),
        "occurred_at": message.occurred_at.isoformat(),
        "facts": [_parts(each) for each in message.facts],
        "listings": [_parts(each) for each in message.listings],
    }


def _parts(whole: Message | Fact | Listing) -> dict[str, Any]:
    return {each.name: getattr(whole, each.name) for each in fields(whole)}


def unpacked(kept: Mapping[str, Any]) -> Message:
    """Gives a message that was kept."""
    return Message(
        **{
            **kept,
            "occasion": Occasion(kept["occasion"]),
            "severity": Severity(kept["severity"]),
            "occurred_at": datetime.fromisoformat(kept["occurred_at"]),
            "facts": tuple(Fact(**each) for each in kept["facts"]),
            "listings": tuple(
                Listing(each["label"], tuple(each["lines"]), tuple(each.get("links", ())))
                for each in kept["listings"]
            ),
        }
    )


def folded(messages: Sequence[Message], links: Links) -> Message:
    """Makes one message of several to the same target: all of them are listed, each on its line."""
    if len(messages) == 1:
        return messages[0]
    severity = min((each.severity for each in messages), key=_WORST_FIRST.index)
    first = next(each for each in messages if each.severity is severity)
    title = _title(messages, first)
    names = {each.location_name for each in messages}
    return Message(
        occasion=Occasion.FOLDED,
        severity=severity,
        title=title,
        occurred_at=max(each.occurred_at for each in messages),
        facts=(Fact("Alerts", str(len(messages))),),
        listings=_listings(messages),
        link=links.inbox(),
        link_text="Open the inbox",
        settings_link=first.settings_link,
        location_name=first.location_name if len(names) == 1 else "",
        suppressed_since_last=sum(each.suppressed_since_last for each in messages),
        content={
            "test": False,
            "location_id": first.content.get("location_id"),
            "severity": severity,
            "occasion": Occasion.FOLDED,
            "title": title,
            "counts": {"alerts": len(messages)},
            "items": [each.document for each in messages],
        },
    )


def _title(messages: Sequence[Message], first: Message) -> str:
    if not any(each.held_because for each in messages):
        return f"{cut(first.title, LONGEST_NAME)} (+{len(messages) - 1})"
    over = sum(each.occasion is Occasion.RESOLVED for each in messages)
    of_them = f", {over} over by now" if over else ""
    digest = any(each.held_because == DIGEST for each in messages)
    return f"{'Digest' if digest else 'After quiet hours'}: {len(messages)} alerts{of_them}"


def _listings(messages: Sequence[Message]) -> tuple[Listing, ...]:
    found = []
    many = len({_where(each) for each in messages}) > 1
    for occasion, heading in _HEADINGS.items():
        under = [each for each in messages if each.occasion is occasion]
        if under:
            lines = tuple(_line(each, _where(each) if many else "") for each in under)
            found.append(Listing(heading, lines, tuple(each.link for each in under)))
    return tuple(found)


def _line(message: Message, where: str) -> str:
    number = message.suppressed_since_last
    quiet = f" (+{number} while quiet)" if number else ""
    line = f"[{message.tag}] {where}{message.title}"
    return fitted(line, LONGEST_LINE - len(quiet)) + quiet


def _where(message: Message) -> str:
    return f"{cut(message.place, LONGEST_PLACE)}: "
