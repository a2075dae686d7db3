"""Scans are tried again, taken over, handed back, and given up with one event."""

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import grpc
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from services.scheduler.actions.execution import retry_delay
from services.scheduler.actions.starting import Starting
from services.scheduler.domain.evidence import LocationEvidence, WorkflowEvidence
from services.scheduler.domain.result import examined
from services.scheduler.domain.scan import ScanTrigger
from services.scheduler.domain.schedule import Asked, ScanScope
from services.scheduler.store import queue, scans, schedules
from services.scheduler.store.scans import Scan
from services.scheduler.wiring import running
from tests.scheduler.asking import MORNING, ended, refusal, run_now, scan, scanned, sql, upserted
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

LOOK = "NOTIFY scans_queued"
"""Wakes all processes, so that a test need not wait for the next tick."""


LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'scheduler-listen'
"""


async def in_attempt(stub, url, scan_id, attempt, status):
    async def reached():
        await sql(url, LOOK)
        now = await scan(stub, scan_id)
        return now if (now.attempt, now.status) == (attempt, status) else None

    return await eventually(reached)


async def test_a_scan_that_fails_is_tried_three_times_and_then_given_up(
    url, scheduler, ingestion, notifier
):
    set_clock(url, MORNING)
    ingestion.refuses_with = grpc.StatusCode.INTERNAL
    started = await run_now(scheduler)
    waits = []

    for attempt, later in ((1, timedelta(seconds=37)), (2, timedelta(seconds=150))):
        waiting = await in_attempt(scheduler, url, started.scan_id, attempt, pb.SCAN_STATUS_QUEUED)
        assert waiting.reason
        [(not_before, now)] = await sql(url, "SELECT not_before, clock_now() FROM scan_history")
        waits.append((not_before - now).total_seconds())
        set_clock(url, now + later)
    done = await in_attempt(scheduler, url, started.scan_id, 3, pb.SCAN_STATUS_FAILED)

    assert 24 <= waits[0] <= 36
    assert 96 <= waits[1] <= 144
    assert [each.attempt for each in done.failed_attempts] == [1, 2, 3]
    assert {each.reason for each in done.failed_attempts} == {done.reason}
    assert done.HasField("completed_at")
    [event] = await eventually(lambda: notifier.told("scan_failed"))
    assert (event.location_id, event.scan_failed.scan_id) == ("loc-1", started.scan_id)
    assert (event.scan_failed.attempts, event.scan_failed.error) == (3, done.reason)
    assert await sql(url, "SELECT 1 FROM outbox") == []


async def test_a_scan_that_waits_for_its_next_attempt_is_still_the_locations_scan(
    url, scheduler, ingestion
):
    set_clock(url, MORNING)
    ingestion.refuses_with = grpc.StatusCode.INTERNAL
    started = await run_now(scheduler)
    await in_attempt(scheduler, url, started.scan_id, 1, pb.SCAN_STATUS_QUEUED)

    again = await run_now(scheduler)

    assert (again.scan_id, again.already_running) == (started.scan_id, True)


async def test_a_scan_succeeds_when_ingestion_is_back(url, scheduler, ingestion, notifier):
    set_clock(url, MORNING)
    ingestion.refuses_with = grpc.StatusCode.UNAVAILABLE
    started = await run_now(scheduler)
    waiting = await in_attempt(scheduler, url, started.scan_id, 1, pb.SCAN_STATUS_QUEUED)
    ingestion.refuses_with = None
    set_clock(url, MORNING + timedelta(minutes=1))

    done = await in_attempt(scheduler, url, started.scan_id, 2, pb.SCAN_STATUS_COMPLETED)

    assert "Ingestion does not answer" in waiting.reason
    assert done.reason == ""
    assert not notifier.told("scan_failed")


@given(attempt=st.integers(1, 2))
def test_a_retry_waits_four_times_longer_a_fifth_more_or_less(attempt):
    usual = {1: 30, 2: 120}[attempt]

    assert 0.8 * usual <= retry_delay(attempt).total_seconds() <= 1.2 * usual


async def abandoned(database, url, *, attempt=1) -> queue.Claimed:
    """Queues a scan and lets a process claim it that is never heard of again."""
    starting = Starting(database, on_queued=lambda: None)
    await starting.run("loc-1", Asked(scope=ScanScope.ALL))
    async with database.transaction() as session:
        [claimed] = await queue.claim(session, "gone", 1)
    await sql(
        url,
        "UPDATE scan_history SET lease_until = clock_now() - interval '1 second', attempt = %s",
        attempt,
    )
    return claimed


async def test_a_scan_whose_holder_is_gone_is_taken_over(url, database, settings, ingestion):
    ingestion.knows("wf-1")
    claimed = await abandoned(database, url)

    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        done = await ended(rpc.SchedulerServiceStub(channel), claimed.scan.scan_id)

    assert (done.attempt, done.workflows_scanned) == (2, 1)
    [lost] = done.failed_attempts
    assert (lost.attempt, "went away" in lost.reason) == (1, True)


async def test_another_attempt_goes_on_where_the_last_one_was(url, settings, ingestion):
    for number in range(50):
        ingestion.knows(f"wf-{number:02}")
    ingestion.holds_histories_after = 2
    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        stub = rpc.SchedulerServiceStub(channel)
        started = await run_now(stub)

        async def at_forty():
            return (await scan(stub, started.scan_id)).workflows_scanned == 40

        await eventually(at_forty)
        await eventually(lambda: len(ingestion.asked_for) == 50)
        before, ingestion.asked_for = ingestion.asked_for, []
        ingestion.holds_histories_after = None
        await sql(
            url,
            "UPDATE scan_history SET lease_owner = 'gone', lease_until = now() - interval '1 second'",
        )
        async with running(settings) as other, grpc.aio.insecure_channel(other) as second:
            done = await ended(rpc.SchedulerServiceStub(second), started.scan_id)
        ingestion.released.set()

    assert before == [f"wf-{number:02}" for number in range(50)]
    assert ingestion.asked_for[:10] == [f"wf-{number:02}" for number in range(40, 50)]
    assert (done.workflows_scanned, done.workflows_total, done.attempt) == (50, 50, 2)
    assert await sql(url, "SELECT 1 FROM scan_progress") == []
    results = "SELECT count(*) AS n, count(DISTINCT workflow_id) AS each FROM scan_results"
    assert await sql(url, results) == [(50, 50)]


@pytest.mark.parametrize("kept", ['[{"nonsense": 1}]', None])
async def test_progress_that_does_not_fit_any_more_is_not_used(
    url, database, settings, ingestion, kept
):
    ingestion.knows("wf-1")
    claimed = await abandoned(database, url)
    stored = kept or msgspec.json.encode([a_result("gone")]).decode()
    await sql(url, "INSERT INTO scan_progress VALUES (%s, 0, %s)", claimed.lease.scan_id, stored)

    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        done = await ended(rpc.SchedulerServiceStub(channel), claimed.scan.scan_id)

    assert (done.workflows_scanned, done.workflows_total) == (1, 1)
    assert ingestion.asked_for == ["wf-1"]


def a_result(workflow_id):
    workflow = WorkflowEvidence(workflow_id=workflow_id)
    return examined(workflow, LocationEvidence(location_id="loc-1"))


async def test_a_scan_that_takes_too_long_is_tried_again(url, settings, ingestion):
    hasty = settings.model_copy(update={"scan_timeout": timedelta(milliseconds=200)})
    ingestion.answers.clear()
    async with running(hasty) as address, grpc.aio.insecure_channel(address) as channel:
        stub = rpc.SchedulerServiceStub(channel)
        started = await run_now(stub)
        waiting = await in_attempt(stub, url, started.scan_id, 1, pb.SCAN_STATUS_QUEUED)
    ingestion.answers.set()

    assert waiting.reason == "It took longer than 0:00:00.200000."
    assert [each.reason for each in waiting.failed_attempts] == [waiting.reason]


@pytest.mark.parametrize("stale", [{"owner": "gone"}, {"attempt": 1}])
async def test_a_late_write_of_an_old_holder_changes_nothing(url, database, stale):
    await abandoned(database, url)
    async with database.transaction() as session:
        [taken] = await queue.claim(session, "next", 1)
    before = await sql(url, "SELECT * FROM scan_history")
    old = replace(taken.lease, **stale)

    for write in (
        lambda session: queue.note_progress(session, old, total=9, scanned=9),
        lambda session: queue.fail(session, old, reason="late"),
        lambda session: queue.put_back(session, old, reason="late", delay=timedelta(seconds=1)),
    ):
        with pytest.raises(queue.LeaseLost):
            async with database.transaction() as session:
                await write(session)
    async with database.transaction() as session:
        held = await queue.renew(session, [old])
        await queue.hand_back(session, "gone")

    assert held == set()
    assert await sql(url, "SELECT * FROM scan_history") == before


async def test_a_scan_abandoned_in_its_last_attempt_is_given_up(url, database, settings, notifier):
    claimed = await abandoned(database, url, attempt=3)

    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        stub = rpc.SchedulerServiceStub(channel)
        done = await ended(stub, claimed.scan.scan_id, as_=pb.SCAN_STATUS_FAILED)
        [event] = await eventually(lambda: notifier.told("scan_failed"))

    assert "went away" in done.reason
    assert event.scan_failed.attempts == 3


async def test_a_process_that_stops_hands_its_scans_back(url, settings, ingestion):
    ingestion.answers.clear()
    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        stub = rpc.SchedulerServiceStub(channel)
        started = await run_now(stub)
        await in_attempt(stub, url, started.scan_id, 1, pb.SCAN_STATUS_RUNNING)

    row = await sql(
        url, "SELECT status, attempt, lease_owner, lease_until <= clock_now() FROM scan_history"
    )
    assert row == [("queued", 0, None, True)]
    assert await sql(url, "SELECT 1 FROM scheduler_replicas") == []


async def test_another_process_goes_on_with_what_one_hands_back(url, settings, ingestion):
    ingestion.knows("wf-1")
    ingestion.answers.clear()
    async with AsyncExitStack() as staying:
        async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
            first = rpc.SchedulerServiceStub(channel)
            started = await run_now(first)
            await in_attempt(first, url, started.scan_id, 1, pb.SCAN_STATUS_RUNNING)
            other = await staying.enter_async_context(running(settings))
        ingestion.answers.set()
        channel = await staying.enter_async_context(grpc.aio.insecure_channel(other))
        done = await ended(rpc.SchedulerServiceStub(channel), started.scan_id)

    assert (done.attempt, done.workflows_scanned) == (1, 1)


async def test_what_waits_behind_a_scan_starts_when_it_ends(url, scheduler, ingestion):
    ingestion.answers.clear()
    started = await run_now(scheduler)
    await in_attempt(scheduler, url, started.scan_id, 1, pb.SCAN_STATUS_RUNNING)
    await sql(
        url,
        "INSERT INTO scan_history SELECT 'behind', schedule_id, location_id, 'queued', trigger,"
        " scan_scope, selected_workflow_ids, scheduled_for, fires, '', 0, 3, not_before, NULL,"
        " NULL, NULL, 0, 0, 0, 0, false, created_at, NULL, NULL, NULL, true, '[]' FROM scan_history",
    )
    waiting = await scan(scheduler, "behind")

    ingestion.answers.set()

    await ended(scheduler, "behind")
    assert waiting.status == pb.SCAN_STATUS_QUEUED
    ends = await sql(
        url,
        "SELECT behind.started_at - first.completed_at AS later FROM scan_history behind,"
        " scan_history first WHERE behind.id = 'behind' AND first.id <> 'behind'",
    )
    assert timedelta(0) <= ends[0].later


async def test_a_scan_is_found_without_the_announcement_too(url, database, scheduler):
    await eventually(lambda: sql(url, LISTENERS))
    await sql(url, f"SELECT pg_terminate_backend(pid) FROM ({LISTENERS}) AS listening")

    started = await Starting(database, on_queued=lambda: None).run("loc-1", Asked())

    await ended(scheduler, started.scan.scan_id)


async def test_no_more_scans_run_at_once_than_there_are_slots(url, settings, ingestion):
    ingestion.answers.clear()
    two = settings.model_copy(update={"concurrent_scans": 2})
    async with running(two) as address, grpc.aio.insecure_channel(address) as channel:
        stub = rpc.SchedulerServiceStub(channel)
        started = [await run_now(stub, f"loc-{n}") for n in range(5)]

        async def both_at_work():
            return len(await sql(url, "SELECT 1 FROM scan_history WHERE status = 'running'")) == 2

        await eventually(both_at_work)
        await sql(url, LOOK)
        waiting = await sql(url, "SELECT 1 FROM scan_history WHERE status = 'queued'")
        ingestion.answers.set()
        for number, each in enumerate(started):
            await ended(stub, each.scan_id, f"loc-{number}")

    assert len(waiting) == 3


async def test_a_lease_is_renewed_while_a_scan_runs(url, database):
    set_clock(url, MORNING)
    starting = Starting(database, on_queued=lambda: None)
    await starting.run("loc-1", Asked(scope=ScanScope.ALL))
    async with database.transaction() as session:
        [claimed] = await queue.claim(session, "me", 1)

    for minute in itertools.repeat(timedelta(seconds=20), 4):
        [(now,)] = await sql(url, "SELECT clock_now()")
        set_clock(url, now + minute)
        async with database.transaction() as session:
            assert await queue.renew(session, [claimed.lease]) == {claimed.lease.scan_id}
            assert await queue.claim(session, "other", 1) == []


async def test_many_claims_at_once_take_each_scan_once(url, database):
    starting = Starting(database, on_queued=lambda: None)
    for number in range(30):
        await starting.run(f"loc-{number}", Asked(scope=ScanScope.ALL))

    async def take(owner):
        async with database.transaction() as session:
            return await queue.claim(session, owner, 10)

    taken = await asyncio.gather(*(take(f"owner-{n}") for n in range(6)))

    ids = [each.lease.scan_id for batch in taken for each in batch]
    assert len(ids) == len(set(ids)) == 30


async def test_a_scan_of_a_process_that_lost_its_lease_is_stopped(url, scheduler, ingestion):
    ingestion.answers.clear()
    started = await run_now(scheduler)
    await in_attempt(scheduler, url, started.scan_id, 1, pb.SCAN_STATUS_RUNNING)

    await sql(url, "UPDATE scan_history SET lease_owner = 'other', attempt = 2")
    ingestion.answers.set()
    await scanned(scheduler, "loc-2")

    now = await scan(scheduler, started.scan_id)
    assert (now.status, now.attempt) == (pb.SCAN_STATUS_RUNNING, 2)
    assert (await refusal(scan(scheduler, "none"))).reason == "SCAN_NOT_FOUND"


async def test_a_scan_may_complete_while_its_schedule_fires(url, scheduler, ingestion, database):
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)
    ingestion.answers.clear()
    started = await run_now(scheduler)
    running_now = await in_attempt(scheduler, url, started.scan_id, 1, pb.SCAN_STATUS_RUNNING)

    async def completion_waits():
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return await sql(url, waiting)

    async with database.transaction() as firing:
        await schedules.get(firing, "loc-1", lock=True)
        ingestion.answers.set()
        await eventually(completion_waits)
        fired = Scan(
            scan_id="fired",
            schedule_id=running_now.schedule_id,
            location_id="loc-1",
            trigger=ScanTrigger.SCHEDULE,
            scan_scope=ScanScope.ALL,
            scheduled_for=MORNING,
            created_at=MORNING,
        )
        assert await scans.add(firing, [fired]) == set()

    assert (await ended(scheduler, started.scan_id)).attempt == 1
