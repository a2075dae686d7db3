"""Batches reach ingestion on streams that stay open, through its restarts too."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.peers import NotRecorded, connected, recording
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc.server import serving
from libs.settings import ServiceSettings
from tests.gateway.conftest import gateway_settings
from tests.gateway.fake_ingestion import SERVICE, FakeIngestion
from tests.support.waiting import eventually


class CountedIngestion(FakeIngestion):
    """Counts the streams that were opened."""

    def __init__(self):
        super().__init__()
        self.streams = 0

    async def RecordBatches(self, request_iterator, context):
        self.streams += 1
        async for each in super().RecordBatches(request_iterator, context):
            yield each


@asynccontextmanager
async def at_port(fake, port=0):
    def add(server):
        rpc.add_IngestionServiceServicer_to_server(fake, server)

    async with serving(ServiceSettings(port=port), SERVICE, add) as address:
        yield address


@pytest.fixture
def fake():
    return CountedIngestion()


@pytest.fixture
async def served(fake):
    """Where it answers, and what ends it."""
    async with AsyncExitStack() as running:
        yield await running.enter_async_context(at_port(fake)), running


@pytest.fixture
async def services(served, tmp_path):
    address, _ = served
    settings = gateway_settings("postgresql://nobody@127.0.0.1/none", tmp_path)
    async with connected(settings.model_copy(update={"ingestion_address": address})) as services:
        yield services


def item(run_id):
    return pb.RecordItem(execution=pb.Execution(run_id=run_id))


async def test_one_after_the_other_they_share_a_stream(services, fake):
    record = recording(services)
    for run_id in "abc":
        (result,) = await record([item(run_id)])
        assert result.outcome == pb.RecordResult.OUTCOME_ACCEPTED
    assert fake.streams == 1
    assert len(fake.calls) == 3


async def test_two_at_the_same_moment_have_one_each_and_keep_them(services, fake):
    record = recording(services)
    for _ in range(3):
        await asyncio.gather(record([item("a")]), record([item("b")]))
    assert fake.streams == 2


async def test_a_batch_that_fails_is_told_as_it_is_and_the_next_one_goes_on(services, fake):
    record = recording(services)
    fake.problem_of = lambda _: problems.InvalidRequest("I cannot read this.")
    with pytest.raises(problems.InvalidRequest, match="I cannot read this"):
        await record([item("a")])
    fake.problem_of = lambda _: None

    (result,) = await record([item("b")])

    assert result.outcome == pb.RecordResult.OUTCOME_ACCEPTED


async def test_without_an_answer_in_time_nothing_is_known_and_the_stream_is_left(services, fake):
    fake.may_answer.clear()
    with pytest.raises(NotRecorded):
        await recording(services, seconds=0.2)([item("slow")])
    fake.may_answer.set()

    await recording(services)([item("next")])

    assert [each.execution.run_id for each in fake.items] == ["slow", "next"]
    assert fake.streams == 2


async def test_a_restart_between_two_batches_is_not_noticed(services, served, fake):
    address, running = served
    record = recording(services)
    await record([item("before")])
    await running.aclose()
    waiting = asyncio.create_task(record([item("after")]))

    async with at_port(fake, int(address.rpartition(":")[2])):
        (result,) = await waiting

    assert result.outcome == pb.RecordResult.OUTCOME_ACCEPTED
    assert [each.execution.run_id for each in fake.items] == ["before", "after"]


async def test_what_is_sent_while_ingestion_stops_is_answered_or_goes_on(services, served, fake):
    """Whatever the moment: nothing is refused, and nothing arrives twice."""
    address, running = served
    record = recording(services)
    await asyncio.gather(record([item("a")]), record([item("b")]))
    fake.may_answer.clear()
    asked = [asyncio.create_task(record([item(name)])) for name in ("c", "d")]
    await eventually(lambda: len(fake.calls) == 4)
    stopping = asyncio.create_task(running.aclose())
    asked += [asyncio.create_task(record([item(name)])) for name in ("e", "f")]
    await asyncio.sleep(0)
    fake.may_answer.set()
    await stopping

    async with at_port(fake, int(address.rpartition(":")[2])):
        results = await asyncio.gather(*asked)

    assert {each.outcome for (each,) in results} == {pb.RecordResult.OUTCOME_ACCEPTED}
    assert sorted(each.execution.run_id for each in fake.items) == list("abcdef")


async def test_an_ingestion_that_is_gone_is_told(services, served, fake):
    _, running = served
    record = recording(services, seconds=0.3)
    await record([item("before")])
    await running.aclose()

    with pytest.raises(NotRecorded):
        await record([item("after")])
