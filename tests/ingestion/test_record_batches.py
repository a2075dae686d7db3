"""Batch after batch on one stream: each is a call of its own, and the stream holds nobody up."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import psycopg
import pytest
from structlog.testing import capture_logs

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc.health import serves
from services.ingestion.wiring import running
from tests.ingestion.builders import (
    ACCEPTED,
    DUPLICATE,
    REJECTED,
    an_execution,
    listed,
    refused,
    settings_of,
    stub_of,
    waiting_for_locks,
)
from tests.support.waiting import eventually

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def a_batch(*executions, **more):
    items = [pb.RecordItem(execution=each) for each in executions]
    return pb.RecordBatchesRequest(items=items, **more)


async def answered(stream, batch):
    await stream.write(batch)
    return await stream.read()


async def test_each_batch_is_durable_when_it_is_answered(ingestion, location):
    stream = ingestion.RecordBatches()
    for size in (1, 3, 2):
        before = len(await listed(ingestion, location))
        batch = a_batch(*(an_execution(location, f"wf-{n}") for n in range(size)))

        answer = await answered(stream, batch)

        assert [each.outcome for each in answer.results] == [ACCEPTED] * size
        assert len(await listed(ingestion, location)) == before + size
    stream.cancel()


async def test_a_bad_item_and_a_repeated_one_are_told_in_their_place(ingestion, location):
    stream = ingestion.RecordBatches()
    known = an_execution(location, idempotency_key="once")
    await answered(stream, a_batch(known))

    answer = await answered(stream, a_batch(an_execution(location, ""), known))

    assert [each.outcome for each in answer.results] == [REJECTED, DUPLICATE]
    stream.cancel()


async def test_what_fails_a_batch_ends_the_stream_and_what_was_answered_holds(ingestion, location):
    stream = ingestion.RecordBatches()
    await answered(stream, a_batch(an_execution(location)))

    with refused(problems.InvalidRequest, "NO_ITEMS"):
        await answered(stream, a_batch())

    assert stream.done()
    assert len(await listed(ingestion, location)) == 1


async def test_who_has_said_all_ends_the_stream(ingestion, location):
    stream = ingestion.RecordBatches()
    await answered(stream, a_batch(an_execution(location)))
    await stream.done_writing()

    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() == grpc.StatusCode.OK


async def test_each_batch_has_a_line_in_the_log_with_its_own_ids(ingestion, location):
    stream = ingestion.RecordBatches()
    with capture_logs() as lines:
        for name in ("first", "second"):
            batch = a_batch(an_execution(location), request_id=name, traceparent=TRACE)
            await answered(stream, batch)
        with refused(problems.InvalidRequest, "NO_ITEMS"):
            await answered(stream, a_batch(request_id="third"))
    told = [each for each in lines if each.get("rpc", "").endswith("/RecordBatches")]
    assert [(each["request_id"], each["code"]) for each in told] == [
        ("first", "OK"),
        ("second", "OK"),
        ("third", "INVALID_ARGUMENT"),
    ]
    assert {each.get("trace_id") for each in told[:2]} == {"0af7651916cd43dd8448eb211c80319c"}
    assert "trace_id" not in told[2]


@dataclass(frozen=True)
class Replica:
    """A service that can be stopped, and a stub that survives it."""

    running: AsyncExitStack
    address: str
    ingestion: rpc.IngestionServiceStub
    database_url: str


@pytest.fixture
async def replica(new_database, notifier_address):
    settings = settings_of(new_database("ingestion"), notifier_address)
    async with AsyncExitStack() as callers, AsyncExitStack() as service:
        address = await service.enter_async_context(running(settings))
        stub = await callers.enter_async_context(stub_of(address, settings))
        yield Replica(service, address, stub, settings.database_url.get_secret_value())


async def test_a_service_that_stops_does_not_wait_for_a_stream_that_is_only_open(replica):
    stream = replica.ingestion.RecordBatches()
    await answered(stream, a_batch(an_execution("l")))
    loop = asyncio.get_running_loop()
    began = loop.time()

    await replica.running.aclose()

    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() == grpc.StatusCode.OK
    assert loop.time() - began < 3


async def stops(address):
    return not await serves(address)


async def test_a_service_that_stops_answers_the_batch_that_it_read(replica):
    stream = replica.ingestion.RecordBatches()
    await answered(stream, a_batch(an_execution("l", "wf")))
    async with await psycopg.AsyncConnection.connect(replica.database_url) as holder:
        await holder.execute("SELECT FROM workflows FOR UPDATE")
        asking = asyncio.create_task(answered(stream, a_batch(an_execution("l", "wf"))))
        await eventually(lambda: waiting_for_locks(replica.database_url) == 1)
        stopping = asyncio.create_task(replica.running.aclose())
        await eventually(lambda: stops(replica.address))
        await holder.rollback()

    answer = await asking
    await stopping

    assert [each.outcome for each in answer.results] == [ACCEPTED]
    assert await stream.read() is grpc.aio.EOF
