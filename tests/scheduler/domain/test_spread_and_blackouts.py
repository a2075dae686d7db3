"""Starts are spread over a fleet, and shifted out of windows without scans."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from libs import problems
from services.scheduler.domain import blackouts
from services.scheduler.domain.blackouts import BlackoutWindow
from services.scheduler.domain.schedule import Schedule, place_in_spread, settled
from services.scheduler.domain.timing import Frequency, latest_fire, next_fire, planned_runs
from services.scheduler.domain.zones import zone
from tests.scheduler.domain.vectors import at, daily

LOCATIONS = [f"location-{number}" for number in range(10_000)]
SPREAD = 600
NIGHT = BlackoutWindow("22:00", "06:00")
WEEKEND = BlackoutWindow("00:00", "00:00", (5, 6))
OFFSETS = """
from services.scheduler.domain.schedule import place_in_spread
print([place_in_spread(f"location-{number}", 600).seconds for number in range(10_000)])
"""


def places():
    return [place_in_spread(each, SPREAD).total_seconds() for each in LOCATIONS]


def test_a_fleet_starts_evenly_within_the_spread():
    buckets = Counter(int(place // 10) for place in places())

    assert all(0 <= place < SPREAD for place in places())
    assert max(buckets.values()) <= 1.5 * len(LOCATIONS) / (SPREAD / 10)


def test_a_place_is_the_same_in_every_process():
    done = subprocess.run(
        [sys.executable, "-c", OFFSETS],
        capture_output=True,
        check=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7"},  # noqa: TID251  as a shell would
    )

    assert done.stdout.strip() == str([int(place) for place in places()])


def test_a_place_within_the_spread_only_delays():
    timing = replace(daily("02:30"), delay=timedelta(seconds=599))

    assert next_fire(timing, at("2025-06-01T07:00Z")) == at("2025-06-01T07:39:59Z")
    assert latest_fire(timing, at("2025-06-01T07:39:58Z")) == at("2025-05-31T07:39:59Z")


def test_the_clock_change_that_is_flagged_is_the_slots():
    timing = replace(daily("02:30"), delay=timedelta(minutes=7))

    [run] = planned_runs(timing, at("2025-03-08T18:00Z"), 1)

    assert run.fires_at == at("2025-03-09T08:07Z")
    assert run.clock_change == "02:30 does not exist on 2025-03-09: runs at 03:07"


def test_a_fire_within_a_window_is_shifted_to_its_end_and_says_so():
    timing = replace(daily("23:30", "UTC"), blackout_windows=(NIGHT,))

    runs = planned_runs(timing, at("2026-03-10T12:00Z"), 2)

    assert [run.fires_at for run in runs] == [at("2026-03-11T06:00Z"), at("2026-03-12T06:00Z")]
    assert runs[0].blackout == "23:30 is in a blackout"


def test_windows_that_touch_are_one():
    timing = replace(
        daily("23:30", "UTC"), blackout_windows=(NIGHT, BlackoutWindow("06:00", "07:15"))
    )

    assert next_fire(timing, at("2026-03-10T12:00Z")) == at("2026-03-11T07:15Z")


def test_all_fires_within_one_window_are_one():
    every_hour = replace(
        daily("00:00", "UTC"),
        frequency=Frequency.CRON,
        cron_expression="0 * * * *",
        blackout_windows=(NIGHT,),
    )

    fires = [run.fires_at.hour for run in planned_runs(every_hour, at("2026-03-10T20:30Z"), 3)]

    assert fires == [21, 6, 7]


def test_a_weekend_without_scans_ends_on_monday():
    timing = replace(daily("09:00", "UTC"), blackout_windows=(WEEKEND,))

    fires = [run.fires_at for run in planned_runs(timing, at("2026-03-13T12:00Z"), 2)]

    assert fires == [at("2026-03-16T00:00Z"), at("2026-03-16T09:00Z")]


def test_what_waits_for_the_end_of_a_window_is_spread_too():
    delay = timedelta(minutes=4)
    timing = replace(daily("23:30", "UTC"), blackout_windows=(NIGHT,), delay=delay)

    assert next_fire(timing, at("2026-03-10T12:00Z")) == at("2026-03-11T06:04Z")


def test_a_window_is_the_zones_own_also_when_its_clock_changes():
    timing = replace(daily("01:00"), blackout_windows=(BlackoutWindow("00:30", "02:30"),))

    fires = [run.fires_at for run in planned_runs(timing, at("2025-03-08T12:00Z"), 2)]

    assert fires == [at("2025-03-09T08:00Z"), at("2025-03-10T07:30Z")]


def settle(**wanted):
    schedule = Schedule(location_id="loc-1", frequency=Frequency.DAILY, **wanted)
    return settled(schedule, datetime(2026, 3, 10, tzinfo=UTC))


def test_windows_are_kept_in_order_and_each_once():
    windows = (WEEKEND, BlackoutWindow("00:00", "00:00", (6, 5, 6)), NIGHT)

    assert settle(blackout_windows=windows).blackout_windows == (WEEKEND, NIGHT)


@pytest.mark.parametrize(
    ("wanted", "reason", "field"),
    [
        ({"spread_seconds": -1}, "SPREAD_OUT_OF_RANGE", "spread_seconds"),
        ({"spread_seconds": 21_601}, "SPREAD_OUT_OF_RANGE", "spread_seconds"),
        ({"catchup_seconds": -1}, "CATCH_UP_OUT_OF_RANGE", "catchup_seconds"),
        ({"catchup_seconds": 604_801}, "CATCH_UP_OUT_OF_RANGE", "catchup_seconds"),
        (
            {"blackout_windows": (BlackoutWindow("24:00", "01:00"),)},
            "BLACKOUT_MALFORMED",
            "blackout_windows",
        ),
        (
            {"blackout_windows": (BlackoutWindow("23:00", "01:00", (7,)),)},
            "BLACKOUT_MALFORMED",
            "blackout_windows",
        ),
        (
            {"blackout_windows": tuple(BlackoutWindow("01:00", f"02:{n:02}") for n in range(21))},
            "BLACKOUTS_TOO_MANY",
            "blackout_windows",
        ),
        (
            {"blackout_windows": (BlackoutWindow("03:00", "03:00"),)},
            "BLACKOUTS_LEAVE_NO_TIME",
            "blackout_windows",
        ),
        (
            {"blackout_windows": (BlackoutWindow("06:00", "04:30"),), "spread_seconds": 21_600},
            "BLACKOUTS_LEAVE_NO_TIME",
            "blackout_windows",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_field(wanted, reason, field):
    with pytest.raises(problems.InvalidRequest) as refused:
        settle(**wanted)

    assert (refused.value.reason, refused.value.fields[0].field) == (reason, field)


def test_windows_may_leave_a_single_hour():
    [window] = settle(blackout_windows=(BlackoutWindow("03:00", "02:00"),)).blackout_windows

    assert blackouts.held([window], zone("UTC"), at("2026-03-10T02:30Z"), timedelta(0)) is None
