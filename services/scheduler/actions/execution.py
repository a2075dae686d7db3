"""Runs the scans that wait: in tasks of this process, each under a lease that others respect."""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Self

import structlog

from libs import metrics, problems
from libs.db import outbox
from libs.db.database import Database
from services.scheduler.actions.completing import to_tell
from services.scheduler.actions.scanning import Scanning
from services.scheduler.domain.events import ScanFailed
from services.scheduler.store import Transaction, progress, queue
from services.scheduler.store.now import now
from services.scheduler.store.queue import Claimed, Lease
from services.scheduler.store.scans import Scan

log = structlog.get_logger()

FIRST_RETRY = timedelta(seconds=30)
LONGER_EACH_TIME = 4
JITTER = 0.2
ABANDONED = "The process that ran it went away without a word, in its last attempt too."
INTERNAL = "Internal error; the scheduler's log has the details."


class ScanTooLong(problems.OutOfTime):
    """The scan took longer than SCHEDULER_SCAN_TIMEOUT allows."""

    reason = "SCAN_TOO_LONG"


class Execution:
    """Claims scans, runs them, and lets others take over what it cannot finish."""

    def __init__(
        self,
        database: Database,
        scanning: Scanning,
        *,
        owner: str,
        slots: int,
        longest: timedelta,
        on_free: Callable[[], object],
        on_events: Callable[[], object],
    ) -> None:
        self._database = database
        self._scanning = scanning
        self._owner = owner
        self._slots = slots
        self._longest = longest
        self._on_free = on_free
        self._on_events = on_events
        self._running: dict[Lease, asyncio.Task[None]] = {}
        self._claiming = asyncio.Lock()
        self._stopping = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Runs scans until the block ends, then hands back those that are not done."""
        try:
            yield self
        finally:
            await self._stop()

    async def tick(self) -> None:
        """Starts as many of the scans that wait as there are free slots."""
        async with self._claiming:
            if self._stopping:
                return
            free = self._slots - len(self._running)
            async with self._database.transaction() as session:
                given_up = await queue.give_up(session, reason=ABANDONED)
                await _tell_failures(session, given_up)
                await queue.let_in(session)
                claimed = await queue.claim(session, self._owner, free) if free else []
            for each in claimed:
                self._running[each.lease] = asyncio.create_task(self._run(each))
        if given_up:
            self._on_events()

    async def renew(self) -> None:
        """Keeps what runs here; stops what another process has taken over."""
        leases = list(self._running)
        if not leases:
            return
        async with self._database.transaction() as session:
            held = await queue.renew(session, leases)
        for lease in leases:
            if lease.scan_id not in held and lease in self._running:
                self._running[lease].cancel()

    def stop_scan(self, scan_id: str) -> None:
        """Stops a scan that was cancelled, if it runs here; its row is not ours any more."""
        for lease, task in self._running.items():
            if lease.scan_id == scan_id:
                task.cancel()

    async def _run(self, claimed: Claimed) -> None:
        began = time.perf_counter()
        scan_id, attempt = claimed.lease.scan_id, claimed.lease.attempt
        try:
            status = await self._outcome(claimed)
            seconds = time.perf_counter() - began
            metrics.SCAN_SECONDS.observe(seconds)
            metrics.SCANS.labels(status=status).inc()
            log.info(
                "scan.ended", scan_id=scan_id, attempt=attempt, status=status, s=round(seconds, 3)
            )
        except problems.Problem as problem:
            # The row stays as it is; when the lease expires, someone takes it over.
            log.warning("scan.left", scan_id=scan_id, attempt=attempt, reason=problem.reason)
        except Exception:
            log.exception("scan.left", scan_id=scan_id, attempt=attempt)
        finally:
            del self._running[claimed.lease]
            self._on_free()

    async def _outcome(self, claimed: Claimed) -> str:
        try:
            await self._within_limit(claimed)
        except queue.LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001  whatever went wrong, the scan is tried again
            return await self._failed(claimed, _reason(error, claimed))
        return "completed"

    async def _within_limit(self, claimed: Claimed) -> None:
        try:
            async with asyncio.timeout(self._longest.total_seconds()) as limit:
                await self._scanning.scan(claimed)
        except TimeoutError as error:
            if limit.expired():
                raise ScanTooLong(f"It took longer than {self._longest}.") from error
            raise

    async def _failed(self, claimed: Claimed, reason: str) -> str:
        scan = claimed.scan
        async with self._database.transaction() as session:
            if scan.attempt < scan.max_attempts:
                delay = retry_delay(scan.attempt)
                await queue.put_back(session, claimed.lease, reason=reason, delay=delay)
                return "retried"
            await queue.fail(session, claimed.lease, reason=reason)
            await progress.forget(session, scan.scan_id)
            await _tell_failures(session, [replace(scan, reason=reason)])
        self._on_events()
        return "failed"

    async def _stop(self) -> None:
        self._stopping = True
        async with self._claiming:
            tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            async with self._database.transaction() as session:
                await queue.hand_back(session, self._owner)
        except problems.Problem as problem:
            log.warning("scans.not_handed_back", reason=problem.reason)


def retry_delay(attempt: int) -> timedelta:
    """Gives how long a scan waits after an attempt: 30 s, then 2 min, a fifth more or less."""
    around = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads load, guards nothing
    return FIRST_RETRY * (around * math.pow(LONGER_EACH_TIME, attempt - 1))


def _reason(error: Exception, claimed: Claimed) -> str:
    if isinstance(error, problems.Problem):
        return error.message
    log.error("scan.broke", scan_id=claimed.lease.scan_id, exc_info=error)
    return INTERNAL


async def _tell_failures(session: Transaction, scans: Iterable[Scan]) -> None:
    at = await now(session)
    failures = [
        ScanFailed(
            location_id=scan.location_id,
            scan_id=scan.scan_id,
            occurred_at=at,
            error=scan.reason,
            attempts=scan.attempt,
        )
        for scan in scans
    ]
    await outbox.add(session, to_tell(failures))
