"""The wire that tells this process at once what some process did to a scan."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from psycopg import sql

from libs.db.database import connected

log = structlog.get_logger()

PAUSE_SECONDS = 2.0

Hear = Callable[[str], object]
"""Takes what an announcement says: the scan's id, or nothing."""


@asynccontextmanager
async def heard(url: str, channels: Mapping[str, Hear]) -> AsyncIterator[None]:
    """Calls back whenever something is announced on a channel, until the block ends.

    Needs a connection of its own that no transaction pooler sits in front of.
    Without one nothing is lost: every process looks each second anyway.
    """
    listener = asyncio.create_task(_listen(url, channels))
    try:
        yield
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def _listen(url: str, channels: Mapping[str, Hear]) -> None:
    while True:
        try:
            await _hear(url, channels)
        except (psycopg.OperationalError, OSError):
            log.warning("announcements.not_heard")
        await asyncio.sleep(PAUSE_SECONDS)


async def _hear(url: str, channels: Mapping[str, Hear]) -> None:
    connecting = connected(url, autocommit=True, application_name="scheduler-listen")
    async with await connecting as connection:
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        async for each in connection.notifies():
            channels[each.channel](each.payload)
