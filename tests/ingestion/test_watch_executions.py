"""The live tail: everything that is recorded, whoever records it, and from where one left."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.client import telling_problems
from services.ingestion.actions import watching
from services.ingestion.domain.execution import Execution, Source, Status
from services.ingestion.domain.tail import Arrived, Interest, WatcherTooSlow
from services.ingestion.wiring import running
from tests.ingestion.builders import (
    FAILED,
    PARTIAL,
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    record,
    refused,
    settings_of,
    stub_of,
)
from tests.ingestion.test_import_executions import importing
from tests.support.waiting import eventually


class Tail:
    """What a watch has sent so far."""

    def __init__(self, call):
        self.call = call
        self.received = []

    async def read(self):
        with telling_problems():
            async for each in self.call:
                self.received.append(each)

    @property
    def runs(self):
        return [each.execution.run_id for each in self.received]


@asynccontextmanager
async def watched(ingestion, location, **request):
    """A watch that is open: it has seen a run of another workflow, which is not shown."""
    call = ingestion.WatchExecutions(pb.WatchExecutionsRequest(location_id=location, **request))
    tail = Tail(call)
    reading = asyncio.create_task(tail.read())
    try:
        if "workflow_id" not in request and "cursor" not in request:
            await _open(ingestion, location, tail)
        yield tail
    finally:
        call.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _open(ingestion, location, tail):
    async def seen():
        await record(ingestion, a_failure(location, run_id="hello", error_message="unsubscribed"))
        return tail.received

    await eventually(seen, every=0.1)
    tail.received.clear()


def others(runs):
    return [each for each in runs if each != "hello"]


async def test_what_is_recorded_is_shown_in_the_order_of_arrival(ingestion, location):
    async with watched(ingestion, location) as tail:
        await record(ingestion, an_execution(location, run_id="1", executed_at=ago(days=3)))
        await record(ingestion, a_failure(location, "other", run_id="2"))
        await record(ingestion, an_execution(location, run_id="3"))
        await eventually(lambda: others(tail.runs) == ["1", "2", "3"])
    shown = [each.execution for each in tail.received if each.execution.run_id != "hello"]
    for each in shown:
        request = pb.GetExecutionRequest(location_id=location, execution_id=each.execution_id)
        assert (await ingestion.GetExecution(request, timeout=5)).execution == each


async def test_a_large_batch_is_shown_once_and_whole(ingestion, location):
    async with watched(ingestion, location) as tail:
        await record(ingestion, *[an_execution(location, run_id=str(n)) for n in range(500)])
        await eventually(lambda: len(others(tail.runs)) >= 500)
    assert sorted(others(tail.runs), key=int) == [str(n) for n in range(500)]


async def test_filters_and_locations_are_kept_apart(ingestion, location):
    async with watched(ingestion, location, statuses=[FAILED, PARTIAL]) as tail:
        await record(
            ingestion,
            an_execution(location, run_id="success"),
            an_execution(f"{location}-b", run_id="foreign", status=FAILED),
            an_execution(location, run_id="partial", status=PARTIAL),
            a_failure(location, run_id="failed"),
        )
        await eventually(lambda: len(others(tail.runs)) >= 2)
    assert set(others(tail.runs)) == {"partial", "failed"}


async def test_what_another_replica_records_is_shown_too(new_database, notifier_address):
    url = new_database("ingestion")
    async with (
        an_ingestion(url, notifier_address) as here,
        an_ingestion(url, notifier_address) as there,
        watched(here, "l") as tail,
    ):
        await record(there, an_execution("l", run_id="there"))
        await eventually(lambda: "there" in tail.runs)


async def test_a_watch_goes_on_where_it_ended(ingestion, location):
    async with watched(ingestion, location) as tail:
        await record(ingestion, an_execution(location, run_id="before"))
        await eventually(lambda: "before" in tail.runs)
    cursor = tail.received[-1].cursor
    for n in range(3):
        await record(ingestion, *[an_execution(location, run_id=f"{n}-{m}") for m in range(100)])

    async with watched(ingestion, location, cursor=cursor) as again:
        await eventually(lambda: "2-99" in again.runs)
        await record(ingestion, an_execution(location, run_id="live"))
        await eventually(lambda: "live" in again.runs)
    assert {f"{n}-{m}" for n in range(3) for m in range(100)} <= set(again.runs)
    assert again.runs.count("live") == 1
    ids = [each.execution.execution_id for each in again.received]
    assert len(ids) == len(set(ids))


async def test_a_slower_transaction_that_began_earlier_is_not_left_out(
    new_database, notifier_address, location
):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address) as ingestion:
        await record(ingestion, an_execution(location, "slow"))
        with psycopg.connect(url) as connection:
            connection.execute("SELECT FROM workflows WHERE workflow_id = 'slow' FOR UPDATE")
            slow = asyncio.create_task(
                record(ingestion, an_execution(location, "slow", run_id="slow"))
            )
            async with watched(ingestion, location) as tail:
                await record(ingestion, an_execution(location, "fast", run_id="fast"))
                await eventually(lambda: "fast" in tail.runs)
                assert "slow" not in tail.runs
                connection.commit()
                await slow
                await eventually(lambda: "slow" in tail.runs)


async def test_imported_history_is_not_shown(ingestion, location):
    async with watched(ingestion, location) as tail:
        await importing(
            ingestion, location, an_execution("", run_id="old", executed_at=ago(days=1))
        )
        await record(ingestion, an_execution(location, run_id="new"))
        await eventually(lambda: "new" in tail.runs)
    assert "old" not in tail.runs


async def test_a_cursor_of_long_ago_goes_on_with_what_is_kept(ingestion, location):
    await record(ingestion, an_execution(location, run_id="kept"))
    async with watched(ingestion, location, cursor="0") as tail:
        await eventually(lambda: tail.runs == ["kept"])


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "²", str(2**63), "9" * 50])
async def test_a_cursor_that_is_none_is_refused(ingestion, location, cursor):
    with refused(problems.InvalidRequest, "CURSOR_MALFORMED"):
        async for _ in ingestion.WatchExecutions(
            pb.WatchExecutionsRequest(location_id=location, cursor=cursor)
        ):
            pass


async def test_what_is_wrong_with_the_request_is_said(ingestion, location):
    for request, reason in (
        (pb.WatchExecutionsRequest(), "LOCATION_MISSING"),
        (pb.WatchExecutionsRequest(location_id=location, statuses=[9]), "STATUS_UNKNOWN"),
    ):
        with refused(problems.InvalidRequest, reason):
            async for _ in ingestion.WatchExecutions(request):
                pass


async def test_a_replica_that_stops_says_so_at_once(new_database, notifier_address):
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as callers, AsyncExitStack() as replica:
        settings = settings_of(new_database("ingestion"), notifier_address)
        address = await replica.enter_async_context(running(settings))
        ingestion = await callers.enter_async_context(stub_of(address, settings))
        tail = Tail(ingestion.WatchExecutions(pb.WatchExecutionsRequest(location_id="l")))
        reading = asyncio.create_task(tail.read())
        await _open(ingestion, "l", tail)
        began = loop.time()
        await replica.aclose()
        with pytest.raises(problems.Unavailable) as caught:
            await reading
    assert caught.value.reason == "STOPPING"
    assert loop.time() - began < 3


async def test_who_does_not_keep_up_is_told_so():
    at = ago()
    execution = Execution(
        execution_id="e", location_id="l", workflow_id="w", status=Status.SUCCESS,
        executed_at=at, received_at=at, source=Source.GRPC,
    )  # fmt: skip
    watcher = watching.Watcher(Interest("l"))
    for number in range(watching.MOST_WAITING + 5):
        watcher.offer(Arrived(number, execution))
    for number in range(watching.MOST_WAITING):
        assert (await watcher.next()).arrival_id == number
    with pytest.raises(WatcherTooSlow):
        await watcher.next()
