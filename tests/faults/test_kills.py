"""What was acknowledged is there exactly once, whatever is killed while it comes in."""

import asyncio
import os
import random
import signal
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import psycopg
import pytest

from libs.db.embedded import embedded_postgres
from libs.rpc.health import serves
from tests.support.programs import free_port, program, started
from tests.support.recount import differences
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(540)

WEBHOOKS = 100_000
SENDERS = 32
PARTS = ("ingestion", "notifier", "gateway")
LEFT_TO_TELL = """
    SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM workflows WHERE untold_failures > 0)
"""
REPLICAS, GATEWAYS = ("ingestion-1", "ingestion-2"), ("gateway-1", "gateway-2")


class Flood:
    """Senders that repeat a webhook, with its run id, until a gateway answered 200."""

    def __init__(self, gateways):
        self._gateways = gateways
        self._next = iter(range(WEBHOOKS))
        self.acknowledged = 0
        self.answers = set()

    async def send_all(self):
        await asyncio.gather(*(self._sender() for _ in range(SENDERS)))

    async def _sender(self):
        for number in self._next:
            await eventually(partial(self._accepted, number), within=120, every=0.2)
            self.acknowledged += 1

    async def _accepted(self, number):
        body = {
            "status": "failed" if number % 10 == 0 else "success",
            "runId": f"run-{number}",
            "executionTimeMs": number % 900,
        }
        path = f"/api/workflows/wf-{number % 50}/executions?location_id=loc-1"
        # A repeat may go to the other gateway, and from there to the other replica.
        http = random.choice(self._gateways)
        try:
            async with http.post(path, json=body) as answer:
                await answer.read()
                self.answers.add(answer.status)
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False


@pytest.fixture
def folder():
    with TemporaryDirectory(prefix="runwarden-faults-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


class House:
    """Two gateways, each with an ingestion of its own, on one database for each part."""

    def __init__(self, stack, folder, urls):
        self._stack = stack
        self._ports = {name: free_port() for name in ("notifier", *REPLICAS, *GATEWAYS)}
        self._settings = {f"{name.upper()}_DATABASE_URL": url for name, url in urls.items()} | {
            "NOTIFIER_PORT": self._ports["notifier"],
            "INGESTION_NOTIFIER_ADDRESS": f"127.0.0.1:{self._ports['notifier']}",
            "GATEWAY_ADMIN_KEY_FILE": str(folder / "admin.key"),
            "ENCRYPTION_KEYS": "a key of the test",
            "LOG_LEVEL": "ERROR",
        }
        self._key_file = folder / "admin.key"

    async def open(self):
        """Starts all of it; gives a client of each gateway."""
        await self._stack.enter_async_context(program("services.notifier", **self._settings))
        replicas = [await self.ingestion(name) for name in REPLICAS]
        for gateway, replica in zip(GATEWAYS, REPLICAS, strict=True):
            settings = self._settings | {
                "GATEWAY_PORT": self._ports[gateway],
                "GATEWAY_INGESTION_ADDRESS": f"127.0.0.1:{self._ports[replica]}",
            }
            await self._stack.enter_async_context(program("gateway", **settings))
            await eventually(partial(self._answers, gateway), within=30, every=0.1)
        return replicas, [await self._client(each) for each in GATEWAYS]

    async def ingestion(self, name):
        """Starts a replica and waits until it serves."""
        port = self._ports[name]
        process = await started("services.ingestion", INGESTION_PORT=port, **self._settings)
        await eventually(lambda: serves(f"127.0.0.1:{port}"), within=60, every=0.1)
        return process

    async def _client(self, gateway):
        headers = {"Authorization": f"Bearer {self._key_file.read_text().strip()}"}
        client = aiohttp.ClientSession(self._url(gateway), headers=headers)
        return await self._stack.enter_async_context(client)

    async def _answers(self, gateway):
        try:
            async with aiohttp.request("GET", f"{self._url(gateway)}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False

    def _url(self, gateway):
        return f"http://127.0.0.1:{self._ports[gateway]}"


def one_row(url, question):
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone()


def kill_postgres(folder):
    """Kills the server; it starts again by itself."""
    lines = next((folder / "postgres").rglob("postmaster.pid")).read_text().split()
    os.kill(int(lines[0]), signal.SIGKILL)


async def test_kills_lose_nothing_and_count_nothing_twice(folder):
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(embedded_postgres(folder / "postgres"))
        urls = {name: await cluster.ensure_database(name) for name in PARTS}
        house = House(stack, folder, urls)
        replicas, gateways = await house.open()
        flood = Flood(gateways)
        sending = asyncio.create_task(flood.send_all())

        def sent(share):
            return flood.acknowledged >= WEBHOOKS * share

        for share, victim in ((0.2, 0), (0.4, None), (0.6, 1)):
            await eventually(lambda share=share: sent(share), within=180, every=0.05)
            if victim is None:
                kill_postgres(folder)
            else:
                replicas[victim].kill()
                await replicas[victim].wait()
                replicas[victim] = await house.ingestion(REPLICAS[victim])
        await asyncio.wait_for(sending, 300)
        await eventually(lambda: one_row(urls["ingestion"], LEFT_TO_TELL) == (0, 0), within=30)
        for each in replicas:
            each.terminate()
            await each.wait()

        recorded = "SELECT count(*), count(DISTINCT run_id) FROM execution_logs"
        assert one_row(urls["ingestion"], recorded) == (WEBHOOKS, WEBHOOKS)
        told = "SELECT count(*), sum(failure_count) FROM incidents"
        assert one_row(urls["notifier"], told) == (5, WEBHOOKS / 10), "each failure is told once"
        assert differences(urls["ingestion"]) == [], "the roll-ups say what the log says"
        assert flood.answers <= {200, 429}, "the door answers nothing else"
