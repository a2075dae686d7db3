"""Shows executions to whoever watches, as they arrive: one reader for all of a process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Self

import structlog

from libs import problems
from libs.db.database import Database
from services.ingestion.domain.tail import Arrived, Interest, Stopping, WatcherTooSlow
from services.ingestion.store import arrivals
from services.ingestion.store.now import now

log = structlog.get_logger()

EVERY = timedelta(milliseconds=250)
PAUSE_SECONDS = 2.0
MOST_WAITING = 10_000
AT_ONCE = 100
"""Batches that are read at a time when somebody catches up."""


class Watcher:
    """What waits for one caller."""

    def __init__(self, interest: Interest) -> None:
        self.interest = interest
        self._waiting = asyncio.Queue[Arrived | problems.Problem]()

    def offer(self, arrived: Arrived) -> None:
        """Puts down an execution if it is wanted; ends the watch of who does not keep up."""
        if self._waiting.qsize() < MOST_WAITING:
            if self.interest.covers(arrived.execution):
                self._waiting.put_nowait(arrived)
        elif self._waiting.qsize() == MOST_WAITING:
            self.end(WatcherTooSlow())

    def end(self, problem: problems.Problem) -> None:
        """Ends the watch when what waits was taken."""
        self._waiting.put_nowait(problem)

    async def next(self) -> Arrived:
        """Waits for the next one; raises what ended the watch."""
        found = await self._waiting.get()
        if isinstance(found, problems.Problem):
            raise found
        return found


class Watching:
    """Reads what arrived, while anybody watches, and hands it to all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[Watcher] = set()
        self._reader: asyncio.Task[None] | None = None
        self._seen: set[int] = set()
        self._read_at: datetime | None = None
        self._ready = asyncio.Event()
        self._stopped = False

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database) -> AsyncIterator[Self]:
        """Watches until the block ends; then every watch ends."""
        watching = cls(database)
        try:
            yield watching
        finally:
            await watching.stop()

    async def watch(self, interest: Interest, place: int | None) -> AsyncIterator[Arrived]:
        """Gives executions from a place on, or from now on, without end."""
        with self._watcher(interest) as watcher:
            await self._ready.wait()
            told: set[str] = set()
            if place is not None:
                async for each in self._missed(interest, place):
                    told.add(each.execution.execution_id)
                    yield each
            while True:
                each = await watcher.next()
                # What arrived while it was catching up was found by both.
                if each.execution.execution_id not in told:
                    yield each
                told.discard(each.execution.execution_id)

    async def stop(self) -> None:
        """Ends every watch, and the reader."""
        self._stopped = True
        for each in self._watchers:
            each.end(Stopping())
        await self._rest()

    @contextmanager
    def _watcher(self, interest: Interest) -> Iterator[Watcher]:
        if self._stopped:
            raise Stopping
        watcher = Watcher(interest)
        self._watchers.add(watcher)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_on())
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers and self._reader is not None:
                self._reader.cancel()
                self._reader, self._read_at = None, None
                self._ready.clear()

    async def _missed(self, interest: Interest, place: int) -> AsyncIterator[Arrived]:
        after = 0
        while True:
            async with self._database.transaction() as session:
                batches = await arrivals.since(session, place, after=after, most=AT_ONCE)
                found = await arrivals.executions(session, batches, [interest.location_id])
            for each in found:
                if interest.covers(each.execution):
                    yield each
            if len(batches) < AT_ONCE:
                return
            after = batches[-1].arrival_id

    async def _read_on(self) -> None:
        while True:
            try:
                await self._read()
                self._ready.set()
            except (problems.Unavailable, problems.OutOfTime) as problem:
                log.warning("watching.postponed", reason=problem.reason)
                await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(EVERY.total_seconds())

    async def _read(self) -> None:
        async with self._database.transaction() as session:
            at = await now(session)
            batches = await arrivals.unsettled(session, self._read_at or at)
            new = [each for each in batches if each.arrival_id not in self._seen]
            # Who watches from now on does not want what was there before.
            new = new if self._read_at else []
            locations = {each.interest.location_id for each in self._watchers}
            found = await arrivals.executions(session, new, locations)
        self._seen, self._read_at = {each.arrival_id for each in batches}, at
        for arrived in found:
            for watcher in self._watchers:
                watcher.offer(arrived)

    async def _rest(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
