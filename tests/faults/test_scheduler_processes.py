"""Schedulers are killed, frozen and stopped while they scan: others go on, and nothing is lost."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import grpc
import psycopg
import pytest
from psycopg.rows import namedtuple_row

from libs.contracts.ingestion.v1 import ingestion_pb2_grpc
from libs.contracts.notifier.v1 import notifier_pb2_grpc
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.db import migrations
from libs.rpc.health import serves
from services.scheduler.wiring import MIGRATIONS
from tests.scheduler.asking import ended, run_now, scan
from tests.scheduler.fakes import FakeIngestion, FakeNotifier, served
from tests.support.database_clock import release_clock, shift_clock
from tests.support.programs import free_port, program
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)

WORKFLOWS = 500
LEASE = timedelta(seconds=60)
NOTICED_WITHIN = 5
"""Seconds after the end of a lease."""
HANDED_OVER_WITHIN = 2
STOPPED_WITHIN = 10


class Fleet:
    """Schedulers as programs of their own, on one database, between peers that a test commands."""

    def __init__(self, url, ingestion, notifier, stack):
        self.url = url
        self.ingestion = ingestion
        self._notifier = notifier
        self._stack = stack

    async def start(self, **environment):
        """Starts a scheduler; gives its process and a stub of it."""
        port = free_port()
        settings = {
            "SCHEDULER_PORT": port,
            "SCHEDULER_DATABASE_URL": self.url,
            "SCHEDULER_INGESTION_ADDRESS": self.ingestion.address,
            "SCHEDULER_NOTIFIER_ADDRESS": self._notifier.address,
            "ENCRYPTION_KEYS": "a key of the test",
            "LOG_LEVEL": "WARNING",
        }
        started = program("services.scheduler", **settings, **environment)
        process = await self._stack.enter_async_context(started)
        address = f"127.0.0.1:{port}"
        await eventually(lambda: serves(address), within=60, every=0.1)
        channel = await self._stack.enter_async_context(grpc.aio.insecure_channel(address))
        return process, rpc.SchedulerServiceStub(channel)

    def rows(self, statement, *values):
        with psycopg.connect(self.url, row_factory=namedtuple_row) as connection:
            return connection.execute(statement, values).fetchall()


@pytest.fixture
async def fleet(cluster, request) -> AsyncIterator[Fleet]:
    name = f"faults_{abs(hash(request.node.name))}"
    url = await cluster.ensure_database(name)
    await migrations.apply(url, MIGRATIONS)
    async with AsyncExitStack() as stack:
        ingestion = await stack.enter_async_context(
            served(FakeIngestion(), ingestion_pb2_grpc.add_IngestionServiceServicer_to_server)
        )
        notifier = await stack.enter_async_context(
            served(FakeNotifier(), notifier_pb2_grpc.add_NotifierServiceServicer_to_server)
        )
        yield Fleet(url, ingestion, notifier, stack)
        release_clock(url)


async def scanned_so_far(stub, scan_id, count):
    async def reached():
        return (await scan(stub, scan_id)).workflows_scanned == count

    await eventually(reached, within=60)


async def taken_over(fleet, attempt):
    async def taken():
        return fleet.rows("SELECT 1 FROM scan_history WHERE attempt = %s", attempt)

    began = time.monotonic()
    await eventually(taken, within=60)
    return time.monotonic() - began


async def test_a_killed_process_costs_at_most_twenty_workflows(fleet):
    for number in range(WORKFLOWS):
        fleet.ingestion.knows(f"wf-{number:03}")
    fleet.ingestion.holds_histories_after = 15
    killed, first = await fleet.start()
    started = await run_now(first)
    await scanned_so_far(first, started.scan_id, 300)
    await eventually(lambda: len(fleet.ingestion.asked_for) > 300)  # it is at the 312th
    _, second = await fleet.start()

    killed.kill()
    await killed.wait()
    asked_before = set(fleet.ingestion.asked_for)
    fleet.ingestion.asked_for = []
    fleet.ingestion.holds_histories_after = None
    fleet.ingestion.released.set()
    shift_clock(fleet.url, LEASE)
    seconds = await taken_over(fleet, attempt=2)
    done = await ended(second, started.scan_id)

    assert seconds <= NOTICED_WITHIN
    assert len(asked_before & set(fleet.ingestion.asked_for)) <= 20
    assert (done.workflows_scanned, done.attempt) == (WORKFLOWS, 2)
    counts = "SELECT count(*) AS n, count(DISTINCT workflow_id) AS each FROM scan_results"
    assert fleet.rows(counts) == [(WORKFLOWS, WORKFLOWS)]
    assert [each.attempt for each in done.failed_attempts] == [1]


async def test_a_frozen_process_writes_nothing_when_it_thaws(fleet):
    for number in range(50):
        fleet.ingestion.knows(f"wf-{number:02}")
    fleet.ingestion.holds_histories_after = 1
    frozen, first = await fleet.start()
    started = await run_now(first)
    await scanned_so_far(first, started.scan_id, 20)
    _, second = await fleet.start()

    frozen.send_signal(signal.SIGSTOP)
    fleet.ingestion.holds_histories_after = None
    fleet.ingestion.released.set()
    shift_clock(fleet.url, LEASE)
    seconds = await taken_over(fleet, attempt=2)
    done = await ended(second, started.scan_id)
    frozen.send_signal(signal.SIGCONT)
    again = await run_now(first, "loc-2")
    await ended(first, again.scan_id, "loc-2")

    assert seconds <= NOTICED_WITHIN
    assert await scan(second, started.scan_id) == done
    assert (done.workflows_scanned, done.attempt) == (50, 2)
    counts = "SELECT count(*) AS n FROM scan_results WHERE scan_id = %s"
    assert fleet.rows(counts, started.scan_id) == [(50,)]


async def test_a_process_that_is_told_to_stop_hands_its_scans_over(fleet):
    fleet.ingestion.knows("wf-1")
    fleet.ingestion.answers.clear()
    stopped, first = await fleet.start()
    scans = [await run_now(first, f"loc-{number}") for number in range(3)]

    def running():
        held = "SELECT lease_owner FROM scan_history WHERE status = 'running'"
        owners = [each.lease_owner for each in fleet.rows(held)]
        return owners if len(owners) == 3 else None

    [owner] = set(await eventually(running))
    _, second = await fleet.start()
    began = time.monotonic()
    stopped.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(stopped.wait(), 60)
    took = time.monotonic() - began

    def others():
        return set(running() or [owner]) - {owner}

    began = time.monotonic()
    await eventually(others, within=30)
    gap = time.monotonic() - began
    fleet.ingestion.answers.set()
    for number, each in enumerate(scans):
        done = await ended(second, each.scan_id, f"loc-{number}")
        assert (done.attempt, done.status) == (1, pb.SCAN_STATUS_COMPLETED)

    assert (code, took <= STOPPED_WITHIN, gap <= HANDED_OVER_WITHIN) == (0, True, True)
    assert fleet.rows("SELECT count(*) AS n FROM scan_history") == [(3,)]
    assert fleet.rows("SELECT 1 FROM scan_history WHERE status = 'running'") == []
