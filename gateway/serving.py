"""The HTTP server: uvicorn on a socket of our own, on the program's own loop."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog
import uvicorn

from gateway.joining import JoiningProtocol
from gateway.shortcut import AtOnce, ShortcutProtocol
from libs.problems import CannotStart

log = structlog.get_logger()

DRAIN_SECONDS = 3
"""How long running requests may take to end; without a limit an open stream would block for ever."""
IDLE_SECONDS = 75
"""How long a connection is kept for its next request; senders like to use one again."""
QUIET_TICKS = 10
"""Tenths of a second between looks for connections that were idle too long."""
_CURES = {
    errno.EADDRINUSE: "another program does. Stop it, or set GATEWAY_PORT to another port "
    "(0 takes any free one).",
    errno.EACCES: "that needs more rights. Set GATEWAY_PORT to 1024 or more.",
    errno.EADDRNOTAVAIL: "the address is not one of this machine. Set GATEWAY_HOST to one that is.",
}


class CannotListen(CannotStart):
    """The address cannot be listened on."""


class ServerStopped(Exception):
    """The HTTP server stopped by itself; without it the program is of no use."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, idle_seconds: float) -> None:
        super().__init__(config)
        self._idle_seconds = idle_seconds
        self.servers = []  # until it has started
        self.serves = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to the program."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serves.set()

    async def on_tick(self, counter: int) -> bool:
        if counter % QUIET_TICKS == 0:
            since = asyncio.get_running_loop().time() - self._idle_seconds
            for each in list(self.server_state.connections):
                if isinstance(each, ShortcutProtocol):
                    each.close_if_quiet(since)
        return await super().on_tick(counter)

    def stop_listening(self) -> None:
        """Closes what a server that died on its own has left open."""
        for each in self.servers:
            each.close()


@asynccontextmanager
async def serving(
    app: Any,
    host: str,
    port: int,
    *,
    at_once: AtOnce | None = None,
    idle_seconds: float = IDLE_SECONDS,
) -> AsyncIterator[str]:
    """Serves an ASGI app until the block ends, then lets running requests end; yields the url.

    Asks `at_once` first, if there is one, to take what came as a whole. Closes
    connections that had no request for so long.

    Cancels the block and raises `ServerStopped` when the server stops by itself.
    Raises `CannotListen`.
    """
    listening = _bound(host, port)
    url = f"http://{_named(host)}:{listening.getsockname()[1]}"
    server = _Server(_config(app, at_once, idle_seconds), idle_seconds)
    task = asyncio.create_task(server.serve([listening]))
    owner = asyncio.current_task()
    assert owner is not None
    task.add_done_callback(lambda _: server.should_exit or owner.cancel())
    try:
        await server.serves.wait()
        log.info("gateway.serving", url=url)
        yield url
    except asyncio.CancelledError:
        if not task.done():
            raise
        owner.uncancel()
        raise ServerStopped from (None if task.cancelled() else task.exception())
    finally:
        server.should_exit = True
        await asyncio.wait([task])
        server.stop_listening()
    log.info("gateway.stopped", url=url)


def _config(app: Any, at_once: AtOnce | None, idle_seconds: float) -> uvicorn.Config:
    protocol: Any = partial(ShortcutProtocol, at_once=at_once) if at_once else JoiningProtocol
    return uvicorn.Config(
        app,
        loop="none",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would write `?key=` down
        server_header=False,
        proxy_headers=False,  # the wiring puts them behind the door, which looks at none
        timeout_keep_alive=idle_seconds,  # type: ignore[arg-type]  # any number will do
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio turns Nagle's delay off; else each answer takes 40 ms more.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A port whose connections are only fading away is free.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        cure = _CURES.get(error.errno or 0, f"{error.strerror}. Check GATEWAY_HOST.")
        raise CannotListen(f"The gateway cannot listen on {host}:{port}: {cure}") from error
    return listening


def _named(host: str) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    return f"[{name}]" if ":" in name else name
