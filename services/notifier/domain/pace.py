"""How fast a target is told, so that no storm of incidents becomes a storm of messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from services.notifier.domain.decision import Hold
from services.notifier.domain.event import Severity
from services.notifier.domain.message import Message, Occasion
from services.notifier.domain.target import Channel


class Lane(IntEnum):
    """The queues of each target, so that what is urgent never waits behind the rest."""

    URGENT = 0
    CALM = 1
    SUMMARY = 2
    """Sums up already: it waits for no company, and nothing is folded into it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `burst` messages at once, and one more every so often."""

    every: timedelta
    burst: int

    @property
    def slack(self) -> timedelta:
        """How far ahead of now the messages already sent may be paid for."""
        return self.every * (self.burst - 1)


CHATS = (Channel.SLACK, Channel.DISCORD)
PACES: Mapping[tuple[Channel, Lane], Pace] = {
    (Channel.EMAIL, Lane.URGENT): Pace(timedelta(seconds=10), 5),
    (Channel.EMAIL, Lane.CALM): Pace(timedelta(minutes=1), 10),
    (Channel.EMAIL, Lane.SUMMARY): Pace(timedelta(minutes=1), 10),
    (Channel.WEBHOOK, Lane.URGENT): Pace(timedelta(seconds=1), 60),
    (Channel.WEBHOOK, Lane.CALM): Pace(timedelta(seconds=1), 60),
    (Channel.WEBHOOK, Lane.SUMMARY): Pace(timedelta(seconds=1), 60),
    **{(channel, lane): Pace(timedelta(seconds=1), 1) for channel in CHATS for lane in Lane},
    (Channel.SMS, Lane.URGENT): Pace(timedelta(minutes=1), 3),
    (Channel.SMS, Lane.CALM): Pace(timedelta(minutes=10), 3),
    (Channel.SMS, Lane.SUMMARY): Pace(timedelta(minutes=10), 3),
}
"""What is not urgent is paid for from one purse."""

MOST_FOLDED: Mapping[Channel, int] = {
    Channel.EMAIL: 100,
    Channel.WEBHOOK: 50,
    Channel.SLACK: 50,
    Channel.DISCORD: 15,
    Channel.SMS: 200,
}
"""So many alerts make one message; more would not be read, or not be taken."""


def most_in_one(channel: Channel, lane: Lane) -> int:
    """Gives how many deliveries one message may hold."""
    return 1 if lane is Lane.SUMMARY else MOST_FOLDED[channel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long messages wait that are not urgent."""

    group: timedelta
    """For company, to go out as one."""


def lane_of(message: Message) -> Lane:
    """Gives the queue of a message: what is wrong and critical is urgent."""
    if message.occasion is Occasion.SUMMARY and message.held_because != Hold.DIGEST:
        return Lane.SUMMARY
    wrong = message.occasion in (Occasion.OPENED, Occasion.RAISED, Occasion.REMINDER)
    return Lane.URGENT if wrong and message.severity is Severity.CRITICAL else Lane.CALM
