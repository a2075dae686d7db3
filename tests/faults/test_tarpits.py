"""Receivers that never end hold up neither a notifier nor the receivers that are well."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack

import psutil
import psycopg
import pytest
from aiohttp import web

from tests.support.notifiers import Notifiers, a_summary
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

DRIPPING, PRESSING, HEALTHY = 20, 5, 10
TRAPS = {"drip": DRIPPING, "press": PRESSING}
SUMMARIES = 20
"""For each healthy target."""

LONGEST_MS = 12_000
"""10 s, and what a busy machine adds."""

MIB = 1024**2
PIECE = bytes(64 * 1024)
PIECES = 500 * MIB // len(PIECE)


class Receivers:
    """On one port: `/drip/` and `/press/` answer without end, `/healthy/` takes what it gets."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: set[str] = set()
        """Tarpits that got a request."""
        self.ended: list[str] = []
        """Dripping ones whose client went away."""
        self.pressed: Counter[str] = Counter()
        """Bytes that the system took for each."""
        self.taken: set[str] = set()

    async def start(self, stack: AsyncExitStack) -> None:
        application = web.Application()
        application.router.add_post("/drip/{number}", self._drip)
        application.router.add_post("/press/{number}", self._press)
        application.router.add_post("/healthy/{number}", self._take)
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        self.port = runner.addresses[0][1]

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        response = await self._begun(request)
        try:
            while True:
                await asyncio.sleep(0.3)
                await response.write(b".")
        finally:
            self.ended.append(request.path)

    async def _press(self, request: web.Request) -> web.StreamResponse:
        response = await self._begun(request)
        for _ in range(PIECES):
            await response.write(PIECE)
            self.pressed[request.path] += len(PIECE)
        return response

    async def _begun(self, request: web.Request) -> web.StreamResponse:
        self.asked.add(request.path)
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    async def _take(self, request: web.Request) -> web.Response:
        self.taken.add(json.loads(await request.read())["data"]["detail"]["scan_id"])
        return web.Response()


@pytest.fixture
async def stack():
    async with AsyncExitStack() as made:
        yield made


async def with_targets(stack, url, receivers):
    """Starts a notifier with a target in a location of its own at each receiver."""
    await receivers.start(stack)
    fleet = Notifiers(url, stack)
    await fleet.start()
    for kind, number in (("drip", DRIPPING), ("press", PRESSING), ("healthy", HEALTHY)):
        for each in range(number):
            path = f"{kind}/{each}"
            await fleet.target(path, f"http://127.0.0.1:{receivers.port}/{path}")
    return fleet


def attempts(url, path):
    """Gives how each attempt at the targets of a kind ended, and after how many ms."""
    query = (
        "SELECT verdict, elapsed_ms FROM delivery_attempts JOIN deliveries USING (message_id)"
        " WHERE location_id LIKE %s"
    )
    with psycopg.connect(url) as connection:
        return connection.execute(query, [f"{path}/%"]).fetchall()


async def test_answers_that_never_end_cost_ten_seconds_and_nobody_else_waits(stack, new_database):
    url, receivers = new_database("notifier"), Receivers()
    fleet = await with_targets(stack, url, receivers)
    process = psutil.Process(fleet.processes[0].pid)
    before = process.memory_info().rss
    traps = {f"{kind}/{n}" for kind, number in TRAPS.items() for n in range(number)}

    await fleet.report([a_summary(each, each) for each in traps])
    await eventually(lambda: len(receivers.asked) == len(traps), within=30)
    for n in range(SUMMARIES):
        await fleet.report([a_summary(f"healthy/{each}", f"{each}-{n}") for each in range(HEALTHY)])
    await eventually(lambda: len(receivers.taken) == HEALTHY * SUMMARIES, within=30)

    assert not receivers.ended, "no tarpit has let go yet"
    peak = before
    while len(receivers.ended) < DRIPPING:
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0.05)
    ended = await eventually(lambda: all_settled(url), within=30)
    assert {verdict for verdict, _ in ended} == {"later"}
    assert all(10_000 <= ms <= LONGEST_MS for _, ms in ended)
    pressed = attempts(url, "press")
    assert [verdict for verdict, _ in pressed] == ["delivered"] * PRESSING
    assert max(receivers.pressed.values()) < 16 * MIB, "of 500, in the buffers of two sockets"
    assert peak - before < 50 * MIB


def all_settled(url):
    found = attempts(url, "drip")
    return found if len(found) == DRIPPING else None
