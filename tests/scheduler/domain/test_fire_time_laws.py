"""What holds for every schedule, in every zone, near every clock change."""

from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

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


@st.composite
def timings(draw, zone_name):
    frequency = draw(st.sampled_from(Frequency))
    if frequency is Frequency.CRON:
        return cron(draw(st.sampled_from(LINES)), zone_name)
    hour = draw(st.one_of(st.integers(0, 3), st.integers(0, 23)))
    return Timing(
        frequency=frequency,
        preferred_time=f"{hour:02}:{draw(st.integers(0, 59)):02}",
        timezone=zone_name,
        weekday=draw(st.integers(0, 6)) if frequency is Frequency.WEEKLY else None,
    )


zone_names = st.sampled_from(sorted(names()))
situations = zone_names.flatmap(lambda name: st.tuples(timings(name), moments(name)))


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
