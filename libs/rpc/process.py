"""Runs a program until it is told to stop."""

import asyncio
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
        await stop.wait()
        log.info("program.stopping")


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
