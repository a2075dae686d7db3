"""Next times that are missing or outdated are computed again."""

from datetime import timedelta

import pytest

from services.scheduler.actions.schedules import Schedules
from services.scheduler.domain.timing import Frequency
from services.scheduler.domain.zones import TZDATA_VERSION
from services.scheduler.wiring import running
from tests.scheduler.asking import MORNING, sql
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

TEN = MORNING + timedelta(hours=1)


@pytest.fixture
async def schedules(database, url) -> Schedules:
    """With a schedule that fires at ten."""
    set_clock(url, MORNING)
    schedules = Schedules(database)
    values = {"frequency": Frequency.DAILY, "preferred_time": "10:00", "timezone": "UTC"}
    await schedules.upsert("loc-1", values, version=None)
    return schedules


async def row(url):
    return (await sql(url, "SELECT next_scan_at, tzdata_version, error FROM scan_schedules"))[0]


async def test_a_missing_next_time_is_computed(url, schedules):
    await sql(url, "UPDATE scan_schedules SET next_scan_at = NULL")

    await schedules.reconcile()

    assert (await row(url)).next_scan_at == TEN


async def test_a_next_time_from_other_time_zone_data_is_computed_anew(url, schedules):
    await sql(
        url,
        "UPDATE scan_schedules SET next_scan_at = %s, tzdata_version = '2001a'",
        TEN + timedelta(hours=1),
    )

    await schedules.reconcile()

    assert await row(url) == (TEN, TZDATA_VERSION, None)


async def test_one_that_is_due_is_left_to_fire(url, schedules):
    await sql(url, "UPDATE scan_schedules SET tzdata_version = '2001a'")
    set_clock(url, TEN)

    await schedules.reconcile()

    assert (await row(url)).next_scan_at == TEN


async def test_a_disabled_schedule_stays_without_a_next_time(url, schedules):
    await schedules.upsert("loc-1", {"enabled": False}, version=None)

    await schedules.reconcile()

    assert (await row(url)).next_scan_at is None


async def test_a_broken_schedule_stops_no_other(url, schedules):
    values = {"frequency": Frequency.DAILY, "preferred_time": "10:00", "timezone": "UTC"}
    await schedules.upsert("loc-2", values, version=None)
    await sql(url, "UPDATE scan_schedules SET next_scan_at = NULL")
    await sql(url, "UPDATE scan_schedules SET timezone = 'Mars/Base' WHERE location_id = 'loc-1'")

    await schedules.reconcile()

    rows = await sql(
        url, "SELECT next_scan_at, error IS NULL FROM scan_schedules ORDER BY location_id"
    )
    assert rows == [(None, False), (TEN, True)]


async def test_it_happens_when_a_process_starts(url, schedules, settings):
    await sql(url, "UPDATE scan_schedules SET next_scan_at = NULL")

    async with running(settings):

        async def computed():
            return (await row(url)).next_scan_at

        assert await eventually(computed) == TEN
