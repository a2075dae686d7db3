"""When a schedule fires: the one calculus that fires, previews and catches up."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice, pairwise, takewhile

from libs import problems
from services.scheduler.domain import blackouts, cron, wall_clock
from services.scheduler.domain.blackouts import BlackoutWindow, Stretch
from services.scheduler.domain.cron import CronLine
from services.scheduler.domain.zones import zone

DEFAULT_TIME = "02:00"
DEFAULT_ZONE = "America/Chicago"
SUNDAY = 6
LONGEST_CATCH_UP = timedelta(hours=12)
LEAST_PATIENCE = timedelta(minutes=10)
NEVER = datetime.min.replace(tzinfo=UTC)
SAMPLE = 64
"""So many fires show the shortest distance between two: a line repeats itself by the hour."""

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class PreferredTimeMalformed(problems.InvalidRequest):
    """Write the local time of day as HH:MM, from 00:00 to 23:59, such as 02:30."""

    reason = "PREFERRED_TIME_MALFORMED"


class WeekdayOutOfRange(problems.InvalidRequest):
    """Write the weekday as a number from 0 (Monday) to 6 (Sunday)."""

    reason = "WEEKDAY_OUT_OF_RANGE"


class Frequency(StrEnum):
    """How often a location is scanned."""

    DAILY = "daily"
    EVERY_12_HOURS = "12h"
    EVERY_6_HOURS = "6h"
    WEEKLY = "weekly"
    CRON = "cron"


PERIODS = {
    Frequency.DAILY: timedelta(days=1),
    Frequency.EVERY_12_HOURS: timedelta(hours=12),
    Frequency.EVERY_6_HOURS: timedelta(hours=6),
    Frequency.WEEKLY: timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The part of a schedule that decides when it fires; equal timings fire alike.

    Empty fields have their defaults once it is `settled`; only then it can fire.
    """

    frequency: Frequency
    preferred_time: str = ""
    timezone: str = ""
    weekday: int | None = None
    cron_expression: str = ""
    delay: timedelta = timedelta(0)
    """How long after each slot it fires: the location's place within the spread."""
    blackout_windows: tuple[BlackoutWindow, ...] = ()

    @property
    def line(self) -> CronLine:
        """The same as a cron line, so that there is one calculus for all frequencies."""
        if self.frequency is Frequency.CRON:
            return CronLine(self.cron_expression)
        hour, minute = map(int, self.preferred_time.split(":"))
        hours, weekday = str(hour), "*"
        if self.frequency is Frequency.EVERY_12_HOURS:
            hours = ",".join(str(each) for each in range(hour % 12, 24, 12))
        elif self.frequency is Frequency.EVERY_6_HOURS:
            hours = ",".join(str(each) for each in range(hour % 6, 24, 6))
        elif self.weekday is not None:
            weekday = str((self.weekday + 1) % 7)
        return CronLine(f"{minute} {hours} * * {weekday}")


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One time a schedule would fire, the wall clock then, and what the clocks do around it."""

    fires_at: datetime
    local_time: str
    clock_change: str
    blackout: str
    """Which time fell into a blackout window, so that it runs now. Empty when none did."""


def settled(timing: Timing, now: datetime) -> Timing:
    """Gives the timing with its defaults, and without what its frequency does not use.

    Raises the problem of the first field that is wrong.
    """
    preferred_time = _checked_time(timing.preferred_time or DEFAULT_TIME)
    local_zone = zone(timing.timezone or DEFAULT_ZONE)
    weekday = _checked_weekday(timing.weekday)
    if weekday is None:
        weekday = now.astimezone(local_zone).weekday()
    by_cron = timing.frequency is Frequency.CRON
    line = cron.parsed(timing.cron_expression) if by_cron else None
    if line and wall_clock.first_fire(line, local_zone, now) is None:
        raise cron.never_fires(line)
    return replace(
        timing,
        preferred_time=preferred_time,
        timezone=local_zone.key,
        weekday=weekday if timing.frequency is Frequency.WEEKLY else None,
        cron_expression=line.text if line else "",
    )


def next_fire(timing: Timing, after: datetime) -> datetime:
    """Gives the first time it fires strictly after; raises `CronNeverFires`."""
    line, local_zone = timing.line, zone(timing.timezone)
    held = _held(timing, after)
    if held and _last_slot(timing, after) >= held.begin:
        return held.end
    slot = wall_clock.first_fire(line, local_zone, after - timing.delay)
    if slot is None:
        raise cron.never_fires(line)
    waits = _held(timing, slot + timing.delay)
    return waits.end if waits else slot + timing.delay


def latest_fire(timing: Timing, until: datetime) -> datetime | None:
    """Gives the last time it fired at or before, looking back from there."""
    held = _held(timing, until)
    # What waits in a stretch without scans fires at its end, after this.
    last = _last_slot(timing, held.begin - cron.TICK if held else until)
    if last is NEVER:
        return None
    waited = _held(timing, last)
    return waited.end if waited else last


def fires(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Gives all times it fires strictly after, in order."""
    while True:
        after = next_fire(timing, after)
        yield after


