"""However many report while the database is away and when it is back, what is due goes out."""

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.support.freezing import frozen
from tests.support.notifiers import MOST_EVENTS, Hooks, Notifiers, a_low_score, a_summary
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

REPORTERS = 100
TARGETS, WAITING = 8, 50
"""So many messages for each target: those of more than ten seconds."""

TAKES = 0.25
AWAY = 6.0
BACK_TO_NORMAL = 10.0
PATIENCE = 10.0
"""Seconds after which whoever reports asks again."""


@pytest.fixture
async def stack():
    async with AsyncExitStack() as made:
        yield made


async def report_on(stub, number: int) -> None:
    """Reports what mostly counts, call after call, until it is cancelled."""
    events = [a_low_score(f"other-{number}", f"{n}") for n in range(MOST_EVENTS)]
    request = pb.ReportEventsRequest(events=events)
    while True:
        try:
            await stub.ReportEvents(request, timeout=PATIENCE)
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.1)


async def test_a_hundred_reports_at_once_do_not_keep_deliveries_from_connections(
    stack, cluster, postgres_folder
):
    hooks = Hooks(takes=TAKES)
    await hooks.start(stack)
    fleet = Notifiers(await cluster.ensure_database("notifier"), stack)
    await fleet.start()
    for n in range(TARGETS):
        await fleet.target(f"loc-{n}", f"http://127.0.0.1:{hooks.port}/{n}")
    waiting = [a_summary(f"loc-{n}", f"{n}-{m}") for n in range(TARGETS) for m in range(WAITING)]
    await fleet.report(waiting)
    await eventually(lambda: len(hooks.delivered) >= TARGETS)

    with frozen(postgres_folder):
        reporting = [asyncio.create_task(report_on(fleet.stubs[0], n)) for n in range(REPORTERS)]
        await asyncio.sleep(AWAY)
        delivered = len(hooks.delivered)
    try:
        await eventually(
            lambda: len(hooks.delivered) >= delivered + TARGETS, within=BACK_TO_NORMAL, every=0.05
        )
    finally:
        for each in reporting:
            each.cancel()
        await asyncio.gather(*reporting, return_exceptions=True)
