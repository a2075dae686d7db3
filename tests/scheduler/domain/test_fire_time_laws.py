"""What holds for every schedule, in every zone, near every clock change."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import islice, pairwise, takewhile

from hypothesis import given, reject
from hypothesis import strategies as st

from services.scheduler.domain import blackouts
from services.scheduler.domain.blackouts import BlackoutWindow
from services.scheduler.domain.timing import (
    Frequency,
    Timing,
    count_fires,
    fires,
    latest_fire,
    next_fire,
    planned_runs,
)
from services.scheduler.domain.zones import names, zone
from tests.scheduler.domain.vectors import cron

MOMENT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
LINES = [
    "*/7 * * * *",
    "30 * * * *",
    "*/30 0-3 * * *",
    "* 2 * * 0",
    "0,30 0-4 * * *",
    "15 1,2,3 * * 6,0",
    "0 0 L * *",
    "0 9 * * MON#1",
]


@cache
def changes(zone_name, year):
    """The days of a year on which a zone changes its clock."""
    where = zone(zone_name)
    days = [datetime(year, 1, 1, tzinfo=UTC) + DAY * day for day in range(366)]
    return [
        day
        for day in days
        if day.astimezone(where).utcoffset() != (day + DAY).astimezone(where).utcoffset()
    ]


@st.composite
def moments(draw, zone_name):
    """Times within a day and a half of a clock change where the year has one, else any."""
    year = draw(st.integers(2000, 2040))
    around = changes(zone_name, year) or [datetime(year, 6, 1, tzinfo=UTC)]
    shift = draw(st.timedeltas(-DAY, 2 * DAY))
    return draw(st.sampled_from(around)) + shift


hours = st.one_of(st.integers(0, 3), st.integers(0, 23))
times_of_day = st.builds("{:02}:{:02}".format, hours, st.integers(0, 59))
blackout_windows = st.builds(
    BlackoutWindow,
    times_of_day,
    times_of_day,
    st.one_of(st.just(()), st.lists(st.integers(0, 6), min_size=1, max_size=3).map(tuple)),
)


@st.composite
def timings(draw, zone_name):
    frequency = draw(st.sampled_from(Frequency))
    if frequency is Frequency.CRON:
        return cron(draw(st.sampled_from(LINES)), zone_name)
    return Timing(
        frequency=frequency,
        preferred_time=draw(times_of_day),
        timezone=zone_name,
        weekday=draw(st.integers(0, 6)) if frequency is Frequency.WEEKLY else None,
    )


@st.composite
def held_back(draw, zone_name):
    """Timings whose fires are delayed, and shifted out of windows of any length."""
    spread = draw(st.sampled_from([timedelta(0), timedelta(minutes=10), timedelta(hours=6)]))
    windows = draw(st.lists(blackout_windows, min_size=1, max_size=3))
    try:
        windows = blackouts.settled(windows, spread)
    except blackouts.BlackoutsLeaveNoTime:
        reject()
    delay = draw(st.integers(0, max(0, int(spread.total_seconds()) - 1)))
    return replace(
        draw(timings(zone_name)), delay=timedelta(seconds=delay), blackout_windows=windows
    )


zone_names = st.sampled_from(sorted(names()))
situations = zone_names.flatmap(
    lambda name: st.tuples(st.one_of(timings(name), held_back(name)), moments(name))
)
held_situations = zone_names.flatmap(lambda name: st.tuples(held_back(name), moments(name)))


@given(situations)
def test_fires_come_strictly_one_after_the_other_and_never_at_or_before_now(situation):
    timing, now = situation
    coming = [now, *islice(fires(timing, now), 12)]

    assert all(earlier < later for earlier, later in pairwise(coming))


@given(situations)
def test_looking_back_agrees_with_looking_forward(situation):
    timing, now = situation
    fires_at = next_fire(timing, now)

    assert latest_fire(timing, fires_at) == fires_at
    assert latest_fire(timing, fires_at - MOMENT) == latest_fire(timing, now)
    assert next_fire(timing, latest_fire(timing, now)) == fires_at


@given(situations)
def test_the_preview_equals_what_later_fires(situation):
    timing, now = situation
    planned = [run.fires_at for run in planned_runs(timing, now, 5)]

    assert planned == list(islice(fires(timing, now), 5))
    assert count_fires(timing, now, planned[-1]) == len(planned)


@given(held_situations)
def test_every_slot_fires_at_its_time_or_at_the_end_of_the_windows_it_falls_into(situation):
    timing, now = situation
    undisturbed = replace(timing, delay=timedelta(0), blackout_windows=())
    meant = [slot + timing.delay for slot in islice(fires(undisturbed, now), 8)]
    coming = set(takewhile(lambda at: at <= meant[-1] + 9 * DAY, fires(timing, now)))

    assert {stretch.end if (stretch := held(timing, at)) else at for at in meant} <= coming


@given(held_situations)
def test_nothing_fires_within_a_window(situation):
    timing, now = situation

    assert not any(held(timing, at) for at in islice(fires(timing, now), 8))


def held(timing, at):
    return blackouts.held(timing.blackout_windows, zone(timing.timezone), at, timing.delay)


@given(st.lists(blackout_windows, min_size=1, max_size=3), st.integers(0, 7 * 24 * 60 - 1))
def test_a_time_is_held_until_the_first_minute_that_no_window_has(windows, minute):
    try:
        windows = blackouts.settled(windows)
    except blackouts.BlackoutsLeaveNoTime:
        reject()
    at = MONDAY + minute * MINUTE
    free = next(at + n * MINUTE for n in range(8 * 24 * 60) if not closed(windows, at + n * MINUTE))
    stretch = blackouts.held(windows, zone("UTC"), at, timedelta(0))

    assert (stretch.end if stretch else at) == free
    assert stretch is None or closed(windows, stretch.begin)
    assert stretch is None or not closed(windows, stretch.begin - MINUTE)


def closed(windows, at):
    """Whether a window has a minute, in UTC, counted from the begin of each."""
    return any(
        window.begins_on(day.date()) and opens <= at < opens + window.length
        for window in windows
        for day in (at, at - DAY)
        for opens in [day.replace(hour=int(window.start[:2]), minute=int(window.start[3:]))]
    )


def walked(zone_name, start, days):
    """The wall clock minute by minute, as somebody would see who sits before it."""
    where = zone(zone_name)
    minute = start.replace(second=0, microsecond=0)
    for _ in range(days * 24 * 60):
        yield minute, minute.astimezone(where).replace(tzinfo=None, fold=0)
        minute += MINUTE


def next_slot_seen(zone_name, slots, now):
    """The next fire of daily slots by watching the clock: an oracle without offsets or folds."""
    furthest = None
    for minute, reading in walked(zone_name, now - 2 * DAY, 6):
        furthest = furthest or reading - MINUTE
        passed = reading - furthest
        if passed < 3 * 60 * MINUTE:
            due = any((furthest + MINUTE * step).time() in slots for step in minutes_of(passed))
        else:
            due = reading.time() in slots
        furthest = max(furthest, reading)
        if due and minute > now:
            return minute
    return None


def minutes_of(passed):
    return range(1, passed // MINUTE + 1)


@given(zone_names.flatmap(lambda name: st.tuples(st.just(name), moments(name))), st.data())
def test_daily_slots_fire_when_somebody_watching_the_clock_would_fire_them(place, data):
    zone_name, now = place
    hour, minute = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 59))
    slots = {time(hour + 6 * step, minute) for step in range(4)}
    timing = Timing(
        frequency=Frequency.EVERY_6_HOURS,
        preferred_time=f"{hour:02}:{minute:02}",
        timezone=zone_name,
    )

    assert next_fire(timing, now) == next_slot_seen(zone_name, slots, now)


@given(zone_names.flatmap(lambda name: st.tuples(st.just(name), moments(name))), st.data())
def test_a_rhythm_fires_whenever_the_clock_shows_it(place, data):
    zone_name, now = place
    step = data.draw(st.integers(1, 59))
    first = data.draw(st.integers(0, 23))
    last = data.draw(st.integers(first, 23))
    seen = next(
        minute
        for minute, reading in walked(zone_name, now + MINUTE, 5)
        if reading.minute % step == 0 and first <= reading.hour <= last
    )

    assert next_fire(cron(f"*/{step} {first}-{last} * * *", zone_name), now) == seen
