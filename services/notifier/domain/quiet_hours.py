"""The times of the week in which what is not critical waits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from libs import problems

MOST_WINDOWS = 14
EVERY_DAY = tuple(range(7))
DAY = timedelta(days=1)
MINUTES_OF_WEEK = 7 * 24 * 60
SECOND = timedelta(seconds=1)


class QuietHoursMalformed(problems.InvalidRequest):
    """Give up to 14 windows with start and end as local HH:MM and weekdays from 0 (Monday) to 6."""

    reason = "QUIET_HOURS_MALFORMED"


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """From one local time of day to another: over midnight when the end is not the later one."""

    start: time
    end: time
    weekdays: tuple[int, ...] = EVERY_DAY
    """The days on which it begins, 0 = Monday."""

    @property
    def days(self) -> timedelta:
        """How many days after its beginning it ends."""
        return timedelta(0) if self.end > self.start else DAY

    def spans(self, zone: ZoneInfo, around: date) -> Iterator[tuple[datetime, datetime]]:
        """Gives when it is quiet, of the windows that begin on a day or the day before."""
        for day in (around - DAY, around):
            if day.weekday() in self.weekdays:
                yield instant(day, self.start, zone), instant(day + self.days, self.end, zone)


Windows = Sequence[QuietWindow]


def quiet_until(windows: Windows, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Gives when quiet hours end that are now; None when it is not quiet.

    One window may begin where another ends. Those that were checked leave a gap
    within a week.
    """
    end = None
    while later := _end_after(windows, zone, end or now):
        end = later
    return end


def check(windows: Windows) -> None:
    """Refuses windows that leave no time in which it is not quiet, or are too many."""
    if len(windows) > MOST_WINDOWS:
        raise QuietHoursMalformed.at("settings.quiet_hours")
    if len({minute for each in windows for minute in _minutes(each)}) == MINUTES_OF_WEEK:
        message = "These quiet hours never end; leave a time in which it is not quiet."
        raise QuietHoursMalformed.at("settings.quiet_hours", message)


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Gives when the wall clock shows a time; what it shows twice is meant the first time.

    What it never shows, because clocks are put forward, is the first moment after.
    """
    wall = datetime.combine(day, at, zone)
    found = wall.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return found
    before, after = wall.replace(fold=1).astimezone(UTC), found
    offset = before.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _end_after(windows: Windows, zone: ZoneInfo, now: datetime) -> datetime | None:
    today = now.astimezone(zone).date()
    spans = [span for each in windows for span in each.spans(zone, today)]
    return max((end for start, end in spans if start <= now < end), default=None)


def _minutes(window: QuietWindow) -> Iterator[int]:
    start = window.start.hour * 60 + window.start.minute
    end = window.end.hour * 60 + window.end.minute + 24 * 60 * window.days.days
    for day in window.weekdays:
        for minute in range(start, end):
            yield (day * 24 * 60 + minute) % MINUTES_OF_WEEK
