"""What was acknowledged is there exactly once, whatever is killed while it comes in."""

import asyncio
import os
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
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(540)

WEBHOOKS = 100_000
SENDERS = 32
PARTS = ("ingestion", "notifier", "gateway")


class Flood:
    """Senders that repeat a webhook, with its run id, until it was answered 200."""

    def __init__(self, http):
        self._http = http
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
        try:
            async with self._http.post(path, json=body) as answer:
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


async def test_kills_lose_nothing_and_count_nothing_twice(folder):
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(embedded_postgres(folder / "postgres"))
        urls = {name: await cluster.ensure_database(name) for name in PARTS}
        ports = {name: free_port() for name in PARTS}
        settings = {
            f"{name.upper()}_{key}": value
            for name in PARTS
            for key, value in (("PORT", ports[name]), ("DATABASE_URL", urls[name]))
        } | {
            "INGESTION_NOTIFIER_ADDRESS": f"127.0.0.1:{ports['notifier']}",
            "GATEWAY_INGESTION_ADDRESS": f"127.0.0.1:{ports['ingestion']}",
            "GATEWAY_ADMIN_KEY_FILE": str(folder / "admin.key"),
            "ENCRYPTION_KEYS": "a key of the test",
            "LOG_LEVEL": "ERROR",
        }
        await stack.enter_async_context(program("services.notifier", **settings))
        await stack.enter_async_context(program("gateway", **settings))
        ingestion = await started("services.ingestion", **settings)
        key_file = folder / "admin.key"
        await eventually(key_file.exists, within=30)
        await eventually(lambda: serves(f"127.0.0.1:{ports['ingestion']}"), within=30, every=0.1)
        headers = {"Authorization": f"Bearer {key_file.read_text().strip()}"}
        http = await stack.enter_async_context(
            aiohttp.ClientSession(f"http://127.0.0.1:{ports['gateway']}", headers=headers)
        )
        flood = Flood(http)
        sending = asyncio.create_task(flood.send_all())

        def sent(share):
            return flood.acknowledged >= WEBHOOKS * share

        for share, kill_database in ((0.2, False), (0.4, True), (0.6, False)):
            await eventually(lambda share=share: sent(share), within=180, every=0.05)
            if kill_database:
                lines = next((folder / "postgres").rglob("postmaster.pid")).read_text().split()
                os.kill(int(lines[0]), signal.SIGKILL)
            else:
                ingestion.kill()
                await ingestion.wait()
                ingestion = await started("services.ingestion", **settings)
        await asyncio.wait_for(sending, 300)
        ingestion.terminate()
        await ingestion.wait()

        with psycopg.connect(urls["ingestion"]) as connection:
            counted = connection.execute(
                "SELECT count(*), count(DISTINCT run_id) FROM execution_logs"
            ).fetchone()
        assert counted == (WEBHOOKS, WEBHOOKS)
        assert flood.answers <= {200, 429}, "the door answers nothing else"
