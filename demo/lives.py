"""What happens in a workflow over the days: how often it runs, how long, and what goes wrong."""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Share = Callable[[float], float]
"""The share of runs that something stops, by how many days ago they ended."""

DAY = timedelta(days=1)
SATURDAY = 5
STORM_STARTS = 64
STORM_MINUTES = 26.0
CONTACTS = 400
TIME_OUT_MS = 30_000
OPEN_FOR = timedelta(hours=30)
"""So long ago began what never ends: longer than a run may take."""

OFFICE = dict(zip(range(8, 19), (4, 8, 10, 9, 6, 5, 7, 9, 8, 5, 2), strict=True))
EVENING = dict(zip(range(11, 23), (2, 3, 2, 2, 3, 4, 7, 10, 10, 8, 5, 2), strict=True))
MORNING = {6: 2, 7: 10, 8: 6, 9: 2}
ALL_DAY = dict.fromkeys(range(24), 1) | dict.fromkeys(range(8, 22), 4)


def always(share: float) -> Share:
    """Stops the same share of the runs every day."""
    return lambda _: share


def since(days_ago: float, share: float, before: float = 0) -> Share:
    """Stops a share from some day on."""
    return lambda age: share if age <= days_ago else before


def until(days_ago: float, share: float, after: float = 0) -> Share:
    """Stops a share up to some day."""
    return lambda age: after if age <= days_ago else share


def growing(share: float, over_days: float = 12) -> Share:
    """Stops nothing at first and then more every day, up to a share now."""
    return lambda age: share * max(0.0, 1 - age / over_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A step that fails now and then, and what it says; `{n}` stands for a number in it."""

    step: str
    says: Sequence[str]
    share: Share
    partial: bool = False
    """Whether the run goes on without the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How a workflow runs."""

    daily: float
    """Runs on a usual weekday."""
    hours: Mapping[int, float] = field(default_factory=lambda: OFFICE)
    """How the day's runs are spread over the hours of the location."""
    weekend: float = 0.3
    """Runs on a day of the weekend, as a share of a weekday's."""
    seconds: float = 2.5
    """What half of the runs take at most."""
    faults: Sequence[Fault] = ()
    silent_for: float = 0
    """Days for which nothing has started it any more."""
    storm: bool = False
    """Whether one contact started it over and over this morning."""
    unfinished: int = 0
    """Runs that began yesterday and never ended."""


def executions(
    life: Life, workflow: Mapping[str, str], zone: str, now: datetime, days: int
) -> list[dict[str, Any]]:
    """Gives the runs of the last days; the same for the same moment."""
    chance = random.Random(f"{workflow['workflowId']}")  # noqa: S311  it shall be the same each time
    moments = sorted(_moments(life, ZoneInfo(zone), now, days, chance))
    runs = [
        _run(life, at, chance) | _ending(life, number, (now - at) / DAY, chance)
        for number, at in enumerate(moments)
    ]
    if life.storm:
        runs = [*runs, *_storm(now, chance)]
    for number, each in enumerate(runs):
        each["runId"] = f"{workflow['workflowId']}-{number}"
    return [dict(workflow) | each for each in runs]


def unfinished(life: Life, workflow: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """Gives the starts of runs that nobody will report the end of."""
    return [
        dict(workflow)
        | {
            "status": "started",
            "runId": f"{workflow['workflowId']}-open-{number}",
            "executedAt": (now - OPEN_FOR - number * timedelta(minutes=7)).isoformat(),
        }
        for number in range(life.unfinished)
    ]


def _moments(
    life: Life, zone: ZoneInfo, now: datetime, days: int, chance: random.Random
) -> Iterator[datetime]:
    end = now - life.silent_for * DAY
    today = now.astimezone(zone).date()
    for ago in range(days + 1):
        day = today - ago * DAY
        for _ in range(_count(life, day, chance)):
            at = _moment(life, day, zone, chance)
            if now - days * DAY < at < end:
                yield at


def _count(life: Life, day: date, chance: random.Random) -> int:
    usual = life.daily * (life.weekend if day.weekday() >= SATURDAY else 1)
    return max(0, round(chance.gauss(usual, math.sqrt(usual) / 2)))


def _moment(life: Life, day: date, zone: ZoneInfo, chance: random.Random) -> datetime:
    (hour,) = chance.choices(list(life.hours), list(life.hours.values()))
    at = time(hour, chance.randrange(60), chance.randrange(60), chance.randrange(1000) * 1000)
    return datetime.combine(day, at, zone)


def _run(life: Life, at: datetime, chance: random.Random) -> dict[str, Any]:
    return {
        "executedAt": at.astimezone(UTC).isoformat(),
        "contactId": f"contact-{chance.randrange(CONTACTS):03}",
        "executionTimeMs": round(life.seconds * 1000 * chance.lognormvariate(0, 0.45)),
    }


def _ending(life: Life, number: int, age: float, chance: random.Random) -> dict[str, Any]:
    for fault in life.faults:
        if chance.random() < fault.share(age):
            return _failure(fault, number, chance)
    return {"status": "success"}


def _failure(fault: Fault, number: int, chance: random.Random) -> dict[str, Any]:
    said = chance.choice(fault.says).replace("{n}", str(4_100_000 + number))
    slow = {"executionTimeMs": TIME_OUT_MS} if "timed out" in said else {}
    return slow | {
        "status": "partial" if fault.partial else "failed",
        "failedActionName": fault.step,
        "errorMessage": said,
    }


def _storm(now: datetime, chance: random.Random) -> Iterator[dict[str, Any]]:
    began = now - timedelta(hours=5)
    for _ in range(STORM_STARTS):
        at = began + timedelta(minutes=chance.uniform(0, STORM_MINUTES))
        yield {
            "status": "success",
            "executedAt": at.astimezone(UTC).isoformat(),
            "contactId": "contact-loop",
            "executionTimeMs": 400 + chance.randrange(200),
        }
