"""What a test hands to the client of GoHighLevel: time that needs no waiting, and a kept grant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.scheduler.ghl.oauth import Grant
from services.scheduler.ghl.tokens import AccessToken


class VirtualTimer:
    """Time that passes only while somebody sleeps; `slept` lists for how long.

    A sleep ends at once, and while `open` is not set not at all.
    """

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []
        self.open = asyncio.Event()
        self.open.set()

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.at + seconds
        await asyncio.sleep(0)
        await self.open.wait()
        self.at = max(self.at, until)


def a_grant(access: str, refresh: str, expires_at=None) -> Grant:
    return Grant(AccessToken(access, expires_at), refresh)


@dataclass
class _Held:
    grant: Grant
    next: Grant | None = None

    async def replace(self, grant: Grant) -> None:
        self.next = grant


class MemoryKeeper:
    """Keeps a grant as a database would: what was replaced lasts when the block ends well.

    `kept` lists every grant there was; `break_next` makes the next commits fail,
    and while `open` is not set they wait.
    """

    def __init__(self, grant: Grant) -> None:
        self.kept = [grant]
        self.most_holders = 0
        self.open = asyncio.Event()
        self.open.set()
        self._holders = 0
        self._failures: list[Exception] = []
        self._lock = asyncio.Lock()

    async def read(self) -> Grant:
        return self.kept[-1]

    def break_next(self, *failures: Exception) -> None:
        self._failures.extend(failures)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[_Held]:
        async with self._lock:
            self._holders += 1
            self.most_holders = max(self.most_holders, self._holders)
            try:
                held = _Held(self.kept[-1])
                yield held
                await self._commit(held)
            finally:
                self._holders -= 1

    async def _commit(self, held: _Held) -> None:
        await self.open.wait()
        if self._failures:
            raise self._failures.pop(0)
        if held.next:
            self.kept.append(held.next)
