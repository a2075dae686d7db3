"""What a target was not told while it was quiet about something."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.notifier.domain.message import Message, Occasion
from services.notifier.domain.wording import Fact, counted


@dataclass(frozen=True, slots=True)
class Untold:
    """What became of an incident, and of those of its kind before it, since a target was told last.

    Counted in failures; in events where the incident counts no failures.
    """

    location_id: str
    dedup_key: str
    counted: int
    """All that the incident counts by now."""

    since_last: int
    """What was counted since the last message about such an incident was made for the target."""

    is_first: bool
    """Whether nothing about this incident was made for the target before."""


def quieted(messages: Sequence[Message], untold: Sequence[Untold | None]) -> Sequence[Message]:
    """Gives messages to one target with what happened since the last one and none of them tells.

    Of several about the same the last says it.
    """
    last: dict[tuple[str, str], int] = {}
    told: defaultdict[tuple[str, str], int] = defaultdict(int)
    found = list(messages)
    for number, (message, each) in enumerate(zip(messages, untold, strict=True)):
        if each:
            key = (each.location_id, each.dedup_key)
            last[key] = number
            told[key] += _told_by(message, each)
    for key, number in last.items():
        each = untold[number]
        if each and each.since_last > told[key]:
            found[number] = _saying(messages[number], each.since_last - told[key])
    return found


def _told_by(message: Message, untold: Untold) -> int:
    """Counts what a message tells by itself."""
    if message.occasion is Occasion.RESOLVED and untold.is_first:
        return untold.counted  # it stands for the beginning as well, and says how much it was
    if message.occasion not in (Occasion.OPENED, Occasion.RAISED):
        return 0
    if message.content.get("event_id") is None:
        return message.counted
    detail = message.content.get("detail") or {}
    return int(detail.get("new_failures") or detail.get("new_runs") or 1)


def _saying(message: Message, number: int) -> Message:
    incident = message.content.get("incident") or {}
    noun = "failure" if incident.get("failure_count") else "event"
    quiet = Fact("While quiet", f"+{counted(number, noun)}")
    return replace(message, suppressed_since_last=number, facts=(quiet, *message.facts))
