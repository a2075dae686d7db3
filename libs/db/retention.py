"""Deletes what is older than it is kept, in transactions so short that they hold nobody up."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db.database import Database

ForgetSome: TypeAlias = Callable[[AsyncSession, timedelta, int], Awaitable[int]]
"""Deletes what is older than it is kept, so many rows of each table; gives the most of one table."""


class Forgetting:
    """Keeps a database from growing for ever."""

    def __init__(
        self, database: Database, forget_some: ForgetSome, kept: timedelta, step: int
    ) -> None:
        self._database = database
        self._forget_some = forget_some
        self._kept = kept
        self._step = step

    async def forget(self) -> None:
        """Deletes everything that is old."""
        while True:
            async with self._database.transaction() as session:
                deleted = await self._forget_some(session, self._kept, self._step)
            if deleted < self._step:
                return