def count_fires(timing: Timing, after: datetime, until: datetime, *, limit: int = 100) -> int:
    """Counts the fires after the one time and up to the other, at most up to the limit."""
    within = takewhile(lambda fires_at: fires_at <= until, fires(timing, after))
    return sum(1 for _ in islice(within, limit))


def planned_runs(timing: Timing, after: datetime, count: int) -> list[PlannedRun]:
    """Gives the next times it fires, each with what the clocks do around it."""
    return [_planned(timing, fires_at) for fires_at in islice(fires(timing, after), count)]


def period(timing: Timing) -> timedelta:
    """Gives the shortest usual distance between two fires, on days without clock changes."""
    return PERIODS.get(timing.frequency) or _period(timing.line)


@lru_cache(maxsize=10_000)
def _period(line: CronLine) -> timedelta:
    slots = islice(line.after(cron.ANY_DAY), SAMPLE)
    return min(later - earlier for earlier, later in pairwise(slots))


def overdue_after(timing: Timing) -> timedelta:
    """Gives how long after a fire its scan must be complete: half a period, at least 10 minutes.

    So one and a half periods after the last one, and no alarm on the Monday after
    a weekend that the schedule leaves out.
    """
    return max(period(timing) / 2, LEAST_PATIENCE)


def catch_up_window(timing: Timing) -> timedelta:
    """Gives how late a fire may still be caught up: half the period, at most 12 hours."""
    return min(period(timing) / 2, LONGEST_CATCH_UP)


def _held(timing: Timing, at: datetime) -> Stretch | None:
    if not timing.blackout_windows:
        return None
    return blackouts.held(timing.blackout_windows, zone(timing.timezone), at, timing.delay)


def _last_slot(timing: Timing, until: datetime) -> datetime:
    """Gives the last slot, with its delay, at or before; `NEVER` when there was none."""
    slot = wall_clock.last_fire(timing.line, zone(timing.timezone), until - timing.delay)
    return slot + timing.delay if slot else NEVER


def _planned(timing: Timing, fires_at: datetime) -> PlannedRun:
    local_zone = zone(timing.timezone)
    local, meant = fires_at.astimezone(local_zone), _last_slot(timing, fires_at)
    slot = meant - timing.delay
    held = f"{slot.astimezone(local_zone):%H:%M} is in a blackout" if meant != fires_at else ""
    change = _clock_change(timing, slot, local)
    return PlannedRun(fires_at, local.isoformat(), clock_change=change, blackout=held)


def _clock_change(timing: Timing, slot: datetime, local: datetime) -> str:
    line, local_zone = timing.line, zone(timing.timezone)
    if skipped := wall_clock.skipped_slots(line, local_zone, slot):
        first, last = skipped[0], skipped[-1]
        missing = f"{first:%H:%M} does" if first == last else f"{first:%H:%M} to {last:%H:%M} do"
        return f"{missing} not exist on {first:%Y-%m-%d}: runs at {local:%H:%M}"
    if wall_clock.shown_twice(local_zone, slot):
        shown = slot.astimezone(local_zone)
        passes = "the first time" if line.names_times else "both times"
        return f"{shown:%H:%M} comes twice on {shown:%Y-%m-%d}: runs {passes}"
    return ""


def _checked_time(text: str) -> str:
    if not _TIME_OF_DAY.fullmatch(text):
        message = f"{text[:20]!r} is not a time of day. {PreferredTimeMalformed.__doc__}"
        raise PreferredTimeMalformed.at("preferred_time", message)
    return text


def _checked_weekday(weekday: int | None) -> int | None:
    if weekday is not None and not 0 <= weekday <= SUNDAY:
        message = f"{weekday} is not a weekday. {WeekdayOutOfRange.__doc__}"
        raise WeekdayOutOfRange.at("weekday", message)
    return weekday
