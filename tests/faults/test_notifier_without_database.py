"""A notifier whose database does not answer for ten seconds goes on as if nothing had been."""

import asyncio
import time
from contextlib import AsyncExitStack

import grpc
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.support.freezing import frozen
from tests.support.notifiers import MOST_EVENTS, Hooks, Notifiers, a_summary
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

LOCATIONS = 25
"""Each so few events that the pace of its target does not slow them down."""

A_SECOND = 50
"""Events."""

AWAY = 10.0
BACK_TO_NORMAL = 10.0
PATIENCE = 2.0
"""Seconds after which whoever reports asks again."""


class Reporter:
    """Reports 50 events/s as an outbox does: in order, one call at a time, until acknowledged."""

    def __init__(self, stub) -> None:
        self.acknowledged: set[str] = set()
        self.refusals: set[grpc.StatusCode] = set()
        self._stub = stub
        self._waiting: list[pb.Event] = []

    async def report(self, seconds: float) -> None:
        """Lets events happen for so long, and returns when all are acknowledged."""
        begun, number = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds or self._waiting:
            happened = round(min(passed, seconds) * A_SECOND)
            self._waiting += [
                a_summary(f"loc-{n % LOCATIONS}", f"{n}") for n in range(number, happened)
            ]
            number = happened
            if self._waiting:
                await self._acknowledge(self._waiting[:MOST_EVENTS])
            await asyncio.sleep(0.05)

    async def _acknowledge(self, events: list[pb.Event]) -> None:
        try:
            request = pb.ReportEventsRequest(events=events)
            await self._stub.ReportEvents(request, timeout=PATIENCE)
        except grpc.aio.AioRpcError as refused:
            self.refusals.add(refused.code())
        else:
            del self._waiting[: len(events)]
            self.acknowledged |= {each.scan_completed.scan_id for each in events}


@pytest.fixture
async def stack():
    async with AsyncExitStack() as made:
        yield made


async def test_ten_seconds_without_a_database_lose_nothing(stack, cluster, postgres_folder):
    hooks = Hooks()
    await hooks.start(stack)
    fleet = Notifiers(await cluster.ensure_database("notifier"), stack)
    await fleet.start()
    for n in range(LOCATIONS):
        await fleet.target(f"loc-{n}", f"http://127.0.0.1:{hooks.port}/{n}")
    reporter = Reporter(fleet.stubs[0])
    reporting = asyncio.create_task(reporter.report(AWAY + 6))
    await eventually(lambda: len(hooks.delivered) >= A_SECOND)

    with frozen(postgres_folder):
        await asyncio.sleep(AWAY)
        acknowledged, delivered = len(reporter.acknowledged), len(hooks.delivered)
    await eventually(
        lambda: len(reporter.acknowledged) > acknowledged and len(hooks.delivered) > delivered,
        within=BACK_TO_NORMAL,
    )
    await asyncio.wait_for(reporting, 60)

    await eventually(lambda: set(hooks.delivered) == reporter.acknowledged, within=60)
    assert set(hooks.delivered.values()) == {1}
    assert reporter.refusals, "it was away"
    assert reporter.refusals <= {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
    assert fleet.processes[0].returncode is None
