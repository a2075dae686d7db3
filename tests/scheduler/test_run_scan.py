"""Starts a scan of a location now."""

import asyncio
from datetime import timedelta

import pytest

from libs import problems
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import (
    MORNING,
    at,
    ended,
    refusal,
    run_now,
    scan,
    scanned,
    scans,
    schedule,
    upserted,
)
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

TEN = MORNING + timedelta(hours=1)


async def test_a_scan_is_answered_at_once_and_runs(scheduler, ingestion):
    ingestion.knows("wf-1")
    ingestion.answers.clear()

    started = await run_now(scheduler)
    ingestion.answers.set()
    done = await ended(scheduler, started.scan_id)

    assert (started.already_running, started.scan.status) == (False, pb.SCAN_STATUS_QUEUED)
    assert done.trigger == pb.SCAN_TRIGGER_MANUAL
    assert (done.workflows_total, done.workflows_scanned, done.attempt) == (1, 1, 1)
    assert done.created_at.ToDatetime() <= done.started_at.ToDatetime()


async def test_a_location_that_is_being_scanned_is_answered_with_that_scan(scheduler, ingestion):
    ingestion.answers.clear()

    first = await run_now(scheduler)
    second = await run_now(scheduler)
    other = await run_now(scheduler, "loc-2")

    assert (second.scan_id, second.already_running) == (first.scan_id, True)
    assert other.already_running is False
    assert len(await scans(scheduler)) == 1
    ingestion.answers.set()


async def test_ten_calls_at_once_start_one_scan(scheduler, ingestion):
    ingestion.answers.clear()

    started = await asyncio.gather(*(run_now(scheduler) for _ in range(10)))

    assert len({each.scan_id for each in started}) == 1
    assert [each.already_running for each in started].count(False) == 1
    ingestion.answers.set()


async def test_ten_calls_at_once_with_one_request_id_have_one_answer(scheduler, ingestion):
    started = await asyncio.gather(*(run_now(scheduler, request_id="k-1") for _ in range(10)))

    assert {(each.scan_id, each.already_running) for each in started} == {
        (started[0].scan_id, False)
    }
    assert [each.replayed for each in started].count(False) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"scan_scope": pb.SCAN_SCOPE_ALL},
        {"scan_scope": pb.SCAN_SCOPE_SELECTED, "selected_workflow_ids": ["wf-2"]},
        {"counts_as_next_fire": True},
    ],
)
async def test_a_request_id_with_another_request_is_refused(scheduler, other):
    asked = {"scan_scope": pb.SCAN_SCOPE_SELECTED, "selected_workflow_ids": ["wf-1"]}
    first = await scanned(scheduler, request_id="k-1", **asked)

    problem = await refusal(run_now(scheduler, request_id="k-1", **other))

    assert (problem.reason, problem.facts["request_id"]) == ("REQUEST_ID_REUSED", "k-1")
    assert (await run_now(scheduler, request_id="k-1", **asked)).scan_id == first.scan_id
    assert len(await scans(scheduler)) == 1


async def test_a_request_id_gives_the_same_scan_after_it_ended(scheduler):
    done = await scanned(scheduler, request_id="k-1")

    again = await run_now(scheduler, request_id="k-1")
    fresh = await run_now(scheduler, request_id="k-2")

    assert (again.scan_id, again.already_running) == (done.scan_id, False)
    assert again.scan.status == pb.SCAN_STATUS_COMPLETED
    assert (again.replayed, fresh.replayed) == (True, False)
    assert fresh.scan_id != done.scan_id


async def test_a_request_id_that_met_a_running_scan_stays_with_it(scheduler, ingestion):
    ingestion.answers.clear()
    first = await run_now(scheduler)
    met = await run_now(scheduler, request_id="k-1")
    ingestion.answers.set()
    await ended(scheduler, first.scan_id)

    again = await run_now(scheduler, request_id="k-1")

    assert (met.scan_id, again.scan_id) == (first.scan_id, first.scan_id)
    assert (met.already_running, again.already_running) == (True, True)


async def test_a_request_id_is_the_locations_own(scheduler):
    mine = await run_now(scheduler, "loc-1", request_id="k-1")
    theirs = await run_now(scheduler, "loc-2", request_id="k-1")

    assert mine.scan_id != theirs.scan_id


async def test_without_a_schedule_active_workflows_are_scanned(scheduler, ingestion):
    now = ingestion.knows("wf-new")
    ingestion.knows("wf-old", ran_at=now - timedelta(days=31))

    done = await scanned(scheduler)

    assert (done.scan_scope, done.schedule_id) == (pb.SCAN_SCOPE_ACTIVE, "")
    assert done.workflows_scanned == 1


async def test_with_a_schedule_its_scope_is_scanned(scheduler, ingestion):
    ingestion.knows("wf-1")
    ingestion.knows("wf-2")
    saved = await upserted(
        scheduler,
        frequency=pb.FREQUENCY_DAILY,
        scan_scope=pb.SCAN_SCOPE_SELECTED,
        selected_workflow_ids=["wf-2"],
    )

    done = await scanned(scheduler)

    assert done.schedule_id == saved.schedule.schedule_id
    assert (done.scan_scope, done.workflows_scanned) == (pb.SCAN_SCOPE_SELECTED, 1)


