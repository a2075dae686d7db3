"""Stops a schedule from firing, and says who did and why."""

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
TEN = MORNING + timedelta(hours=1)


async def paused(stub, location=LOCATION, **fields) -> pb.Schedule:
    request = pb.PauseScheduleRequest(location_id=location, **fields)
    return (await stub.PauseSchedule(request, timeout=SECONDS)).schedule


async def test_it_says_who_paused_it_when_and_why(url, scheduler):
    set_clock(url, MORNING)
    first = (await upserted(scheduler, **AT_TEN, actor="set-up")).schedule
    set_clock(url, MORNING + timedelta(minutes=1))

    saved = await paused(scheduler, actor="night shift", reason="migration of the account")

    assert (first.switched_by, at(first.switched_at)) == ("set-up", MORNING)
    assert not saved.enabled
    assert not saved.HasField("next_scan_at")
    assert (saved.switched_by, saved.switch_reason) == ("night shift", "migration of the account")
    assert at(saved.switched_at) == MORNING + timedelta(minutes=1)
    assert saved.etag != first.etag
    assert await schedule(scheduler) == saved


async def test_it_does_not_fire(url, scheduler):
    set_clock(url, MORNING)
    await upserted(scheduler, **AT_TEN)
    await upserted(scheduler, **AT_TEN, location_id="loc-2")
    await paused(scheduler)

    set_clock(url, TEN)
    await eventually(lambda: scans(scheduler, "loc-2"))

    assert await scans(scheduler) == []


async def test_pausing_again_changes_nothing(url, scheduler):
    await upserted(scheduler, **AT_TEN)
    first = await paused(scheduler, actor="one", reason="first")

    assert await paused(scheduler, actor="two", reason="second") == first


async def test_what_it_fired_and_nobody_runs_yet_is_cancelled(url, scheduler):
    saved = (await upserted(scheduler, **AT_TEN)).schedule
    await sql(
        url,
        "INSERT INTO scan_history (id, schedule_id, location_id, status, trigger, scan_scope,"
        " selected_workflow_ids, scheduled_for, fires, reason, attempt, max_attempts, not_before,"
        " workflows_total, workflows_scanned, issues_found, critical_issues, partial, created_at)"
        " VALUES ('waits', %s, 'loc-1', 'queued', 'schedule', 'all', '{}', now(), 1, '', 1, 3,"
        " now() + interval '1 hour', 0, 0, 0, 0, false, now())",
        saved.schedule_id,
    )

    await paused(scheduler)

    [cancelled] = await scans(scheduler)
    assert cancelled.status == pb.SCAN_STATUS_CANCELLED
    assert cancelled.reason == "The schedule was paused before it began."
    assert cancelled.HasField("completed_at")


async def test_a_schedule_that_cannot_be_computed_can_be_paused(url, scheduler):
    await upserted(scheduler, **AT_TEN)
    await sql(url, "UPDATE scan_schedules SET timezone = 'Mars/Base', error = 'no'")

    seen, saved = await schedule(scheduler), await paused(scheduler)

    assert seen.error == "no"
    assert (saved.enabled, saved.error) == (False, "")


async def test_switching_it_off_by_a_change_is_pausing_it_without_a_reason(url, scheduler):
    await upserted(scheduler, **AT_TEN)

    saved = (await upserted(scheduler, mask=["enabled"], enabled=False, actor="editor")).schedule

    assert (saved.switched_by, saved.switch_reason) == ("editor", "")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location": ""}, "LOCATION_MISSING"),
        ({}, "SCHEDULE_NOT_FOUND"),
        ({"actor": "x" * 201}, "FIELD_TOO_LONG"),
        ({"reason": "x" * 501}, "FIELD_TOO_LONG"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(paused(lasting_scheduler, **fields))).reason == reason
