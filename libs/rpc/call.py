"""What is known about the call being answered: its request id and how much time it has left."""

import asyncio
import re
from contextvars import ContextVar

REQUEST_ID_HEADER = "x-request-id"
TOKEN_HEADER = "authorization"  # noqa: S105  the name of a header

TRACE_HEADER = "traceparent"

request_id: ContextVar[str] = ContextVar("request_id", default="")
trace: ContextVar[str] = ContextVar("trace", default="")
"""The caller's place in its own trace, passed on as it came; empty when it sent none."""
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)

DEFAULT_SECONDS = 30.0
"""The deadline of a call that came without one, and of each request of a stream."""
HOP_SECONDS = 0.02
"""Kept back at every hop, so that it can still report a timeout of something further down."""


_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def trace_from(given: str | None) -> str:
    """Gives the header as W3C Trace Context writes it; empty when it is something else."""
    return given if given and _TRACE.fullmatch(given) else ""


def traced() -> dict[str, str]:
    """Gives what a log line says of the trace; nothing without one."""
    found = _TRACE.fullmatch(trace.get())
    return {"trace_id": found[1]} if found else {}


def set_deadline(seconds_left: float) -> None:
    """Notes how long the caller waits, less what this hop keeps for its answer."""
    _deadline.set(asyncio.get_running_loop().time() + seconds_left - HOP_SECONDS)


def budget(wanted: float) -> float:
    """Gives the time a call made now may take: what it wants, at most what is left."""
    deadline = _deadline.get()
    if deadline is None:
        return wanted
    return max(0.0, min(wanted, deadline - asyncio.get_running_loop().time()))