async def test_a_scope_that_is_asked_for_goes_before_the_schedules(scheduler, ingestion):
    ingestion.knows("wf-1")
    ingestion.knows("wf-2")
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY, scan_scope=pb.SCAN_SCOPE_ALL)

    done = await scanned(
        scheduler, scan_scope=pb.SCAN_SCOPE_SELECTED, selected_workflow_ids=["wf-1", "wf-1"]
    )

    assert done.workflows_scanned == 1


async def test_a_scan_on_demand_can_count_as_the_next_fire(url, scheduler):
    set_clock(url, MORNING)
    at_ten = {"frequency": pb.FREQUENCY_DAILY, "preferred_time": "10:00", "timezone": "UTC"}
    await upserted(scheduler, **at_ten)

    started = await run_now(scheduler, counts_as_next_fire=True, request_id="k-1")
    await ended(scheduler, started.scan_id)
    again = await run_now(scheduler, counts_as_next_fire=True, request_id="k-1")

    assert at(started.counts_as) == TEN
    assert (again.replayed, again.scan_id) == (True, started.scan_id)
    saved = await schedule(scheduler)
    assert at(saved.next_scan_at) == TEN + timedelta(days=1)
    [ran, skipped] = sorted(await scans(scheduler), key=lambda each: each.trigger)[::-1]
    assert (skipped.status, at(skipped.scheduled_for)) == (pb.SCAN_STATUS_SKIPPED, TEN)
    assert skipped.reason == f"Scan {started.scan_id}, started on demand, counts as it."
    assert ran.scan_id == started.scan_id
    set_clock(url, TEN + timedelta(days=1))

    async def fired():
        return len(await scans(scheduler, status=pb.SCAN_STATUS_COMPLETED)) == 2

    await eventually(fired)
    assert len(await scans(scheduler)) == 3


async def test_there_must_be_a_fire_to_count_as(scheduler):
    without = await refusal(run_now(scheduler, counts_as_next_fire=True))
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY, enabled=False)
    paused = await refusal(run_now(scheduler, counts_as_next_fire=True))
    scoped = await refusal(
        run_now(scheduler, counts_as_next_fire=True, scan_scope=pb.SCAN_SCOPE_ALL)
    )

    assert (without.reason, paused.reason) == ("SCHEDULE_NOT_FOUND", "SCHEDULE_PAUSED")
    assert scoped.reason == "SCOPE_NOT_THE_SCHEDULES"
    assert await scans(scheduler) == []


async def test_a_scan_that_was_there_already_counts_as_no_fire(scheduler, ingestion):
    saved = (await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)).schedule
    ingestion.answers.clear()
    await run_now(scheduler)

    met = await run_now(scheduler, counts_as_next_fire=True)

    assert (met.already_running, met.HasField("counts_as")) == (True, False)
    assert (await schedule(scheduler)).next_scan_at == saved.next_scan_at
    ingestion.answers.set()


async def test_progress_is_seen_while_a_scan_runs(scheduler, ingestion):
    for number in range(21):
        ingestion.knows(f"wf-{number:03}")
    ingestion.holds_histories_after = 1

    started = await run_now(scheduler)

    async def halfway():
        now = await scan(scheduler, started.scan_id)
        return now if now.workflows_scanned else None

    now = await eventually(halfway)
    assert (now.workflows_total, now.workflows_scanned) == (21, 20)
    assert now.status == pb.SCAN_STATUS_RUNNING
    ingestion.released.set()
    assert (await ended(scheduler, started.scan_id)).workflows_scanned == 21


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"location": ""}, "LOCATION_MISSING", "location_id"),
        ({"location": "x" * 65}, "FIELD_TOO_LONG", "location_id"),
        ({"location": "a\0b"}, "TEXT_MALFORMED", "location_id"),
        ({"request_id": "x" * 201}, "FIELD_TOO_LONG", "request_id"),
        (
            {"scan_scope": pb.SCAN_SCOPE_SELECTED},
            "WORKFLOW_SELECTION_EMPTY",
            "selected_workflow_ids",
        ),
        (
            {
                "scan_scope": pb.SCAN_SCOPE_SELECTED,
                "selected_workflow_ids": [f"wf-{n}" for n in range(1001)],
            },
            "SELECTION_TOO_LARGE",
            "selected_workflow_ids",
        ),
        ({"selected_workflow_ids": ["wf-1"]}, "SELECTION_WITHOUT_SCOPE", "scan_scope"),
        ({"scan_scope": 99}, "SCAN_SCOPE_UNKNOWN", "scan_scope"),
    ],
)
async def test_what_is_wrong_is_refused_by_field(lasting_scheduler, fields, reason, field):
    problem = await refusal(run_now(lasting_scheduler, **fields))

    assert isinstance(problem, problems.InvalidRequest)
    assert (problem.reason, problem.fields[0].field) == (reason, field)
