"""How many calls a location may make: so many in any window, and so many at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

CALLS = 50
WINDOW = 10.0
AT_A_TIME = 4
SHORTEST_SLEEP = 0.001
"""A sleep that rounding makes shorter than the clock can tell would never end."""


class Timer(Protocol):
    """Measures and waits; passed in, so that a test need not wait."""

    def monotonic(self) -> float:
        """Gives seconds since some moment, never going back."""

    async def sleep(self, seconds: float) -> None:
        """Lets this much time pass."""


class LoopTimer:
    """The event loop's timer."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Account:
    """What one location has used lately."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(AT_A_TIME)
        self.turn = asyncio.Lock()
        self.callers = 0
        self.under_way = 0
        self.ended: deque[float] = deque(maxlen=CALLS)
        self.closed_until = 0.0

    def opens_at(self) -> float:
        """Gives the earliest moment for the next call.

        A call counts until the window after its end is over, because it may
        arrive at the other side as late as that.
        """
        room = CALLS - self.under_way
        full = len(self.ended) >= room
        return max(self.closed_until, self.ended[-room] + WINDOW if full else 0.0)

    def idle_since(self) -> float:
        """Gives the moment from which on nothing that happened here matters."""
        last = self.ended[-1] + WINDOW if self.ended else 0.0
        return max(self.closed_until, last)


class Budget:
    """Lets calls through, per location in the order they come, as fast as is allowed.

    GoHighLevel allows 100 calls in 10 s; half of them are left to whatever else
    the agency runs on the same location.
    """

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._accounts: dict[str, _Account] = {}

    @asynccontextmanager
    async def place(self, location_id: str) -> AsyncIterator[None]:
        """Waits until a call may start, and counts it; it is under way as long as the block is."""
        account = self._account(location_id)
        account.callers += 1
        try:
            async with account.places:
                await self._take_turn(account)
                try:
                    yield
                finally:
                    account.under_way -= 1
                    account.ended.append(self._timer.monotonic())
        finally:
            account.callers -= 1

    def close(self, location_id: str, seconds: float) -> None:
        """Starts no call of a location for this long."""
        account = self._account(location_id)
        account.closed_until = max(account.closed_until, self._timer.monotonic() + seconds)

    async def _take_turn(self, account: _Account) -> None:
        async with account.turn:
            while (wait := account.opens_at() - self._timer.monotonic()) > 0:
                await self._timer.sleep(max(wait, SHORTEST_SLEEP))
            account.under_way += 1

    def _account(self, location_id: str) -> _Account:
        if location_id not in self._accounts:
            now = self._timer.monotonic()
            self._accounts = {
                each: account
                for each, account in self._accounts.items()
                if account.callers or account.idle_since() > now
            }
            self._accounts[location_id] = _Account()
        return self._accounts[location_id]
