"""Receivers that never end hold up neither a notifier nor the receivers that are well."""

import asyncio
import json
import socket
import statistics
import time
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

SOON = 1.0
"""Seconds from the report within which 95 of 100 of these arrive."""

SHORTEST_MS, LONGEST_MS = 9_990, 12_000
"""10 s, as exact as timers are, and what a busy machine adds."""

KIB, MIB = 1024, 1024**2
PIECE = bytes(4 * KIB)
PIECES = 500 * MIB // len(PIECE)
MOST_PRESSED = 256 * KIB
"""Of 500 MiB: the 16 KiB that a notifier reads, and what is in the buffers of both sides by then."""


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
        self.reported: dict[str, float] = {}
        self.took: dict[str, float] = {}
        """Seconds from the report of each summary to its arrival."""

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
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(PIECE))  # of all it accepts
        self.port = listening.getsockname()[1]
        await web.SockSite(runner, listening).start()

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
        scan_id = json.loads(await request.read())["data"]["detail"]["scan_id"]
        self.took.setdefault(scan_id, time.monotonic() - self.reported[scan_id])
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
        names = {f"{each}-{n}": f"healthy/{each}" for each in range(HEALTHY)}
        receivers.reported |= dict.fromkeys(names, time.monotonic())
        await fleet.report([a_summary(path, name) for name, path in names.items()])
    await eventually(lambda: len(receivers.took) == HEALTHY * SUMMARIES, within=30)

    assert not receivers.ended, "no tarpit has let go yet"
    assert statistics.quantiles(receivers.took.values(), n=20)[-1] < SOON
    peak = before
    while len(receivers.ended) < DRIPPING:
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0.05)
    ended = await eventually(lambda: all_settled(url), within=30)
    assert {verdict for verdict, _ in ended} == {"later"}
    assert all(SHORTEST_MS <= ms <= LONGEST_MS for _, ms in ended)
    pressed = attempts(url, "press")
    assert [verdict for verdict, _ in pressed] == ["delivered"] * PRESSING
    assert max(receivers.pressed.values()) <= MOST_PRESSED
    assert peak - before < 50 * MIB


def all_settled(url):
    found = attempts(url, "drip")
    return found if len(found) == DRIPPING else None
