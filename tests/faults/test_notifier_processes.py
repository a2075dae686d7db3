"""Notifiers share the work, are killed, and lose nothing."""

from contextlib import AsyncExitStack

import pytest

from services.notifier.domain.slots import SLOTS
from tests.support.notifiers import Hooks, Notifiers, a_low_score, a_summary
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def stack():
    async with AsyncExitStack() as made:
        yield made


async def a_fleet(stack, url, hooks, *, processes, targets):
    await hooks.start(stack)
    fleet = Notifiers(url, stack)
    for _ in range(processes):
        await fleet.start()
    for number in range(targets):
        await fleet.target(f"loc-{number}", f"http://127.0.0.1:{hooks.port}/{number}")
    return fleet


async def test_three_replicas_send_each_of_500_messages_once_in_order_one_at_a_time(
    stack, new_database
):
    hooks = Hooks(takes=0.005)
    fleet = await a_fleet(stack, new_database("notifier"), hooks, processes=3, targets=10)
    names = {place: [f"{place}-{n:02}" for n in range(50)] for place in range(10)}

    for n in range(50):
        await fleet.report([a_summary(f"loc-{place}", names[place][n]) for place in range(10)])

    await eventually(lambda: sum(hooks.delivered.values()) >= 500, within=120, every=0.1)
    assert (hooks.requests, len(hooks.bodies)) == (500, 500)
    assert set(hooks.delivered.values()) == {1}
    assert hooks.at_once == 1
    assert dict(hooks.order) == {f"/{place}": sent for place, sent in names.items()}


async def test_killed_processes_lose_nothing_and_repeat_little_with_the_same_id_and_bytes(
    stack, new_database
):
    hooks = Hooks(takes=0.01, fails=lambda number: number < 100 and number % 10 in (1, 4, 7))
    fleet = await a_fleet(stack, new_database("notifier"), hooks, processes=2, targets=50)
    events = [a_low_score(f"loc-{n % 50}", f"{n % 50}-{n // 50}") for n in range(2000)]
    await fleet.report(events)
    await eventually(lambda: sum(hooks.delivered.values()) >= 100, within=60, every=0.01)

    for number in range(2):
        await fleet.kill_oldest()
        await fleet.start()
        await fleet.report([a_low_score(f"loc-{n}", f"{n}-after-{number}") for n in range(50)])

    await eventually(lambda: len(hooks.delivered) == 2100, within=180, every=0.2)
    assert all(len(bodies) == 1 for bodies in hooks.bodies.values())
    repeated = sum(number > 1 for number in hooks.delivered.values())
    assert repeated <= 2 * SLOTS * 50, "what was in flight, folded"
    assert hooks.at_once <= 2, "a killed process may leave one request open"
