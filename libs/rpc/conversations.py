"""Streams whose requests are answered one by one, each as if it were a call of its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from libs.rpc import call
from libs.rpc.lines import Line


class Conversation:
    """The requests of a stream; each is over when the next one is asked for."""

    def __init__(self, requests: AsyncIterator[Any], opening: Line) -> None:
        """Begins with the line of the call itself."""
        self._requests = requests
        self._opening = opening
        self._current: Line | None = None
        self._waiting: asyncio.Task[Any] | None = None
        self._ending = False

    @property
    def line(self) -> Line:
        """The line of what is under way."""
        return self._current or self._opening

    def end(self) -> None:
        """Ends the stream when the request under way is answered: nothing more is read."""
        self._ending = True
        if self._waiting is not None:
            self._waiting.cancel()

    def __aiter__(self) -> "Conversation":
        return self

    async def __anext__(self) -> Any:
        if self._current is not None:
            self._current.write()
            self._current = None
        request = await self._next()
        self._current = self._opening.of(request)
        call.set_deadline(call.DEFAULT_SECONDS)  # a caller that waits less ends the stream
        return request

    async def _next(self) -> Any:
        if self._ending:
            raise StopAsyncIteration
        self._waiting = asyncio.current_task()
        try:
            return await anext(self._requests)
        except asyncio.CancelledError:
            if not self._ending or self._waiting is None:
                raise
            self._waiting.uncancel()
            raise StopAsyncIteration from None
        finally:
            self._waiting = None
