"""Says whether the clockwork is alive."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import grpc
import psycopg
import pytest

from libs.clock import FixedClock
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.db.database import Database
from services.scheduler.actions.firing import Firing
from services.scheduler.actions.schedules import Schedules
from services.scheduler.actions.status import Status
from services.scheduler.domain.timing import Frequency
from services.scheduler.domain.zones import TZDATA_VERSION
from services.scheduler.store.now import now
from services.scheduler.wiring import running
from tests.scheduler.asking import MORNING, SECONDS, scanned, sql, upserted
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

STATE = pb.GetSchedulerStatusResponse
AT_TEN = {"frequency": Frequency.DAILY, "preferred_time": "10:00", "timezone": "UTC"}
TEN = MORNING + timedelta(hours=1)


async def status(stub) -> pb.GetSchedulerStatusResponse:
    return await stub.GetSchedulerStatus(pb.GetSchedulerStatusRequest(), timeout=SECONDS)


async def test_all_is_well(scheduler):
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)
    done = await scanned(scheduler)

    found = await status(scheduler)

    assert (found.state, found.reason) == (STATE.STATE_OK, "")
    assert abs(found.database_time.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(seconds=30)
    assert (found.enabled_schedules, found.due_count, found.queued_count) == (1, 0, 0)
    assert (found.running_count, found.expired_lease_count) == (0, 0)
    assert found.HasField("next_fire_at")
    assert not found.HasField("oldest_due_age")
    assert found.last_24_hours == pb.FireCounts(completed=1)
    assert done.trigger == pb.SCAN_TRIGGER_MANUAL


async def test_each_replica_is_listed_while_it_runs(settings):
    async with AsyncExitStack() as staying:
        address = await staying.enter_async_context(running(settings))
        channel = await staying.enter_async_context(grpc.aio.insecure_channel(address))
        stub = rpc.SchedulerServiceStub(channel)
        async with running(settings):

            async def both():
                found = (await status(stub)).replicas
                return found if len(found) == 2 else None

            replicas = await eventually(both)
        left = (await status(stub)).replicas

    assert len({each.replica_id for each in replicas}) == 2
    assert {each.tzdata_version for each in replicas} == {TZDATA_VERSION}
    assert all(abs(each.skew_ms) < 5000 for each in replicas)
    assert len(left) == 1


async def test_a_database_that_is_gone_is_down_within_a_second(
    databases, ingestion, notifier, settings
):
    url = databases.new("scheduler")
    gone = settings.model_copy(update={"database_url": type(settings.database_url)(url)})
    async with running(gone) as address, grpc.aio.insecure_channel(address) as channel:
        stub = rpc.SchedulerServiceStub(channel)
        before = await status(stub)
        # Not on this loop: a connection that is being opened on it would wait for it, and be
        # waited for.
        await asyncio.to_thread(databases.drop, url)

        began = time.monotonic()
        found = await status(stub)
        elapsed = time.monotonic() - began

    assert before.state == STATE.STATE_OK
    assert (found.state, found.reason) == (STATE.STATE_DOWN, "The database does not answer.")
    assert not found.HasField("database_time")
    assert elapsed < 2  # a second, and what a busy machine adds


async def test_a_database_that_hangs_is_down_within_a_second(url, scheduler):
    with psycopg.connect(url) as blocking:
        blocking.execute("LOCK TABLE scan_history IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        found = await status(scheduler)
        elapsed = time.monotonic() - began

    assert found.state == STATE.STATE_DOWN
    assert elapsed < 2  # a second, and what a busy machine adds


async def test_a_database_without_a_free_connection_is_down_within_a_second(url):
    async with Database.open(url, name="test", pool_size=1) as busy, busy.transaction() as session:
        await now(session)
        began = time.monotonic()
        found = await Status(busy, FixedClock(MORNING), replica_id="r-1").get()
        elapsed = time.monotonic() - began

    assert found.state == "down"
    assert elapsed < 2  # a second, and what a busy machine adds


async def test_what_the_notifier_must_be_told_is_counted(url, settings):
    away = settings.model_copy(update={"notifier_address": "127.0.0.1:1"})
    async with running(away) as address, grpc.aio.insecure_channel(address) as channel:
        stub = rpc.SchedulerServiceStub(channel)
        before = await status(stub)
        await scanned(stub)
        await sql(
            url,
            "INSERT INTO outbox_dead_letters (id, event_id, kind, payload, created_at, reason)"
            " VALUES (1, 'refused', '', '{}', now(), 'NO')",
        )
        found = await status(stub)

    assert (before.outbox_count, before.dead_letter_count) == (0, 0)
    assert not before.HasField("outbox_oldest_age")
    assert (found.outbox_count, found.dead_letter_count) == (1, 1)
    assert timedelta(0) < found.outbox_oldest_age.ToTimedelta() < timedelta(minutes=1)


@pytest.fixture
async def firing(database, url) -> Firing:
    """With a schedule that fires at ten."""
    set_clock(url, MORNING)
    await Schedules(database).upsert("loc-1", AT_TEN, version=None)
    return Firing(database, on_queued=lambda: None)


@pytest.mark.parametrize(
    ("late", "state"),
    [
        (timedelta(0), "ok"),
        (timedelta(seconds=60), "ok"),
        (timedelta(seconds=61), "degraded"),
        (timedelta(seconds=300), "degraded"),
        (timedelta(seconds=301), "down"),
    ],
)
async def test_schedules_that_wait_are_told(database, url, firing, late, state):
    set_clock(url, TEN + late)

    found = await Status(database, FixedClock(TEN), replica_id="r-1").get()

    assert (found.state, found.oldest_due_age, found.workload.due) == (state, late, 1)
    assert found.reason == (
        "" if state == "ok" else f"The oldest due schedule waits {late.seconds} seconds."
    )


async def test_a_schedule_in_error_is_counted_and_not_waited_for(database, url, firing):
    await sql(url, "UPDATE scan_schedules SET timezone = 'Mars/Base'")
    set_clock(url, TEN)
    await firing.tick()
    set_clock(url, TEN + timedelta(minutes=10))

    found = await Status(database, FixedClock(TEN), replica_id="r-1").get()

    assert (found.state, found.workload.due, found.workload.schedules_in_error) == ("ok", 0, 1)
    assert found.workload.next_fire_at is None


async def test_what_became_of_fires_is_counted(database, url, firing):
    status = Status(database, FixedClock(TEN), replica_id="r-1")
    set_clock(url, TEN + timedelta(seconds=61))
    await firing.tick()
    await sql(url, "UPDATE scan_history SET status = 'completed'")
    late = (await status.get()).workload.last_24_hours

    set_clock(url, TEN + timedelta(days=4, hours=-1))
    await firing.tick()
    missed = (await status.get()).workload.last_24_hours

    assert (late.fired, late.late, late.completed, late.missed) == (1, 1, 1, 0)
    assert (missed.fired, missed.missed, missed.completed) == (0, 3, 0)


async def test_the_skew_of_the_clock_is_measured(database, url):
    set_clock(url, MORNING)
    clock = FixedClock(MORNING + timedelta(seconds=90))

    status = Status(database, clock, replica_id="r-1")
    await status.beat(last_tick_at=MORNING)
    [replica] = (await status.get()).replicas

    assert (replica.skew_ms, replica.last_tick_at, replica.heartbeat_at) == (
        90_000,
        MORNING,
        MORNING,
    )


async def test_a_replica_without_a_word_disappears(database, url):
    set_clock(url, MORNING)
    status = Status(database, FixedClock(MORNING), replica_id="r-1")
    await status.beat(last_tick_at=None)

    set_clock(url, MORNING + timedelta(minutes=5, seconds=1))
    shown = (await status.get()).replicas
    set_clock(url, MORNING + timedelta(days=1, seconds=1))
    await Status(database, FixedClock(MORNING), replica_id="r-2").beat(last_tick_at=None)

    assert shown == ()
    assert await sql(url, "SELECT id FROM scheduler_replicas") == [("r-2",)]
