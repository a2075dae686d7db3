"""Webhooks that come while the database does not answer are sent again, and none is lost."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from tests.support.freezing import frozen
from tests.support.notifiers import Hooks
from tests.support.programs import standalone
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

LOCATION = {"location_id": "loc-1"}
A_SECOND = 50
AWAY = 10.0
BACK_TO_NORMAL = 10.0
LONGEST_WAIT = 15.0
"""Seconds after which whoever sends a webhook gives up waiting for the answer."""


class Sender:
    """Sends 50 webhooks/s, each again after 429 as HighLevel does, but sooner."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.accepted = 0
        self.answers: Counter[int] = Counter()
        self.unsaid = 0
        """Refusals that do not say when to come again."""

    async def send(self, number: int) -> None:
        await eventually(lambda: self._taken(number), within=60, every=1)
        self.accepted += 1

    async def _taken(self, number: int) -> bool:
        workflow, status = ("wf-1", "failed") if number % 10 == 0 else ("wf-2", "success")
        body = {"status": status, "runId": f"run-{number}"}
        door = f"/api/workflows/{workflow}/executions"
        wait = aiohttp.ClientTimeout(total=LONGEST_WAIT)
        async with self._http.post(door, json=body, params=LOCATION, timeout=wait) as answer:
            self.answers[answer.status] += 1
            if answer.status != 200:
                self.unsaid += int(answer.headers.get("Retry-After", 0)) < 1
                return False
            return (await answer.json())["status"] in ("accepted", "duplicate")


@pytest.fixture
def data():
    with TemporaryDirectory(prefix="runwarden-faults-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "data"


async def test_ten_seconds_without_a_database_refuse_webhooks_with_429_and_lose_none(data):
    async with AsyncExitStack() as stack:
        hooks = Hooks()
        await hooks.start(stack)
        settings = {"NOTIFIER_EGRESS_ALLOW": "127.0.0.1", "LOG_LEVEL": "ERROR"}
        running = await stack.enter_async_context(standalone(data, **settings))
        http = await stack.enter_async_context(running.http())
        target = {"webhookUrl": f"http://127.0.0.1:{hooks.port}/loc-1"}
        async with http.post("/api/alerts/settings", json=target, params=LOCATION) as answer:
            assert answer.status == 200
        sender = Sender(http)

        async with asyncio.TaskGroup() as sending:
            begun, sent = time.monotonic(), 0

            async def send_for(seconds: float) -> None:
                nonlocal sent
                ends = time.monotonic() + seconds
                while time.monotonic() < ends:
                    while sent < (time.monotonic() - begun) * A_SECOND:
                        sending.create_task(sender.send(sent))
                        sent += 1
                    await asyncio.sleep(0.02)

            await send_for(2)
            with frozen(data):
                await send_for(AWAY)
                accepted = sender.accepted
            await eventually(lambda: sender.accepted > accepted, within=BACK_TO_NORMAL)
            await send_for(2)

        assert sender.answers.keys() == {200, 429}, "the door answers nothing else"
        assert sender.unsaid == 0
        assert sender.accepted == sent
        assert await recorded(http, "wf-1") + await recorded(http, "wf-2") == sent
        await eventually(lambda: hooks.delivered, within=30)
        assert hooks.delivered == {"wf-1": 1}, "and the workflow that fails is told of once"
        assert running.process.returncode is None


async def recorded(http: aiohttp.ClientSession, workflow: str) -> int:
    async with http.get(f"/api/workflows/{workflow}/metrics", params=LOCATION) as answer:
        return (await answer.json())["total_executions"]
