"""Stops a scan that waits or runs."""

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import (
    LOCATION,
    SECONDS,
    ended,
    refusal,
    run_now,
    scan,
    scanned,
    sql,
)
from tests.support.waiting import eventually


async def cancelled(stub, scan_id, location=LOCATION, **fields) -> pb.Scan:
    request = pb.CancelScanRequest(location_id=location, scan_id=scan_id, **fields)
    return (await stub.CancelScan(request, timeout=SECONDS)).scan


async def running(stub, scan_id):
    async def runs():
        return (await scan(stub, scan_id)).status == pb.SCAN_STATUS_RUNNING

    await eventually(runs)


async def test_a_running_scan_stops_and_its_slot_is_free(scheduler, ingestion):
    ingestion.answers.clear()
    started = await run_now(scheduler)
    await running(scheduler, started.scan_id)

    stopped = await cancelled(scheduler, started.scan_id, actor="ops", reason="wrong account")
    ingestion.answers.set()
    after = await scanned(scheduler)

    assert stopped.status == pb.SCAN_STATUS_CANCELLED
    assert stopped.reason == "Cancelled by ops: wrong account"
    assert stopped.HasField("completed_at")
    assert after.scan_id != started.scan_id
    assert await scan(scheduler, started.scan_id) == stopped


async def test_the_process_that_runs_it_hears_of_it_at_once(scheduler, ingestion):
    ingestion.answers.clear()
    started = await run_now(scheduler)
    await running(scheduler, started.scan_id)
    await eventually(lambda: ingestion.calls)

    await cancelled(scheduler, started.scan_id)

    await eventually(lambda: not ingestion.calls)
    ingestion.answers.set()


async def test_a_scan_that_waits_never_begins(url, scheduler, ingestion):
    ingestion.answers.clear()
    for number in range(4):
        await run_now(scheduler, f"loc-{number}")
    waiting = await run_now(scheduler, "loc-5")

    await cancelled(scheduler, waiting.scan_id, "loc-5")
    ingestion.answers.set()
    last = await run_now(scheduler, "loc-6")
    await ended(scheduler, last.scan_id, "loc-6")

    stopped = await scan(scheduler, waiting.scan_id, "loc-5")
    assert (stopped.status, stopped.attempt) == (pb.SCAN_STATUS_CANCELLED, 0)
    assert stopped.reason == "Cancelled."


async def test_what_a_cancelled_scan_found_is_thrown_away(url, scheduler, ingestion):
    for number in range(21):
        ingestion.knows(f"wf-{number:02}")
    ingestion.holds_histories_after = 1
    started = await run_now(scheduler)
    await eventually(lambda: sql(url, "SELECT 1 FROM scan_progress"))

    await cancelled(scheduler, started.scan_id)
    ingestion.released.set()
    await scanned(scheduler, "loc-2")

    assert await sql(url, "SELECT 1 FROM scan_results WHERE scan_id = %s", started.scan_id) == []
    assert await sql(url, "SELECT 1 FROM scan_progress") == []


async def test_cancelling_again_changes_nothing(scheduler, ingestion):
    ingestion.answers.clear()
    started = await run_now(scheduler)
    first = await cancelled(scheduler, started.scan_id, reason="first")

    assert await cancelled(scheduler, started.scan_id, reason="second") == first
    ingestion.answers.set()


async def test_a_scan_that_has_ended_is_told_so(scheduler):
    done = await scanned(scheduler)

    problem = await refusal(cancelled(scheduler, done.scan_id))

    assert problem.reason == "SCAN_ENDED"
    assert await scan(scheduler, done.scan_id) == done


async def test_the_scan_of_another_location_is_not_touched(scheduler, ingestion):
    ingestion.answers.clear()
    started = await run_now(scheduler)

    problem = await refusal(cancelled(scheduler, started.scan_id, "loc-2"))

    assert problem.reason == "SCAN_NOT_FOUND"
    assert (await scan(scheduler, started.scan_id)).status != pb.SCAN_STATUS_CANCELLED
    ingestion.answers.set()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location": ""}, "LOCATION_MISSING"),
        ({"scan_id": ""}, "SCAN_MISSING"),
        ({}, "SCAN_NOT_FOUND"),
        ({"reason": "x" * 501}, "FIELD_TOO_LONG"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    asked = {"scan_id": "none"} | fields

    assert (await refusal(cancelled(lasting_scheduler, **asked))).reason == reason
