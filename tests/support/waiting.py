"""Waiting for something to become true, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    condition: Callable[[], T | Awaitable[T]], *, within: float = 10.0, every: float = 0.02
) -> T:
    """Gives the first truthy answer of the condition; fails when none comes in time.

    A failing assertion inside the condition means "not yet", and is the cause
    that is shown when the time is over.
    """
    deadline = time.monotonic() + within
    while True:
        answer, refusal = await _ask(condition)
        if answer:
            return answer
        if time.monotonic() >= deadline:
            last = refusal or f"its last answer was {answer!r}"
            raise AssertionError(f"Not true within {within} s: {last}") from refusal
        await asyncio.sleep(every)


async def _ask(condition):
    try:
        answer = condition()
        return (await answer if inspect.isawaitable(answer) else answer), None
    except AssertionError as refusal:
        return None, refusal
