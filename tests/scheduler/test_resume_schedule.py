"""Lets a schedule fire again, without making up for what it missed."""

from datetime import timedelta

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import (
    LOCATION,
    MORNING,
    SECONDS,
    at,
    refusal,
    scans,
    schedule,
    sql,
    upserted,
)
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

AT_TEN = {"frequency": pb.FREQUENCY_DAILY, "preferred_time": "10:00", "timezone": "UTC"}
DAY, TEN = timedelta(days=1), MORNING + timedelta(hours=1)


async def resumed(stub, location=LOCATION, **fields) -> pb.Schedule:
    request = pb.ResumeScheduleRequest(location_id=location, **fields)
    return (await stub.ResumeSchedule(request, timeout=SECONDS)).schedule


async def test_nothing_of_three_days_is_replayed(url, scheduler):
    set_clock(url, MORNING)
    await upserted(scheduler, **AT_TEN)
    await upserted(scheduler, mask=["enabled"], enabled=False)
    set_clock(url, MORNING + 3 * DAY + timedelta(hours=2))

    saved = await resumed(scheduler, actor="day shift", reason="the migration is done")

    assert at(saved.next_scan_at) == TEN + 4 * DAY
    assert (saved.switched_by, saved.switch_reason) == ("day shift", "the migration is done")
    assert at(saved.switched_at) == MORNING + 3 * DAY + timedelta(hours=2)
    set_clock(url, TEN + 4 * DAY)
    await eventually(lambda: scans(scheduler))
    assert [at(each.scheduled_for) for each in await scans(scheduler)] == [TEN + 4 * DAY]


async def test_a_schedule_that_fires_stays_as_it_is(scheduler):
    saved = (await upserted(scheduler, **AT_TEN)).schedule

    assert await resumed(scheduler, actor="somebody", reason="again") == saved


async def test_one_that_cannot_be_computed_says_what_to_repair(url, scheduler):
    await upserted(scheduler, **AT_TEN, enabled=False)
    await sql(url, "UPDATE scan_schedules SET timezone = 'Mars/Base'")

    problem = await refusal(resumed(scheduler))

    assert problem.reason == "TIME_ZONE_UNKNOWN"
    assert not (await schedule(scheduler)).enabled


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location": ""}, "LOCATION_MISSING"),
        ({}, "SCHEDULE_NOT_FOUND"),
        ({"actor": "x" * 201}, "FIELD_TOO_LONG"),
        ({"reason": "a\0b"}, "TEXT_MALFORMED"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(resumed(lasting_scheduler, **fields))).reason == reason
