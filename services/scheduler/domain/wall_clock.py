"""Where the slots of a wall clock lie in time: the rule for gaps, folds and date lines.

A line that names times of day fires once for each: at the first pass where the
clock shows it twice, at the end of the gap where the clock skips it, and not at
all where the calendar jumps (3 hours and more). A line with a star in its minute
or hour fires whenever the clock really shows one of its slots.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import takewhile
from zoneinfo import ZoneInfo

from services.scheduler.domain.cron import TICK, CronLine

CALENDAR_JUMP = timedelta(hours=3)
STRIDE = timedelta(days=6)
"""Since 1970 no zone has changed its offset there and back within 6 days."""
SECOND = timedelta(seconds=1)
HORIZON = timedelta(days=50 * 366)
"""A line that has not fired within 50 years never fires, as cronsim has it."""


def first_fire(line: CronLine, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Gives the first time it fires strictly after; none when it never does."""
    if line.names_times:
        slots = line.after(_reading(after, zone))
        return next((each for each in _instants(slots, zone) if each > after), None)
    return _first_shown(line, zone, after)


def last_fire(line: CronLine, zone: ZoneInfo, until: datetime) -> datetime | None:
    """Gives the last time it fired at or before; none when it never did."""
    if line.names_times:
        slots = line.until(_furthest_reading(until, zone))
        return next((each for each in _instants(slots, zone) if each <= until), None)
    return _last_shown(line, zone, until)


def skipped_slots(line: CronLine, zone: ZoneInfo, at: datetime) -> list[datetime]:
    """Gives the slots that the clock skips at an instant and that therefore fire there."""
    reading, before = _reading(at, zone), _reading(at - TICK, zone)
    if not line.names_times or reading - before >= CALENDAR_JUMP:
        return []
    return list(takewhile(lambda slot: slot < reading, line.after(before)))


def shown_twice(zone: ZoneInfo, at: datetime) -> bool:
    """Says whether the clock shows the reading of an instant twice."""
    local = at.astimezone(zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def instant(slot: datetime, zone: ZoneInfo) -> datetime | None:
    """Gives when a slot fires; none when the calendar jumps over it."""
    local = slot.replace(tzinfo=zone, fold=0)
    shown_at = local.astimezone(UTC)
    if _reading(shown_at, zone) == slot:
        return shown_at
    jump = _offset(local.replace(fold=1)) - _offset(local)
    return None if jump >= CALENDAR_JUMP else _change(zone, shown_at - jump, shown_at)


def _instants(slots: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    return (each for slot in slots if (each := instant(slot, zone)) is not None)


def _first_shown(line: CronLine, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Looks with the clock held at its offset, and again from where the offset changes."""
    start, reading = after, _reading(after, zone)
    while start < after + HORIZON:
        slot = next(line.after(reading), None)
        if slot is None:
            return None
        fires_at = _held(slot, start, zone)
        change = _first_change(zone, start, fires_at)
        if change is None:
            return fires_at
        start, reading = change, _reading(change, zone) - TICK
    return None


def _last_shown(line: CronLine, zone: ZoneInfo, until: datetime) -> datetime | None:
    """The same backwards."""
    end = until
    while end > until - HORIZON:
        slot = next(line.until(_reading(end, zone)), None)
        if slot is None:
            return None
        fired_at = _held(slot, end, zone)
        change = _last_change(zone, fired_at, end)
        if change is None:
            return fired_at
        end = change - TICK
    return None


def _first_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    while start < end:
        stop = min(start + STRIDE, end)
        if change := _change(zone, start, stop):
            return change
        start = stop
    return None


def _last_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    while start < end:
        stop = max(end - STRIDE, start)
        if change := _change(zone, stop, end):
            return change
        end = stop
    return None


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """Gives the instant after the start and up to the end at which the offset changes.

    zoneinfo does not tell its transitions, only offsets; they lie on whole seconds.
    """
    before = _offset(start.astimezone(zone))
    if _offset(end.astimezone(zone)) == before:
        return None
    start = start.replace(microsecond=0)
    seconds = range((end - start) // SECOND + 1)
    changed = bisect_left(
        seconds, True, key=lambda past: _offset((start + past * SECOND).astimezone(zone)) != before
    )
    return start + changed * SECOND


def _held(slot: datetime, at: datetime, zone: ZoneInfo) -> datetime:
    clock = timezone(_offset(at.astimezone(zone)))
    return slot.replace(tzinfo=clock).astimezone(UTC)


def _reading(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _furthest_reading(at: datetime, zone: ZoneInfo) -> datetime:
    """Gives at least the latest reading the clock has shown, also when it was set back since."""
    local = at.astimezone(zone)
    set_back = _offset(local.replace(fold=0)) - _offset(local)
    return _reading(at, zone) + set_back


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None, "every zone has an offset"
    return offset
