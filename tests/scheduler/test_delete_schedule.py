"""Deletes the schedule of a location."""

from datetime import timedelta

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import (
    LOCATION,
    MORNING,
    SECONDS,
    ended,
    refusal,
    run_now,
    scan,
    scanned,
    scans,
    schedule,
    sql,
    upserted,
)
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually


async def deleted(stub, location=LOCATION) -> pb.DeleteScheduleResponse:
    request = pb.DeleteScheduleRequest(location_id=location)
    return await stub.DeleteSchedule(request, timeout=SECONDS)


async def test_its_scans_stay_and_name_it(scheduler):
    saved = (await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)).schedule
    done = await scanned(scheduler)

    await deleted(scheduler)

    assert (await refusal(schedule(scheduler))).reason == "SCHEDULE_NOT_FOUND"
    assert (await scan(scheduler, done.scan_id)).schedule_id == saved.schedule_id


async def test_a_running_scan_goes_on(scheduler, ingestion):
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)
    ingestion.answers.clear()
    started = await run_now(scheduler)

    await deleted(scheduler)
    ingestion.answers.set()

    assert (await ended(scheduler, started.scan_id)).workflows_scanned == 0


async def test_what_it_fired_and_nobody_runs_yet_is_cancelled(url, scheduler, ingestion):
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)
    started = await run_now(scheduler)
    await ended(scheduler, started.scan_id)
    await sql(
        url,
        "UPDATE scan_history SET status = 'queued', trigger = 'schedule',"
        " not_before = now() + interval '1 hour'",
    )

    await deleted(scheduler)

    gone = await scan(scheduler, started.scan_id)
    assert gone.status == pb.SCAN_STATUS_CANCELLED
    assert gone.reason == "The schedule was deleted before it began."


async def test_it_fires_no_more(url, scheduler):
    at_ten = {"frequency": pb.FREQUENCY_DAILY, "preferred_time": "10:00", "timezone": "UTC"}
    set_clock(url, MORNING)
    await upserted(scheduler, **at_ten)
    await upserted(scheduler, **at_ten, location_id="loc-2")
    await deleted(scheduler)

    set_clock(url, MORNING + timedelta(hours=1))
    await eventually(lambda: scans(scheduler, "loc-2"))

    assert await scans(scheduler) == []


async def test_a_location_without_a_schedule_is_told_so(lasting_scheduler):
    assert (await refusal(deleted(lasting_scheduler))).reason == "SCHEDULE_NOT_FOUND"
    assert (await refusal(deleted(lasting_scheduler, ""))).reason == "LOCATION_MISSING"
