"""When a delivery is tried again, and when it is given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.notifier.domain.target import Channel, Health

LONGEST_RETRY_AFTER = timedelta(hours=1)
SLOW_DOWN = timedelta(seconds=60)
"""What a target that said 429, or did not answer in time, is given at least."""

PAUSE = timedelta(seconds=10)
"""After a failure a target's other deliveries wait this long, so that a sick one is not flooded."""

HOLD = timedelta(seconds=30)
"""How long a whole channel waits when its relay cannot be used."""

FEW_ATTEMPTS = 4
ONCE_MORE = 2
STALE = {Channel.SMS: timedelta(minutes=30)}
"""What is older than this is not sent there any more."""

SPACING = {Channel.SLACK: timedelta(seconds=1), Channel.DISCORD: timedelta(seconds=1)}
"""Between two requests, whatever they carry: https://docs.slack.dev/apis/web-api/rate-limits."""

JITTER = 0.2


def _seconds(*waits: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=each) for each in waits)


MINUTE, HOUR = 60, 3600
POSTED = _seconds(
    0, 10, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE,
    HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR,
)  # fmt: skip
WAITS: Mapping[Channel, Sequence[timedelta]] = {
    Channel.WEBHOOK: POSTED,
    Channel.SLACK: POSTED,
    Channel.DISCORD: POSTED,
    Channel.EMAIL: _seconds(
        0, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE,
        HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR,
    ),
    Channel.SMS: _seconds(0, 15, 60, 5 * MINUTE),
}  # fmt: skip
"""The wait before each attempt."""


WORN_OUT_AFTER = timedelta(days=5)
WORN_OUT_FAILURES = 10
"""So long and so often nothing but failures, and a target is switched off."""


class Verdict(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    LATER = "later"  # the other side may take it another time: the full schedule
    DOUBTFUL = "doubtful"  # more likely a mistake than a moment: a few attempts
    REFUSED = "refused"  # it never will
    GONE = "gone"  # it never will take anything again
    UNSURE = "unsure"  # it may have been taken, and a second one would disturb: once more
    HELD = "held"  # not even asked, because the way there is closed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to, and what the other side said."""

    verdict: Verdict
    detail: str
    code: int | None = None
    at_least: timedelta = timedelta(0)
    """No attempt before this is over, whatever the schedule says."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a delivery after an attempt."""

    wait: timedelta | None = None
    """Until the next attempt; None when there is none."""

    charged: bool = True
    """Whether the attempt counts."""

    pause: timedelta = timedelta(0)
    """How long the target's other deliveries wait."""

    disables_target: bool = False
    holds_channel: bool = False


def fate_of(channel: Channel, attempts: int, outcome: Outcome, luck: float) -> Fate:
    """Gives what becomes of a delivery; `attempts` counts this one, `luck` is in [0, 1)."""
    if outcome.verdict is Verdict.HELD:
        return Fate(wait=_jittered(HOLD, luck), charged=False, holds_channel=True)
    if outcome.verdict is Verdict.GONE:
        return Fate(disables_target=True)
    waits = WAITS[channel]
    most = {Verdict.DOUBTFUL: FEW_ATTEMPTS, Verdict.UNSURE: ONCE_MORE}.get(
        outcome.verdict, len(waits)
    )
    final = outcome.verdict in (Verdict.DELIVERED, Verdict.REFUSED)
    if final or attempts >= min(most, len(waits)):
        return Fate(pause=SPACING.get(channel, timedelta(0)))
    wait = max(_jittered(waits[attempts], luck), outcome.at_least)
    return Fate(wait=wait, pause=max(PAUSE, min(outcome.at_least, SLOW_DOWN)))


def worn_out(health: Health, now: datetime) -> bool:
    """Says whether a target has failed so long, and was tried so often, that it is switched off."""
    since = health.failing_since
    long_enough = since is not None and now - since >= WORN_OUT_AFTER
    return long_enough and health.failures >= WORN_OUT_FAILURES


def _jittered(wait: timedelta, luck: float) -> timedelta:
    return wait * (1 - JITTER + 2 * JITTER * luck)
