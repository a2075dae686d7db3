"""A fleet of schedules: each fires once, whoever fires it, and costs nothing while it waits."""

import aiohttp
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from libs.rpc.health import serves
from tests.bench.scheduling import claimed, filled, new_scheduler
from tests.support.programs import free_port, program
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

DUE, DISPATCHERS, DUE_SECONDS = 10_000, 4, 15
WAITING = 100_000
MOST_MEMORY = 30 * 2**20
MOST_TICK = 0.010


async def test_four_processes_fire_ten_thousand_schedules_once_each(cluster):
    url = await new_scheduler(cluster, "due")

    found = await claimed(url, DUE, DISPATCHERS)

    assert (found.fired, found.distinct) == (DUE, DUE)
    assert found.seconds <= DUE_SECONDS


async def test_schedules_that_wait_cost_a_process_nothing(cluster):
    empty = await resting(await new_scheduler(cluster, "nothing_waits"))
    url = await new_scheduler(cluster, "many_wait")
    filled(url, WAITING, due_in="1 hour")

    full = await resting(url)

    assert full.memory - empty.memory <= MOST_MEMORY
    assert full.tick <= MOST_TICK
    assert full.ticks >= 5


class Rest:
    """What a process that has nothing to do takes: its memory, and the mean of its ticks."""

    def __init__(self, memory, ticks, seconds):
        self.memory = memory
        self.ticks = ticks
        self.tick = seconds / ticks


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
    async with (
        program("services.scheduler", **environment) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{metrics}") as http,
    ):
        await eventually(lambda: serves(f"127.0.0.1:{port}"), within=60, every=0.1)

        async def warm():
            found = await ticks(http)
            return found if found[0] >= 5 else None

        # The first ticks open connections and plan statements.
        before = await eventually(warm, within=60, every=0.2)

        async def five_more():
            count, seconds = await ticks(http)
            more = count - before[0], seconds - before[1]
            return more if more[0] >= 5 else None

        count, seconds = await eventually(five_more, within=60, every=0.2)
        return Rest(psutil.Process(process.pid).memory_info().rss, count, seconds)


async def ticks(http) -> tuple[float, float]:
    """Gives how many ticks there were, and the seconds of all."""
    async with http.get("/metrics") as answer:
        text = await answer.text()
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name == "runwarden_scheduler_tick_seconds"
    }
    name = "runwarden_scheduler_tick_seconds"
    return samples[f"{name}_count"], samples[f"{name}_sum"]
