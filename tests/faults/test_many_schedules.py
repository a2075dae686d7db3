"""A fleet of schedules: each fires once, whoever fires it, and costs nothing while it waits."""

import time

import aiohttp
import psutil
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from libs.db.database import Database, DatabaseUnavailable
from libs.rpc.health import serves
from services.scheduler.actions.firing import Firing
from services.scheduler.store import schedules
from tests.bench.scheduling import claimed, filled, new_scheduler
from tests.support.programs import free_port, program
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

DUE, DISPATCHERS, DUE_SECONDS = 10_000, 4, 15
WAITING = 100_000
MOST_MEMORY = 30 * 2**20
TICKS, MOST_TICK = 8, 0.010
LONGER_START = 1.0


async def test_four_processes_fire_ten_thousand_schedules_once_each(cluster):
    url = await new_scheduler(cluster, "due")

    found = await claimed(url, DUE, DISPATCHERS)

    assert (found.fired, found.distinct) == (DUE, DUE)
    assert found.seconds <= DUE_SECONDS


async def test_a_frozen_process_holds_its_schedules_for_seconds_only(cluster):
    url = await new_scheduler(cluster, "frozen")
    filled(url, 1000, due_in="-5 seconds")
    async with Database.open(url, name="frozen") as frozen, Database.open(url, name="well") as well:
        firing = Firing(well, on_queued=lambda: None)
        with pytest.raises(DatabaseUnavailable):
            async with frozen.transaction() as session:
                assert len(await schedules.due(session, 500)) == 500
                await firing.tick()
                before = fired(url)

                async def all_fired():
                    await firing.tick()
                    return fired(url) == 1000

                await eventually(all_fired, within=30, every=0.5)

    assert before == 500


def fired(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM scan_history").fetchone()[0]


async def test_schedules_that_wait_cost_a_process_nothing(cluster):
    empty = await resting(await new_scheduler(cluster, "nothing_waits"))
    url = await new_scheduler(cluster, "many_wait")
    filled(url, WAITING, due_in="1 hour")

    full = await resting(url)

    assert full.start - empty.start <= LONGER_START
    assert full.memory - empty.memory <= MOST_MEMORY
    # What the machine is slow at, it is slow at in both.
    assert full.tick <= max(MOST_TICK, 2 * empty.tick)


class Rest:
    """What a process that has nothing to do takes: its start, its memory, the mean of its ticks."""

    def __init__(self, start, memory, tick):
        self.start = start
        self.memory = memory
        self.tick = tick


async def resting(url) -> Rest:
    port, metrics = free_port(), free_port()
    environment = {
        "SCHEDULER_PORT": port,
        "SCHEDULER_METRICS_PORT": metrics,
        "SCHEDULER_DATABASE_URL": url,
        "SCHEDULER_INGESTION_ADDRESS": "127.0.0.1:1",
        "SCHEDULER_NOTIFIER_ADDRESS": "127.0.0.1:1",
        "ENCRYPTION_KEYS": "a key of the test",
        "LOG_LEVEL": "WARNING",
    }
    began = time.monotonic()
    async with (
        program("services.scheduler", **environment) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{metrics}") as http,
    ):
        await eventually(lambda: serves(f"127.0.0.1:{port}"), within=60, every=0.05)
        start = time.monotonic() - began

        # The first ticks open connections and plan statements.
        before = await eventually(lambda: ticked(http, 5), within=60, every=0.2)
        after = await eventually(lambda: ticked(http, before[0] + TICKS), within=60, every=0.2)
        memory = psutil.Process(process.pid).memory_info().rss
        return Rest(start, memory, (after[1] - before[1]) / (after[0] - before[0]))


async def ticked(http, least) -> tuple[float, float] | None:
    """Gives how many ticks there were, and the seconds of all, once there were enough."""
    async with http.get("/metrics") as answer:
        text = await answer.text()
    [ticks] = [
        family
        for family in text_string_to_metric_families(text)
        if family.name == "runwarden_scheduler_tick_seconds"
    ]
    count, seconds = (
        next(each.value for each in ticks.samples if each.name.endswith(end))
        for end in ("_count", "_sum")
    )
    return (count, seconds) if count >= least else None
