"""Keeps a server running for as long as a block lasts, on an event loop or without one."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import structlog

from libs.db.embedded.cluster import Cluster
from libs.db.embedded.folder import locked
from libs.db.embedded.placing import place_for
from libs.db.embedded.programs import find_programs
from libs.db.embedded.server import Server, Steps

LOOK_EVERY = 0.1
RESTART_PAUSE = 1.0

log = structlog.get_logger()


@asynccontextmanager
async def embedded_postgres(
    folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Cluster]:
    """Runs the server of a folder; when it dies it is started again, on the same port.

    Port 0 is any free one, another after each start. PostgreSQL is told to end
    when the thread that started it ends, so this is entered on the main thread.
    """
    with _server_of(folder, port, settings) as (cluster, server):
        try:
            await _walk(server.starting())
            watch = asyncio.create_task(_keep_running(server))
            try:
                yield cluster
            finally:
                watch.cancel()
                await asyncio.wait([watch])
        finally:
            await _walk(server.stopping())


@contextmanager
def running_postgres(
    folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Runs the server of a folder where there is no event loop; nobody restarts it."""
    with _server_of(folder, port, settings) as (cluster, server):
        try:
            _walk_without_loop(server.starting())
            yield cluster
        finally:
            _walk_without_loop(server.stopping())


@contextmanager
def _server_of(
    folder: Path, port: int, settings: Mapping[str, str] | None
) -> Iterator[tuple[Cluster, Server]]:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Start PostgreSQL from the main thread: it ends with its thread.")
    folder = folder.resolve()
    with locked(folder):
        server = Server(folder, place_for(folder, find_programs()), port, settings or {})
        yield Cluster(folder, server), server


async def _walk(steps: Steps) -> None:
    with closing(steps):
        for pause in steps:
            await asyncio.sleep(pause)


def _walk_without_loop(steps: Steps) -> None:
    with closing(steps):
        for pause in steps:
            time.sleep(pause)


async def _keep_running(server: Server) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if server.exit_code is None:
            continue
        log.error("postgres.died", exit_code=server.exit_code)
        try:
            await _walk(server.serving())
            log.info("postgres.restarted", port=server.port)
        except Exception:
            log.exception("postgres.not_restarted")
            await asyncio.sleep(RESTART_PAUSE)
