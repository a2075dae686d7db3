"""Keeps the tables in shape: partitions ahead of time, nothing beyond its days."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from libs.db.database import Database
from services.ingestion.store import (
    Session,
    arrivals,
    changes,
    forgetting,
    gaps,
    keys,
    partitions,
    quarantine,
    rollups,
)

log = structlog.get_logger()


class Tidying:
    """What the database needs every hour; any number of replicas may do it at once."""

    def __init__(self, database: Database, retention: timedelta) -> None:
        self._database = database
        self._retention = retention

    async def make_partitions(self) -> None:
        """Makes sure that every execution we accept has a partition to go to."""
        async with self._database.transaction() as session:
            await partitions.make(session)

    async def renew_partitions(self) -> None:
        """Makes partitions ahead, drops those beyond the retention, refreshes statistics."""
        await self.make_partitions()
        async with self._database.transaction() as session:
            dropped = await partitions.drop_older(session, self._retention)
        if dropped:
            log.info("partitions.dropped", names=dropped)
        async with self._database.transaction() as session:
            await partitions.analyze(session)

    async def forget_expired(self) -> None:
        """Removes keys after 7 days, unread deliveries after 30, gaps with the executions."""
        await self._forget(keys.forget_expired)
        await self._forget(quarantine.forget_expired)
        await self._forget(arrivals.forget_expired)
        await self._forget(rollups.forget_expired)
        await self._forget(rollups.forget_expired_days)
        await self._forget(partial(gaps.forget_expired, kept=self._retention))
        async with self._database.transaction() as session:
            await changes.forget_expired(session)

    async def close_days(self) -> None:
        """Sums up, by day, the days that ended an hour ago or earlier and are not summed up yet."""
        async with self._database.transaction() as session:
            days = await rollups.unclosed(session)
        for day in days:
            await self._close(day)

    async def _close(self, day: datetime) -> None:
        async with self._database.transaction() as session:
            workflows = await rollups.unclosed_workflows(session, day)
        for start in range(0, len(workflows), rollups.AT_ONCE):
            some = workflows[start : start + rollups.AT_ONCE]
            async with self._database.transaction() as session:
                await rollups.close_day(session, day, some)

    async def _forget(self, some: Callable[[Session], Awaitable[int]]) -> None:
        forgotten = forgetting.AT_ONCE
        while forgotten == forgetting.AT_ONCE:
            async with self._database.transaction() as session:
                forgotten = await some(session)
