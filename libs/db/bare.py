"""Connections without a session around them, for `libs.db.exchange` alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import pq

Connection = psycopg.AsyncConnection[Any]
Connect = Callable[[], Awaitable[Connection]]


class BareConnections:
    """Lends connections, the last one that came back first.

    For what runs hundreds of times a second: an empty transaction takes 30 µs of
    processor time where one of SQLAlchemy's sessions takes 250.
    """

    def __init__(self, connect: Connect, most: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(most)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def lent(self, patience: float) -> AsyncIterator[Connection]:
        """Lends a connection until the block ends, and rolls back; one whose block failed is not lent again.

        Raises `TimeoutError` when none came back for so many seconds.
        """
        async with asyncio.timeout(patience):
            await self._places.acquire()
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
                if connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                    await connection.rollback()
            except BaseException:
                await self._give_up(connection)
                raise
            self._idle.append(connection)
        finally:
            self._places.release()

    async def _give_up(self, failed: Connection) -> None:
        if failed.closed:  # the server is gone, and was for all of them
            await self.close()
        await failed.close()

    async def close(self) -> None:
        """Closes those that are not lent."""
        idle, self._idle = self._idle, []
        for each in idle:
            await each.close()
