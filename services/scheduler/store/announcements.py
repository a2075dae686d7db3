"""The wire that tells this process at once that some process queued a scan."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from psycopg import sql

from libs.db.database import connected
from services.scheduler.store.scans import QUEUED_CHANNEL

log = structlog.get_logger()

PAUSE_SECONDS = 2.0


@asynccontextmanager
async def heard(url: str, on_queued: Callable[[], object]) -> AsyncIterator[None]:
    """Calls back whenever a scan is queued, until the block ends.

    Needs a connection of its own that no transaction pooler sits in front of.
    Without one nothing is lost: every process looks each second anyway.
    """
    listener = asyncio.create_task(_listen(url, on_queued))
    try:
        yield
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def _listen(url: str, on_queued: Callable[[], object]) -> None:
    while True:
        try:
            await _hear(url, on_queued)
        except (psycopg.OperationalError, OSError):
            log.warning("announcements.not_heard")
        await asyncio.sleep(PAUSE_SECONDS)


async def _hear(url: str, on_queued: Callable[[], object]) -> None:
    connecting = connected(url, autocommit=True, application_name="scheduler-listen")
    async with await connecting as connection:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(QUEUED_CHANNEL)))
        async for _ in connection.notifies():
            on_queued()
