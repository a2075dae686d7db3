"""Computes the next runs of a schedule that need not be stored."""

from datetime import datetime, timedelta

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import SECONDS, at, refusal, scans, sql, upserted
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually


async def previewed(stub, count=0, **fields) -> list[pb.PlannedRun]:
    request = pb.PreviewScheduleRequest(schedule=pb.Schedule(**fields), count=count)
    return list((await stub.PreviewSchedule(request, timeout=SECONDS)).runs)


async def test_a_clock_change_is_flagged(url, scheduler):
    set_clock(url, datetime.fromisoformat("2025-03-08T12:00:00Z"))

    runs = await previewed(
        scheduler, frequency=pb.FREQUENCY_DAILY, preferred_time="02:30", timezone="America/Chicago"
    )

    assert [each.local_time for each in runs[:2]] == [
        "2025-03-09T03:00:00-05:00",
        "2025-03-10T02:30:00-05:00",
    ]
    assert "2025-03-09" in runs[0].clock_change
    assert [each.clock_change for each in runs[1:]] == [""] * 4


async def test_it_is_what_a_stored_schedule_says(url, scheduler):
    fields = {"frequency": pb.FREQUENCY_CRON, "cron_expression": "15 */7 * * 1-5"}
    set_clock(url, datetime.fromisoformat("2026-03-10T09:00:00Z"))

    runs = await previewed(scheduler, **fields)
    saved = (await upserted(scheduler, **fields)).schedule

    assert [each.fires_at for each in runs] == list(saved.next_runs)


async def test_it_is_what_fires_with_a_spread_and_blackouts(url, scheduler):
    fields = {
        "frequency": pb.FREQUENCY_6H,
        "timezone": "UTC",
        "spread_seconds": 600,
        "blackout_windows": [pb.BlackoutWindow(start="13:30", end="16:00")],
        "location_id": "loc-1",
    }
    set_clock(url, datetime.fromisoformat("2026-03-10T09:00:00Z"))
    runs = await previewed(scheduler, 3, **fields)
    await upserted(scheduler, **fields)

    for run in runs:
        set_clock(url, at(run.fires_at))

        async def fired(run=run):
            done = await scans(scheduler, status=pb.SCAN_STATUS_COMPLETED)
            return [each for each in done if each.scheduled_for == run.fires_at]

        await eventually(fired)

    assert runs[0].blackout == "14:00 is in a blackout"
    assert [each.blackout for each in runs[1:]] == ["", ""]
    assert len(await scans(scheduler)) == 3


async def test_nothing_is_stored(url, scheduler):
    await previewed(scheduler, frequency=pb.FREQUENCY_6H, location_id="loc-1")

    assert await sql(url, "SELECT 1 FROM scan_schedules") == []


@pytest.mark.parametrize(("count", "given"), [(0, 5), (1, 1), (100, 100)])
async def test_as_many_are_given_as_asked_for(lasting_scheduler, count, given):
    runs = await previewed(
        lasting_scheduler, count, frequency=pb.FREQUENCY_DAILY, timezone="Asia/Kolkata"
    )

    assert len(runs) == given
    assert at(runs[-1].fires_at) - at(runs[0].fires_at) == timedelta(days=given - 1)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "FREQUENCY_MISSING"),
        ({"frequency": pb.FREQUENCY_DAILY, "timezone": "Mars/Base"}, "TIME_ZONE_UNKNOWN"),
        ({"frequency": pb.FREQUENCY_CRON, "cron_expression": "* *"}, "CRON_MALFORMED"),
        ({"frequency": pb.FREQUENCY_DAILY, "count": -1}, "COUNT_OUT_OF_RANGE"),
        ({"frequency": pb.FREQUENCY_DAILY, "count": 101}, "COUNT_OUT_OF_RANGE"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(previewed(lasting_scheduler, **fields))).reason == reason
