"""People are told when no scan of a schedule completes for one and a half periods."""

from datetime import timedelta

import grpc
import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from services.scheduler.actions.alarming import Alarming
from services.scheduler.actions.firing import Firing
from services.scheduler.actions.schedules import Schedules
from services.scheduler.domain.timing import Frequency, overdue_after
from services.scheduler.store import schedules as store
from services.scheduler.wiring import running
from tests.scheduler.asking import MORNING, at, schedule, sql
from tests.scheduler.domain.vectors import cron
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

AT_TEN = {"frequency": Frequency.DAILY, "preferred_time": "10:00", "timezone": "UTC"}
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TEN = MORNING + HOUR


class Clockwork:
    """What fires and what alarms, on a clock that the test moves; no scan ever runs."""

    def __init__(self, url, database):
        self.url = url
        self.database = database
        self.schedules = Schedules(database)
        self._firing = Firing(database, on_queued=lambda: None)
        self._alarming = Alarming(database)

    async def reach(self, when):
        set_clock(self.url, when)
        await self._firing.tick()
        await self._alarming.tick()

    async def complete(self, when):
        set_clock(self.url, when)
        [(schedule_id,)] = await sql(self.url, "SELECT id FROM scan_schedules")
        async with self.database.transaction() as session:
            await store.note_scan(session, schedule_id)
        await sql(self.url, "UPDATE scan_history SET status = 'completed'")

    async def told(self):
        """The events that wait to be told: kind and when the missing scan was due."""
        rows = await sql(self.url, "SELECT kind, payload FROM outbox ORDER BY id")
        return [(each.kind, each.payload.get("due_at")) for each in rows]


@pytest.fixture
async def works(url, database):
    works = Clockwork(url, database)
    set_clock(url, MORNING)
    await works.schedules.upsert("loc-1", AT_TEN)
    await works.reach(TEN)
    return works


async def test_a_day_after_the_last_scan_nothing_is_wrong_and_a_day_and_a_half_after_it_is(works):
    await works.complete(TEN)
    await works.reach(TEN + DAY)
    await works.reach(TEN + DAY + 12 * HOUR - MINUTE)
    before = await works.told()
    await works.reach(TEN + DAY + 12 * HOUR)

    assert before == []
    assert await works.told() == [("schedule_overdue", (TEN + DAY).isoformat())]


async def test_a_first_scan_that_never_completes_is_overdue_too(works):
    await works.reach(TEN + 12 * HOUR)

    assert await works.told() == [("schedule_overdue", TEN.isoformat())]


async def test_it_is_told_once_and_again_for_each_further_fire(works):
    for hours in (12, 13, 23):
        await works.reach(TEN + hours * HOUR)
    once = await works.told()
    await works.reach(TEN + DAY)
    await works.reach(TEN + DAY + 12 * HOUR)

    assert len(once) == 1
    assert [due for _, due in await works.told()] == [TEN.isoformat(), (TEN + DAY).isoformat()]


async def test_a_scan_that_completes_ends_it(works):
    await works.reach(TEN + 12 * HOUR)
    overdue = (await works.schedules.get("loc-1")).schedule.overdue

    await works.complete(TEN + 13 * HOUR)

    assert overdue
    assert not (await works.schedules.get("loc-1")).schedule.overdue


async def test_nobody_waits_for_a_schedule_that_is_paused_or_fires_at_other_times_now(works):
    set_clock(works.url, TEN + HOUR)
    await works.schedules.upsert("loc-1", {"preferred_time": "20:00"})
    await works.reach(TEN + 12 * HOUR)
    await works.schedules.switch("loc-1", enabled=False, actor="", reason="")
    await works.reach(TEN + 3 * DAY)

    assert await works.told() == []


async def test_another_scope_does_not_hide_that_it_is_overdue(works):
    set_clock(works.url, TEN + HOUR)
    await works.schedules.upsert("loc-1", {"scan_scope": "active"})
    await works.reach(TEN + 12 * HOUR)

    assert len(await works.told()) == 1


async def test_no_schedule_is_told_twice_by_two_replicas(works):
    set_clock(works.url, TEN + 12 * HOUR)
    for _ in range(2):
        await Alarming(works.database).tick()

    assert len(await works.told()) == 1


async def test_a_broken_schedule_is_told_once_and_stops_no_other(works):
    set_clock(works.url, TEN + MINUTE)
    await works.schedules.upsert("loc-2", AT_TEN)
    await sql(
        works.url, "UPDATE scan_schedules SET frequency = 'never' WHERE location_id = 'loc-1'"
    )

    await works.reach(TEN + DAY)
    await works.reach(TEN + DAY + HOUR)

    rows = await sql(works.url, "SELECT payload FROM outbox WHERE kind = 'scan_failed'")
    [payload] = [each.payload for each in rows]
    assert (payload["location_id"], payload["scan_id"]) == ("loc-1", "")
    assert "cannot be computed" in payload["error"]
    fired = "SELECT location_id FROM scan_history WHERE scheduled_for = %s"
    assert await sql(works.url, fired, TEN + DAY) == [("loc-2",)]


@pytest.mark.parametrize(
    ("timing", "patience"),
    [
        (cron("* * * * *"), 10 * MINUTE),
        (cron("0 9 * * 1-5"), 12 * HOUR),
        (cron("0 */4 * * *"), 2 * HOUR),
    ],
)
def test_patience_is_half_a_period_and_never_too_short_for_a_scan(timing, patience):
    assert overdue_after(timing) == patience


async def test_the_notifier_is_told_and_the_schedule_says_so(url, works, settings, notifier):
    await sql(url, "UPDATE scan_schedules SET last_scan_at = %s", MORNING - DAY)
    await sql(url, "UPDATE scan_history SET not_before = %s", TEN + 9 * DAY)
    set_clock(url, TEN + 12 * HOUR)

    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        [event] = await eventually(lambda: notifier.told("schedule_overdue"))
        saved = await schedule(rpc.SchedulerServiceStub(channel))

    assert event.location_id == "loc-1"
    assert at(event.schedule_overdue.due_at) == TEN
    assert at(event.schedule_overdue.last_scan_at) == MORNING - DAY
    assert saved.overdue
