"""Windows of the wall clock in which nothing is scanned; what falls into one runs at its end."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from libs import problems
from services.scheduler.domain import wall_clock
from services.scheduler.domain.cron import TICK

MOST_WINDOWS = 20
LEAST_FREE = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK_MINUTES = 7 * 24 * 60
SUNDAY = 6
BEGUN_BEFORE = range(-2, 1)
"""A window that is still open began today, yesterday, or, spread over midnight, the day before."""

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class BlackoutMalformed(problems.InvalidRequest):
    """Write start and end as HH:MM, from 00:00 to 23:59, and weekdays from 0 (Monday) to 6 (Sunday)."""

    reason = "BLACKOUT_MALFORMED"


class BlackoutsTooMany(problems.InvalidRequest):
    """At most 20 blackout windows; join some."""

    reason = "BLACKOUTS_TOO_MANY"


class BlackoutsLeaveNoTime(problems.InvalidRequest):
    """The blackout windows and the spread leave less than an hour a week; free some time."""

    reason = "BLACKOUTS_LEAVE_NO_TIME"


@dataclass(frozen=True, slots=True)
class BlackoutWindow:
    """A time of day, such as 22:00 to 06:00; from a time to the same time is 24 hours."""

    start: str
    end: str
    weekdays: tuple[int, ...] = ()
    """Local days on which it begins, 0 = Monday; every day when none is named."""

    @property
    def length(self) -> timedelta:
        """How long it lasts by the wall clock."""
        return (_since_midnight(self.end) - _since_midnight(self.start)) % DAY or DAY

    def begins_on(self, day: date) -> bool:
        """Says whether it begins on a day."""
        return not self.weekdays or day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time without scans: from its begin up to, and without, its end."""

    begin: datetime
    end: datetime


def settled(
    windows: Iterable[BlackoutWindow], spread: timedelta = timedelta(0)
) -> tuple[BlackoutWindow, ...]:
    """Gives the windows, each once and in order; raises what is wrong with them."""
    checked = tuple(sorted({_checked(each) for each in windows}, key=_order))
    if len(checked) > MOST_WINDOWS:
        raise BlackoutsTooMany.at("blackout_windows")
    if checked and _free(checked, spread) < LEAST_FREE:
        raise BlackoutsLeaveNoTime.at("blackout_windows")
    return checked


def held(
    windows: Sequence[BlackoutWindow], zone: ZoneInfo, at: datetime, delay: timedelta
) -> Stretch | None:
    """Gives the stretch without scans that a time is in, windows that touch as one.

    Each window ends later by the delay, so that what waits for its end does not
    start everywhere at once.
    """
    if not windows or (around := _around(windows, zone, at, delay)) is None:
        return None
    begin, end = around.begin, around.end
    while later := _around(windows, zone, end, delay):
        end = later.end
    while earlier := _around(windows, zone, begin - TICK, delay):
        begin = earlier.begin
    return Stretch(begin, end)


def _around(
    windows: Sequence[BlackoutWindow], zone: ZoneInfo, at: datetime, delay: timedelta
) -> Stretch | None:
    found = [each for each in _openings(windows, zone, at, delay) if each.begin <= at < each.end]
    if not found:
        return None
    return Stretch(min(each.begin for each in found), max(each.end for each in found))


def _openings(
    windows: Sequence[BlackoutWindow], zone: ZoneInfo, at: datetime, delay: timedelta
) -> Iterator[Stretch]:
    today = at.astimezone(zone).date()
    for day in (today + days * DAY for days in BEGUN_BEFORE):
        midnight = datetime.combine(day, time())
        for window in windows:
            if not window.begins_on(day):
                continue
            opens = midnight + _since_midnight(window.start)
            begin = wall_clock.instant(opens, zone)
            end = wall_clock.instant(opens + window.length, zone)
            if begin is not None and end is not None:
                yield Stretch(begin, end + delay)


def _free(windows: Sequence[BlackoutWindow], spread: timedelta) -> timedelta:
    """Gives how much of a week is in no window, and not within the spread behind one."""
    taken: set[int] = set()
    for window in windows:
        length = (window.length + spread) // timedelta(minutes=1)
        for weekday in window.weekdays or range(SUNDAY + 1):
            begin = (weekday * DAY + _since_midnight(window.start)) // timedelta(minutes=1)
            taken.update(minute % WEEK_MINUTES for minute in range(begin, begin + length))
    return timedelta(minutes=WEEK_MINUTES - len(taken))


def _checked(window: BlackoutWindow) -> BlackoutWindow:
    well = all(_TIME_OF_DAY.fullmatch(each) for each in (window.start, window.end))
    if not well or not all(0 <= each <= SUNDAY for each in window.weekdays):
        raise BlackoutMalformed.at("blackout_windows")
    return BlackoutWindow(window.start, window.end, tuple(sorted(set(window.weekdays))))


def _order(window: BlackoutWindow) -> tuple[str, str, tuple[int, ...]]:
    return window.start, window.end, window.weekdays


def _since_midnight(time_of_day: str) -> timedelta:
    hours, minutes = map(int, time_of_day.split(":"))
    return timedelta(hours=hours, minutes=minutes)
