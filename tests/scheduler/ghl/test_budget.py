"""Never more than 50 calls of a location in any 10 seconds, and never more than 4 at a time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.ghl.budget import AT_A_TIME, CALLS, WINDOW, Budget
from tests.support.ghl_client import VirtualTimer
from tests.support.waiting import eventually

SECONDS = st.floats(min_value=0, max_value=12, allow_nan=False)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), SECONDS),
        st.tuples(st.just("call"), st.integers(min_value=1, max_value=70)),
        st.tuples(st.just("close"), SECONDS),
    ),
    max_size=12,
)


class Traffic:
    """Makes calls, and notes when each began and how many were under way."""

    def __init__(self) -> None:
        self.timer = VirtualTimer()
        self.budget = Budget(self.timer)
        self.began: list[float] = []
        self.ended: list[float] = []
        self.under_way = 0
        self.most = 0

    async def call(self, location_id: str = "L1") -> None:
        async with self.budget.place(location_id):
            self.began.append(self.timer.monotonic())
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(0)
            self.under_way -= 1
            self.ended.append(self.timer.monotonic())

    async def calls(self, count: int) -> None:
        await asyncio.gather(*(self.call() for _ in range(count)))


def keeps_the_law(traffic: Traffic) -> bool:
    """Tells whether no 51 calls can have arrived within a window, however long they travelled."""
    pairs = zip(sorted(traffic.ended), traffic.began[CALLS:], strict=False)
    return all(later >= earlier + WINDOW for earlier, later in pairs)


@given(STEPS)
async def test_no_traffic_exceeds_the_budget_and_all_of_it_gets_through(steps):
    traffic = Traffic()
    expected = 0
    for what, amount in steps:
        if what == "wait":
            traffic.timer.at += amount
        elif what == "close":
            traffic.budget.close("L1", amount)
        else:
            expected += amount
            await traffic.calls(amount)

    assert len(traffic.began) == expected
    assert keeps_the_law(traffic)
    assert traffic.most <= AT_A_TIME


async def test_fifty_calls_start_at_once_and_the_next_ten_seconds_later():
    traffic = Traffic()

    await traffic.calls(CALLS + 1)

    assert {each - 1000 for each in traffic.began[:CALLS]} == {0.0}
    assert traffic.began[CALLS] - 1000 == WINDOW


async def test_a_location_does_not_wait_for_another():
    traffic = Traffic()
    await traffic.calls(CALLS)

    await traffic.call("L2")

    assert traffic.timer.slept == []


async def test_a_closed_location_starts_nothing_until_it_opens():
    traffic = Traffic()
    traffic.budget.close("L1", 30)
    traffic.budget.close("L1", 5)

    await traffic.calls(2)

    assert [each - 1000 for each in traffic.began] == [30.0, 30.0]


async def test_who_stops_waiting_uses_nothing_up():
    traffic = Traffic()
    await traffic.calls(CALLS)
    traffic.timer.open.clear()
    waiting = asyncio.create_task(traffic.call())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    traffic.timer.open.set()
    traffic.timer.at += WINDOW
    await traffic.calls(CALLS)

    assert len(traffic.began) == 2 * CALLS


async def test_a_call_that_fails_gives_its_place_back():
    traffic = Traffic()

    for _ in range(AT_A_TIME + 1):
        with pytest.raises(ValueError, match="broken"):
            async with traffic.budget.place("L1"):
                raise ValueError("broken")


async def test_locations_that_are_quiet_are_forgotten_and_busy_ones_are_not():
    traffic = Traffic()
    for each in range(100):
        await traffic.call(f"quiet-{each}")
    release = asyncio.Event()

    async def busy():
        async with traffic.budget.place("busy"):
            await release.wait()

    running = asyncio.create_task(busy())
    await eventually(lambda: "busy" in traffic.budget._accounts)
    traffic.timer.at += WINDOW
    await traffic.call("new")

    assert set(traffic.budget._accounts) == {"busy", "new"}
    release.set()
    await running
