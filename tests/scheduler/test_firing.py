"""Schedules fire once, on time, by the database's clock."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.db.database import Database
from services.scheduler.actions.firing import Firing
from services.scheduler.actions.schedules import Schedules
from services.scheduler.actions.starting import Starting
from services.scheduler.domain.scan import ScanTrigger
from services.scheduler.domain.schedule import Asked, OverlapPolicy, ScanScope
from services.scheduler.domain.timing import Frequency
from services.scheduler.store import queue
from services.scheduler.store import scans as scans_store
from services.scheduler.store.scans import Scan
from services.scheduler.wiring import running
from tests.scheduler.asking import MORNING, at, scans, sql, upserted
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
AT_TEN = {"frequency": Frequency.DAILY, "preferred_time": "10:00", "timezone": "UTC"}
TEN = MORNING + HOUR


@pytest.fixture
def firing(database) -> Firing:
    return Firing(database, on_queued=lambda: None)


@pytest.fixture
def keep(database, url):
    """Creates or changes a schedule; the clock stands at nine in the morning."""
    set_clock(url, MORNING)

    async def keep(location="loc-1", **values):
        saved, _ = await Schedules(database).upsert(location, values or AT_TEN, version=None)
        return saved.schedule

    return keep


async def ledger(url, location="loc-1"):
    """What the ledger says: status, due time and fires of each row, in order of due time."""
    return await sql(
        url,
        "SELECT status, scheduled_for, fires FROM scan_history WHERE location_id = %s"
        " ORDER BY scheduled_for, id",
        location,
    )


async def next_scan_at(url, location="loc-1"):
    found = await sql(
        url, "SELECT next_scan_at FROM scan_schedules WHERE location_id = %s", location
    )
    return found[0].next_scan_at


async def test_two_replicas_fire_a_schedule_once(url, settings):
    set_clock(url, MORNING)
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(running(settings)) for _ in range(2)]
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(addresses[0]))
        stub = rpc.SchedulerServiceStub(channel)
        await upserted(stub, frequency=pb.FREQUENCY_DAILY, preferred_time="09:01", timezone="UTC")
        for day in range(2):
            set_clock(url, MORNING + day * DAY + MINUTE)

            async def all_done(count=day + 1):
                return len(await scans(stub, status=pb.SCAN_STATUS_COMPLETED)) == count

            await eventually(all_done)
        done = await scans(stub)

    due = [MORNING + day * DAY + MINUTE for day in (1, 0)]
    assert [at(each.scheduled_for) for each in done] == due
    assert {each.trigger for each in done} == {pb.SCAN_TRIGGER_SCHEDULE}


async def test_many_dispatchers_at_once_fire_each_schedule_once(url, keep):
    await keep()
    await sql(
        url,
        "INSERT INTO scan_schedules SELECT 's-' || n, 'loc-' || n, enabled, frequency,"
        " preferred_time, timezone, weekday, cron_expression, scan_scope, selected_workflow_ids,"
        " last_scan_at, next_scan_at, tzdata_version, error, error_until, version, created_at,"
        " updated_at FROM scan_schedules, generate_series(2, 1500) n",
    )
    set_clock(url, TEN)

    async with AsyncExitStack() as stack:
        open_ = [Database.open(url, name="test", pool_size=2) for _ in range(4)]
        databases = [await stack.enter_async_context(each) for each in open_]
        await asyncio.gather(
            *(Firing(each, on_queued=lambda: None).tick() for each in databases for _ in range(2))
        )

    counts = "SELECT count(*) AS rows, count(DISTINCT schedule_id) AS fired FROM scan_history"
    assert await sql(url, counts) == [(1500, 1500)]
    assert await sql(url, "SELECT DISTINCT next_scan_at FROM scan_schedules") == [(TEN + DAY,)]


async def test_nothing_fires_before_its_time(url, keep, firing):
    await keep()
    set_clock(url, TEN - timedelta(milliseconds=1))

    await firing.tick()

    assert await ledger(url) == []


async def test_a_fire_within_the_window_is_caught_up(url, keep, firing):
    await keep()
    set_clock(url, TEN + 12 * HOUR)

    await firing.tick()

    assert await ledger(url) == [("queued", TEN, 1)]
    assert await next_scan_at(url) == TEN + DAY


async def test_a_fire_beyond_the_window_is_missed(url, keep, firing):
    await keep()
    set_clock(url, TEN + 12 * HOUR + MINUTE)

    await firing.tick()

    assert await ledger(url) == [("missed", TEN, 1)]
    reason = (await sql(url, "SELECT reason FROM scan_history"))[0].reason
    assert reason == "Nothing could run it in time: 1 fire missed up to 2026-03-10 22:01:00 UTC."
    assert await next_scan_at(url) == TEN + DAY


async def test_after_an_outage_one_fire_is_caught_up_and_the_rest_is_counted(url, keep, firing):
    await keep(frequency=Frequency.EVERY_6_HOURS, preferred_time="10:00", timezone="UTC")
    set_clock(url, TEN + 2 * DAY + HOUR)

    await firing.tick()

    assert await ledger(url) == [("missed", TEN, 8), ("queued", TEN + 2 * DAY, 1)]
    assert await next_scan_at(url) == TEN + 2 * DAY + 6 * HOUR


async def test_a_second_tick_adds_nothing(url, keep, firing):
    await keep()
    set_clock(url, TEN)

    await firing.tick()
    await sql(url, "UPDATE scan_schedules SET next_scan_at = %s", TEN)  # as a crash would leave it
    await firing.tick()

    assert await ledger(url) == [("queued", TEN, 1)]
    assert await next_scan_at(url) == TEN + DAY


async def test_a_fire_that_meets_a_scan_is_skipped_and_names_it(url, keep, firing, database):
    await keep()
    starting = Starting(database, on_queued=lambda: None)
    started = await starting.run("loc-1", Asked())
    set_clock(url, TEN)

    await firing.tick()

    assert await ledger(url) == [("queued", MORNING, 1), ("skipped", TEN, 1)]
    reason = (await sql(url, "SELECT reason FROM scan_history WHERE status = 'skipped'"))[0].reason
    assert started.scan.scan_id in reason
    await sql(url, "UPDATE scan_history SET status = 'completed' WHERE status = 'queued'")
    set_clock(url, TEN + DAY)
    await firing.tick()
    assert (await ledger(url))[-1] == ("queued", TEN + DAY, 1)


async def test_one_fire_waits_behind_a_scan_and_more_are_skipped(url, keep, firing, database):
    patient = {"frequency": Frequency.EVERY_6_HOURS, "overlap_policy": OverlapPolicy.BUFFER_ONE}
    await keep(preferred_time="10:00", timezone="UTC", **patient)
    async with database.transaction() as session:
        await scans_store.add(session, [a_scan("long", MORNING)])
        [running] = await queue.claim(session, "me", 1)

    for slot in range(3):
        set_clock(url, TEN + slot * 6 * HOUR)
        await firing.tick()

    slots = [TEN + slot * 6 * HOUR for slot in range(3)]
    statuses = ["queued", "skipped", "skipped"]
    assert await ledger(url) == [
        ("running", MORNING, 1),
        *((status, slot, 1) for status, slot in zip(statuses, slots, strict=True)),
    ]
    reasons = await sql(url, "SELECT reason FROM scan_history WHERE trigger = 'schedule'")
    assert all(running.scan.scan_id in each.reason for each in reasons)

    async with database.transaction() as session:
        await queue.renew(session, [running.lease])
        await queue.let_in(session)
        before = await queue.claim(session, "other", 5)
        await queue.fail(session, running.lease, reason="over")
        await queue.let_in(session)
        [after] = await queue.claim(session, "other", 5)
    assert before == []
    assert (after.scan.scheduled_for, after.scan.reason) == (TEN, "")


async def test_a_scan_that_is_asked_for_goes_before_one_that_waits_behind(url, database):
    async with database.transaction() as session:
        await scans_store.add(session, [a_scan("long", MORNING)])
        waiting = replace(a_scan("behind", TEN), buffered=True)
        assert await scans_store.add(session, [waiting]) == {"behind"}
        assert await scans_store.add(session, [replace(waiting, scan_id="more")]) == set()
    await sql(url, "UPDATE scan_history SET status = 'completed' WHERE id = 'long'")

    async with database.transaction() as asked:
        await scans_store.add(asked, [a_scan("asked", TEN)])
        letting = asyncio.create_task(let_in(database))
        await eventually(
            lambda: sql(url, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        )
    await letting

    rows = await sql(url, "SELECT id, buffered FROM scan_history WHERE status = 'queued'")
    assert set(rows) == {("asked", False), ("behind", True)}


async def let_in(database):
    async with database.transaction() as session:
        await queue.let_in(session)


def a_scan(scan_id, at):
    return Scan(
        scan_id=scan_id,
        location_id="loc-1",
        trigger=ScanTrigger.MANUAL,
        scan_scope=ScanScope.ALL,
        scheduled_for=at,
        created_at=at,
    )


@pytest.mark.parametrize(
    ("catchup", "late"), [(600, 10 * MINUTE), (0, MINUTE / 2), (48 * 3600, 23 * HOUR)]
)
async def test_a_fire_is_caught_up_as_long_as_its_owner_wants(url, keep, firing, catchup, late):
    await keep(**AT_TEN, catchup_seconds=catchup)
    set_clock(url, TEN + late)

    await firing.tick()

    assert await ledger(url) == [("queued", TEN, 1)]


@pytest.mark.parametrize(("catchup", "late"), [(600, 11 * MINUTE), (0, MINUTE)])
async def test_a_fire_is_caught_up_no_longer(url, keep, firing, catchup, late):
    await keep(**AT_TEN, catchup_seconds=catchup)
    set_clock(url, TEN + late)

    await firing.tick()

    assert await ledger(url) == [("missed", TEN, 1)]


async def test_a_broken_schedule_stops_no_other(url, keep, firing):
    await keep("loc-1")
    await keep("loc-2")
    await sql(url, "UPDATE scan_schedules SET timezone = 'Mars/Base' WHERE location_id = 'loc-1'")
    set_clock(url, TEN)

    await firing.tick()

    assert await ledger(url) == []
    assert await ledger(url, "loc-2") == [("queued", TEN, 1)]
    broken = "SELECT error, error_until FROM scan_schedules WHERE location_id = 'loc-1'"
    [(error, until)] = await sql(url, broken)
    assert "Mars/Base" in error
    assert until == TEN + HOUR


async def test_a_broken_schedule_is_tried_again_after_an_hour(url, keep, firing):
    await keep()
    await sql(url, "UPDATE scan_schedules SET timezone = 'Mars/Base'")
    set_clock(url, TEN)
    await firing.tick()
    await sql(url, "UPDATE scan_schedules SET timezone = 'UTC'")

    set_clock(url, TEN + 59 * MINUTE)
    await firing.tick()
    before = await ledger(url)
    set_clock(url, TEN + HOUR)
    await firing.tick()

    assert before == []
    assert await ledger(url) == [("queued", TEN, 1)]
    assert await sql(url, "SELECT error, error_until FROM scan_schedules") == [(None, None)]


async def test_a_disabled_schedule_does_not_fire(url, keep, firing):
    await keep()
    await keep(enabled=False)
    set_clock(url, TEN)

    await firing.tick()

    assert await ledger(url) == []


async def test_what_was_promised_as_the_next_run_is_kept(url, keep, firing):
    await keep()
    promised = TEN - 30 * MINUTE  # as other time zone data would have given it
    await sql(url, "UPDATE scan_schedules SET next_scan_at = %s", promised)
    set_clock(url, promised)

    await firing.tick()

    assert await ledger(url) == [("queued", promised, 1)]
    assert await next_scan_at(url) == TEN


async def test_a_change_that_is_not_about_time_loses_no_fire(url, keep, firing):
    await keep()
    set_clock(url, TEN)

    await keep(scan_scope=ScanScope.ACTIVE)
    await firing.tick()

    assert await ledger(url) == [("queued", TEN, 1)]


async def test_a_fire_leaves_the_version_alone(url, keep, firing):
    await keep()
    set_clock(url, TEN)

    await firing.tick()

    assert await sql(url, "SELECT version FROM scan_schedules") == [(1,)]
