"""What a process does unasked: jobs that run every so often, and when they are woken."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from libs import metrics, problems

log = structlog.get_logger()

Job = Callable[[], Awaitable[object]]


class Clockwork:
    """APScheduler's ticks, with jobs that never overlap themselves and end before we stop.

    APScheduler cancels running coroutines at its shutdown and skips a tick while
    the one before still runs, so its ticks only start tasks of our own. A tick
    or a wake that comes while the job runs makes it run once more.
    """

    def __init__(self, scheduler: AsyncIOScheduler) -> None:
        self._scheduler = scheduler
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._stopping = False

    def every(self, interval: timedelta, job: Job, *, name: str) -> None:
        """Runs the job at once and then every so often, at a random phase among replicas."""
        phase = datetime.now(UTC) + random.random() * min(interval, timedelta(seconds=1))  # noqa: S311
        self._add(IntervalTrigger(seconds=interval.total_seconds()), job, name, phase)

    def on(self, trigger: BaseTrigger, job: Job, *, name: str) -> None:
        """Runs the job whenever the trigger says."""
        self._add(trigger, job, name, None)

    def wake(self, name: str) -> None:
        """Runs the job now, or once more when it is running."""
        if self._stopping:
            return
        if name in self._running:
            self._again.add(name)
        else:
            # In a context of its own: a job must not inherit the deadline and
            # the request id of the call that woke it.
            self._running[name] = asyncio.create_task(self._run(name), context=Context())

    def _add(self, trigger: BaseTrigger, job: Job, name: str, first: datetime | None) -> None:
        self._jobs[name] = job
        first_run = {"next_run_time": first} if first else {}
        self._scheduler.add_job(self._tick, trigger, args=[name], id=name, **first_run)

    async def _tick(self, name: str) -> None:
        # A coroutine, because APScheduler runs plain functions in a thread.
        self.wake(name)

    async def _run(self, name: str) -> None:
        try:
            self._again.add(name)
            while name in self._again:
                # Wakes from before it begins need no run of their own.
                self._again.discard(name)
                await self._once(name)
        finally:
            self._running.pop(name, None)

    async def _once(self, name: str) -> None:
        result = "failed"
        try:
            await self._jobs[name]()
            result = "done"
        except (problems.Unavailable, problems.OutOfTime, problems.Overtaken) as problem:
            log.warning("job.postponed", job=name, reason=problem.reason)
        except Exception:
            log.exception("job.failed", job=name)
        finally:
            metrics.JOB_RUNS.labels(job=name, result=result).inc()

    async def stop(self, grace: timedelta) -> None:
        """Lets the running jobs end, and cancels those that do not within the grace."""
        self._stopping = True
        self._scheduler.pause()
        self._again.clear()
        tasks = list(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._scheduler.shutdown(wait=False)


@asynccontextmanager
async def clockwork(grace: timedelta = timedelta(seconds=5)) -> AsyncIterator[Clockwork]:
    """Runs a clockwork until the block ends, then lets its jobs end."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.start()
    works = Clockwork(scheduler)
    try:
        yield works
    finally:
        await works.stop(grace)
