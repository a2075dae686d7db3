"""Runs a program until it is told to stop."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from libs import logs
from libs.problems import CannotStart
from libs.settings import Settings

S = TypeVar("S", bound=Settings)
log = structlog.get_logger()

USAGE_ERROR, START_ERROR, INTERRUPTED = 2, 1, 130
COLLECT = (10_000, 20, 20)
"""New objects until the garbage collector looks for cycles among them, and how many times until it
looks further back. By default 700: two webhooks under way hold as many."""


def run(read: type[S], running: Callable[[S], AbstractAsyncContextManager[object]]) -> int:
    """Reads the settings, runs the program until SIGINT or SIGTERM; gives the exit code."""
    try:
        settings = read()
    except ValidationError as error:
        return _complain(_readable(error, read), USAGE_ERROR)
    logs.configure(settings.log_level)
    log.info("program.starting", **settings.public())
    try:
        uvloop.run(_until_stopped(running(settings)))
    except CannotStart as error:
        return _complain(str(error), START_ERROR)
    except asyncio.CancelledError:
        return INTERRUPTED
    return 0


async def _until_stopped(program: AbstractAsyncContextManager[object]) -> None:
    stop = asyncio.Event()
    starting = asyncio.current_task()

    def on_signal() -> None:
        stop.set()
        if starting is not None:
            starting.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    async with program:
        starting = None
        _spare_the_collector()
        await stop.wait()
        log.info("program.stopping")


def _spare_the_collector() -> None:
    """Takes what was loaded and built so far out of the garbage collector's sight.

    It lives as long as the program. Looked through again and again it would cost
    a tenth of the processor time of a webhook, and hold all of them up for tens
    of milliseconds each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def _readable(error: ValidationError, read: type[Settings]) -> str:
    prefix = read.model_config.get("env_prefix", "")
    lines = ["The settings cannot be used:"]
    for each in error.errors(include_url=False):
        name = str(each["loc"][0]) if each["loc"] else ""
        variable = name if name.isupper() or not name else f"{prefix}{name}".upper()
        lines.append(f"  {variable}: {each['msg']}" if variable else f"  {each['msg']}")
    return "\n".join(lines)


def _complain(message: str, code: int) -> int:
    print(message, file=sys.stderr)  # noqa: T201  there is no log reader for a program that never ran
    return code
