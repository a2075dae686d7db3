"""Sends a scan whenever it changes, until it has ended."""

import asyncio
from itertools import pairwise

import grpc
import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.rpc import status
from services.scheduler.wiring import running
from tests.scheduler.asking import LOCATION, SECONDS, refusal, run_now, scan, scanned
from tests.support.waiting import eventually


def watch(stub, scan_id, location=LOCATION):
    request = pb.WatchScanRequest(location_id=location, scan_id=scan_id)
    return stub.WatchScan(request, timeout=4 * SECONDS)


async def seen(stub, scan_id, location=LOCATION) -> list[pb.Scan]:
    return [each.scan async for each in watch(stub, scan_id, location)]


async def test_progress_is_seen_and_the_end_ends_it(scheduler, ingestion):
    for number in range(21):
        ingestion.knows(f"wf-{number:02}")
    ingestion.holds_histories_after = 1
    started = await run_now(scheduler)
    watching = asyncio.create_task(seen(scheduler, started.scan_id))

    async def halfway():
        return (await scan(scheduler, started.scan_id)).workflows_scanned

    await eventually(halfway)
    await asyncio.wait([watching], timeout=1)
    ingestion.released.set()
    found = await watching

    assert 20 in [each.workflows_scanned for each in found]
    assert (found[-1].status, found[-1].workflows_scanned) == (pb.SCAN_STATUS_COMPLETED, 21)
    assert all(earlier != later for earlier, later in pairwise(found))


async def test_a_scan_that_has_ended_is_sent_once(scheduler):
    done = await scanned(scheduler)

    assert await seen(scheduler, done.scan_id) == [done]


async def test_a_process_that_stops_ends_the_watch(settings, ingestion):
    ingestion.answers.clear()
    async with running(settings) as address:
        channel = grpc.aio.insecure_channel(address)
        stub = rpc.SchedulerServiceStub(channel)
        started = await run_now(stub)
        call = watch(stub, started.scan_id)
        await anext(aiter(call))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    await channel.close()
    ingestion.answers.set()

    assert status.from_error(caught.value).reason == "STOPPING"


async def test_the_scan_of_another_location_is_not_shown(scheduler):
    done = await scanned(scheduler)

    assert (await refusal(seen(scheduler, done.scan_id, "loc-2"))).reason == "SCAN_NOT_FOUND"
    assert (await refusal(seen(scheduler, "", "loc-2"))).reason == "SCAN_MISSING"
    assert (await refusal(seen(scheduler, done.scan_id, ""))).reason == "LOCATION_MISSING"
