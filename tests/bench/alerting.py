"""How fast alerts go out: folded, one by one, and against a client that only posts."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from libs.db.embedded import embedded_postgres
from tests.support.notifiers import Hooks, Notifiers, a_low_score, a_summary
from tests.support.waiting import eventually

NOTIFICATIONS, TARGETS, PROCESSES = 2000, 50, 2
CONNECTIONS = 64
BODY = b'{"type":"scan.completed","data":{"items":[],"detail":{"scan_id":"x"}}}'


@dataclass(frozen=True, slots=True)
class Sent:
    """What went out, and how fast."""

    seconds: float
    requests: int
    repeated: int

    @property
    def rate(self) -> float:
        return NOTIFICATIONS / self.seconds


async def measured(folder: Path, *, quick: bool) -> str:
    """Gives the report on alerting."""
    rounds = 1 if quick else 3
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(embedded_postgres(folder / "postgres"))
        folded = await _sent(await cluster.ensure_database("folded"), a_low_score)
        alone, bare = [], []
        for number in range(rounds):
            # In turn, so that a noisy moment hits both.
            url = await cluster.ensure_database(f"alone{number}")
            alone.append(await _sent(url, a_summary))
            bare.append(await _posted())
    ratios = sorted(one.rate / other for one, other in zip(alone, bare, strict=True))
    return _written(folded, alone[rounds // 2], sorted(bare)[rounds // 2], ratios[rounds // 2])


async def _sent(url: str, event: Callable[..., object]) -> Sent:
    """Sends to all targets through all processes; from the first report to the last arrival."""
    async with AsyncExitStack() as stack:
        hooks = Hooks()
        await hooks.start(stack)
        fleet = Notifiers(url, stack)
        for _ in range(PROCESSES):
            await fleet.start()
        for number in range(TARGETS):
            await fleet.target(f"loc-{number}", f"http://127.0.0.1:{hooks.port}/{number}")
        places = [(n % TARGETS, n // TARGETS) for n in range(NOTIFICATIONS)]
        events = [event(f"loc-{place}", f"{place}-{n}") for place, n in places]
        began = time.perf_counter()
        await fleet.report(events)
        await eventually(lambda: len(hooks.delivered) == NOTIFICATIONS, within=300, every=0.01)
        seconds = time.perf_counter() - began
        repeated = sum(number > 1 for number in hooks.delivered.values())
        return Sent(seconds, hooks.requests, repeated)


async def _posted() -> float:
    """Gives requests/s of a client that does nothing but post, a connection for each."""
    async with AsyncExitStack() as stack:
        hooks = Hooks()
        await hooks.start(stack)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, force_close=True)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

        async def post(number: int) -> None:
            url = f"http://127.0.0.1:{hooks.port}/{number % TARGETS}"
            headers = {"webhook-id": str(number)}
            async with session.post(url, data=BODY, headers=headers) as answer:
                await answer.read()

        began = time.perf_counter()
        await asyncio.gather(*(post(number) for number in range(NOTIFICATIONS)))
        return NOTIFICATIONS / (time.perf_counter() - began)


def _written(folded: Sent, alone: Sent, bare: float, ratio: float) -> str:
    return (
        f"{NOTIFICATIONS:,} notifications to {TARGETS} webhook targets through {PROCESSES} "
        "processes, from the first report to the last arrival:\n\n"
        "| | seconds | notifications/s | requests | repeated |\n"
        "| --- | --- | --- | --- | --- |\n"
        f"| folded | {folded.seconds:.1f} | {folded.rate:,.0f} | {folded.requests} "
        f"| {folded.repeated} |\n"
        f"| each by itself | {alone.seconds:.1f} | {alone.rate:,.0f} | {alone.requests} "
        f"| {alone.repeated} |\n\n"
        f"A bare aiohttp client makes {bare:,.0f} requests/s; deciding, claiming, signing, sending "
        f"and writing each down reach {ratio:.2f} of that.\n"
    )
