"""What is known about the call being answered: its request id and how much time it has left."""

import asyncio
from contextvars import ContextVar

REQUEST_ID_HEADER = "x-request-id"
TOKEN_HEADER = "authorization"  # noqa: S105  the name of a header

request_id: ContextVar[str] = ContextVar("request_id", default="")
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)

HOP_SECONDS = 0.02
"""Kept back at every hop, so that it can still report a timeout of something further down."""


def set_deadline(seconds_left: float) -> None:
    """Notes how long the caller waits, less what this hop keeps for its answer."""
    _deadline.set(asyncio.get_running_loop().time() + seconds_left - HOP_SECONDS)


def budget(wanted: float) -> float:
    """Gives the time a call made now may take: what it wants, at most what is left."""
    deadline = _deadline.get()
    if deadline is None:
        return wanted
    return max(0.0, min(wanted, deadline - asyncio.get_running_loop().time()))
