"""When schedules fire: the known answers, catching up, and the preview."""

from datetime import timedelta

import pytest

from services.scheduler.domain.timing import (
    Frequency,
    PlannedRun,
    Timing,
    catch_up_window,
    count_fires,
    latest_fire,
    next_fire,
    period,
    planned_runs,
)
from tests.scheduler.domain.vectors import at, cron, daily, read, timing_of

MOMENT = timedelta(microseconds=1)
VECTORS = read("dst_vectors.json") + read("cron_vectors.json")["valid"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["note"])
def test_the_next_fire_is_the_known_answer(vector):
    assert next_fire(timing_of(vector), at(vector["now_utc"])) == at(vector["expected_utc"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["note"])
def test_looking_back_from_the_known_answer_gives_it_and_before_it_nothing_newer(vector):
    timing, now, fires_at = timing_of(vector), at(vector["now_utc"]), at(vector["expected_utc"])

    assert latest_fire(timing, fires_at) == fires_at
    assert latest_fire(timing, fires_at - MOMENT) <= now


def test_all_known_answers_are_there():
    assert len(VECTORS) == 47 + 16


def test_a_cron_job_at_fixed_times_leaves_out_the_day_the_date_line_took():
    assert next_fire(cron("0 9 * * *", "Pacific/Apia"), at("2011-12-29T19:00Z")) == at(
        "2011-12-30T19:00Z"
    )


def test_a_rhythm_rests_in_a_gap_that_it_lies_in():
    every_quarter_at_two = cron("*/15 2 * * *", "America/Chicago")

    assert next_fire(every_quarter_at_two, at("2025-03-09T00:00Z")) == at("2025-03-10T07:00Z")


def test_a_rhythm_that_started_in_the_first_pass_goes_on_in_the_second():
    quarters_of_one_day = cron("*/40 1 2 11 *", "America/Chicago")
    after_the_first_pass = at("2025-11-02T06:45Z")

    assert next_fire(quarters_of_one_day, after_the_first_pass) == at("2025-11-02T07:00Z")


def test_looking_back_from_a_second_pass_that_began_at_midnight_sees_the_new_day():
    """At St. John's the clock went from 00:01 back to 23:01 of the day before."""
    midnight = daily("00:00", "America/St_Johns")

    assert latest_fire(midnight, at("2010-11-07T03:00Z")) == at("2010-11-07T02:30Z")


def test_a_leap_day_line_looks_back_four_years():
    assert latest_fire(cron("0 0 29 2 *"), at("2028-02-28T00:00Z")) == at("2024-02-29T00:00Z")


def test_a_line_that_could_not_fire_for_50_years_never_did():
    second_sundays_of_march_at_two = cron("*/5 2 * 3 SUN#2", "America/Chicago")

    assert latest_fire(second_sundays_of_march_at_two, at("2080-01-01T00:00Z")) is None


@pytest.mark.parametrize(
    ("timing", "after", "until", "expected"),
    [
        (daily("09:00"), "2025-07-01T14:00Z", "2025-07-04T14:00Z", 3),
        (daily("09:00"), "2025-07-01T14:00Z", "2025-07-04T13:59Z", 2),
        (daily("09:00"), "2025-07-01T14:00Z", "2025-07-01T14:00Z", 0),
        (cron("* * * * *"), "2025-01-01T00:00Z", "2026-01-01T00:00Z", 100),
    ],
)
def test_missed_fires_are_counted_up_to_the_limit(timing, after, until, expected):
    assert count_fires(timing, at(after), at(until)) == expected


@pytest.mark.parametrize(
    ("timing", "distance", "window"),
    [
        (daily("09:00"), timedelta(days=1), timedelta(hours=12)),
        (
            Timing(frequency=Frequency.EVERY_12_HOURS, preferred_time="21:00", timezone="UTC"),
            timedelta(hours=12),
            timedelta(hours=6),
        ),
        (
            Timing(frequency=Frequency.EVERY_6_HOURS, preferred_time="23:59", timezone="UTC"),
            timedelta(hours=6),
            timedelta(hours=3),
        ),
        (
            Timing(frequency=Frequency.WEEKLY, preferred_time="09:00", timezone="UTC", weekday=6),
            timedelta(days=7),
            timedelta(hours=12),
        ),
        (cron("0 9 * * 1-5"), timedelta(days=1), timedelta(hours=12)),
        (cron("0 2,3 * * *"), timedelta(hours=1), timedelta(minutes=30)),
        (cron("0 1,9,12 * * *"), timedelta(hours=3), timedelta(hours=1, minutes=30)),
        (cron("*/15 9-17 * * *"), timedelta(minutes=15), timedelta(minutes=7, seconds=30)),
        (cron("0 0 29 2 *"), timedelta(days=4 * 365 + 1), timedelta(hours=12)),
    ],
    ids=lambda value: getattr(value, "line", None) and value.line.text,
)
def test_a_fire_may_be_caught_up_for_half_its_period(timing, distance, window):
    assert period(timing) == distance
    assert catch_up_window(timing) == window


def test_the_preview_says_that_the_clock_skips_a_slot():
    assert planned_runs(daily("02:30"), at("2025-03-08T18:00Z"), 2) == [
        PlannedRun(
            at("2025-03-09T08:00Z"),
            "2025-03-09T03:00:00-05:00",
            clock_change="02:30 does not exist on 2025-03-09: runs at 03:00",
            blackout="",
        ),
        PlannedRun(
            at("2025-03-10T07:30Z"), "2025-03-10T02:30:00-05:00", clock_change="", blackout=""
        ),
    ]


@pytest.mark.parametrize(
    ("timing", "after", "expected"),
    [
        (
            cron("0,20,40 2-3 * * *", "America/Chicago"),
            "2025-03-09T06:00Z",
            "02:00 to 02:40 do not exist on 2025-03-09: runs at 03:00",
        ),
        (
            daily("01:30"),
            "2025-11-02T05:00Z",
            "01:30 comes twice on 2025-11-02: runs the first time",
        ),
        (
            cron("30 * * * *", "America/Chicago"),
            "2025-11-02T06:10Z",
            "01:30 comes twice on 2025-11-02: runs both times",
        ),
        (
            cron("30 * * * *", "America/Chicago"),
            "2025-11-02T07:10Z",
            "01:30 comes twice on 2025-11-02: runs both times",
        ),
        (cron("30 * * * *", "America/Chicago"), "2025-03-09T08:00Z", ""),
        (daily("03:00"), "2025-03-09T05:00Z", ""),
        (daily("09:00"), "2025-03-09T05:00Z", ""),
        (daily("00:00", "Pacific/Apia"), "2011-12-30T00:00Z", ""),
    ],
)
def test_the_preview_tells_clock_changes_and_nothing_on_ordinary_runs(timing, after, expected):
    assert planned_runs(timing, at(after), 1)[0].clock_change == expected
