from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.quiet_hours import (
    QuietHoursMalformed,
    QuietWindow,
    check,
    instant,
    quiet_until,
)

NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
NIGHT = QuietWindow(time(22), time(7))
NOON = QuietWindow(time(12), time(13))
WEEKEND = QuietWindow(time(0), time(0), (5, 6))


def local(text, zone=NEW_YORK, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


@pytest.mark.parametrize(
    ("windows", "now", "end"),
    [
        ([], "2026-03-02T23:00", None),
        ([NIGHT], "2026-03-02T21:59:59", None),
        ([NIGHT], "2026-03-02T22:00", "2026-03-03T07:00"),
        ([NIGHT], "2026-03-03T06:59:59", "2026-03-03T07:00"),
        ([NIGHT], "2026-03-03T07:00", None),
        ([NOON], "2026-03-03T12:30", "2026-03-03T13:00"),
        ([NOON], "2026-03-03T13:00", None),
        # Only on the nights that begin on Mondays.
        ([QuietWindow(time(22), time(7), (0,))], "2026-03-03T06:00", "2026-03-03T07:00"),
        ([QuietWindow(time(22), time(7), (0,))], "2026-03-03T23:00", None),
        # Friday night goes over into the weekend, and that into the night to Monday.
        ([NIGHT, WEEKEND], "2026-03-06T23:00", "2026-03-09T07:00"),
        ([WEEKEND], "2026-03-07T12:00", "2026-03-09T00:00"),
        # Clocks go forward on 8 March, back on 1 November: 07:00 stays 07:00.
        ([NIGHT], "2026-03-07T23:00", "2026-03-08T07:00"),
        ([NIGHT], "2026-10-31T23:00", "2026-11-01T07:00"),
    ],
)
def test_when_it_is_quiet_and_until_when(windows, now, end):
    found = quiet_until(windows, NEW_YORK, local(now))

    assert found == (None if end is None else local(end))


def test_an_end_that_the_clock_skips_is_the_first_moment_after():
    early = QuietWindow(time(22), time(2, 30))

    found = quiet_until([early], NEW_YORK, local("2026-03-08T01:00"))

    assert found.astimezone(NEW_YORK).isoformat() == "2026-03-08T03:00:00-04:00"


def test_an_end_that_the_clock_shows_twice_is_the_first():
    early = QuietWindow(time(22), time(1, 30))

    found = quiet_until([early], NEW_YORK, local("2026-11-01T00:59"))

    assert found.astimezone(NEW_YORK).isoformat() == "2026-11-01T01:30:00-04:00"
    assert quiet_until([early], NEW_YORK, local("2026-11-01T01:10", fold=1)) is None


times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
windows = st.lists(
    st.builds(
        QuietWindow,
        times,
        times,
        st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    ),
    max_size=4,
)
zones = st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"])
moments = st.datetimes(
    datetime(2025, 1, 1),  # noqa: DTZ001  bounds are naive, values are not
    datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def is_checked(windows):
    try:
        check(windows)
    except QuietHoursMalformed:
        return False
    return True


@given(windows.filter(is_checked), zones.map(ZoneInfo), moments)
def test_quiet_hours_end_within_nine_days_and_then_it_is_not_quiet(windows, zone, now):
    end = quiet_until(windows, zone, now)

    if end is not None:
        assert now < end < now + timedelta(days=9)
        assert quiet_until(windows, zone, end) is None
        assert quiet_until(windows, zone, now + (end - now) / 2) == end


@given(windows, moments)
def test_without_clock_changes_it_is_as_the_minutes_of_the_week_say(windows, now):
    now = now.replace(second=0, microsecond=0)
    minute = now.weekday() * 1440 + now.hour * 60 + now.minute
    quiet = False
    for each in windows:
        length = (
            datetime.combine(now, each.end) + each.days - datetime.combine(now, each.start)
        ) // timedelta(minutes=1)
        for day in each.weekdays:
            start = day * 1440 + each.start.hour * 60 + each.start.minute
            quiet = quiet or (minute - start) % 10080 < length

    if is_checked(windows):
        assert (quiet_until(windows, ZoneInfo("UTC"), now) is not None) == quiet


@given(st.dates(date(2025, 1, 1), date(2027, 1, 1)), times, zones)
def test_a_time_of_the_wall_clock_is_found_or_the_first_moment_after(day, at, zone):
    zone = ZoneInfo(zone)
    found = instant(day, at, zone)
    shown = found.astimezone(zone).replace(tzinfo=None)
    wanted = datetime.combine(day, at)

    assert shown >= wanted
    before = (found - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    assert before < wanted
