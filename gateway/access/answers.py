"""Answers that are remembered for a while, so that the hot path asks no database."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from libs.clock import Clock

K = TypeVar("K")
V = TypeVar("V")


class Answers(Generic[K, V]):
    """Asks once for all that want the same at the same moment; keeps the latest answers.

    `ask` gives the answer, never None, and how long it may be used. What it raises is told to
    everyone who waits and is not kept.
    """

    def __init__(
        self, ask: Callable[[K], Awaitable[tuple[V, timedelta]]], clock: Clock, *, most: int
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[K, tuple[datetime, datetime, V]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V]] = {}

    def kept(self, key: K) -> V | None:
        """Gives the answer if it is remembered."""
        if kept := self._kept.get(key):
            since, until, answer = kept
            # `since` guards against a machine clock that was set back.
            if since <= self._clock.now() < until:
                self._kept.move_to_end(key)
                return answer
        return None

    async def of(self, key: K) -> V:
        """Gives the answer, remembered or new."""
        if (kept := self.kept(key)) is not None:
            return kept
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._asked(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        # A caller that leaves must not take the answer from the others.
        return await asyncio.shield(task)

    def forget(self, key: K) -> None:
        """Drops the answer, because something changed."""
        self._kept.pop(key, None)

    def forget_all(self) -> None:
        """Drops every answer."""
        self._kept.clear()

    async def _asked(self, key: K) -> V:
        since = self._clock.now()
        answer, lifetime = await self._ask(key)
        self._kept[key] = (since, since + lifetime, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer
