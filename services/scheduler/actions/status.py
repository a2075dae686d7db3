"""Says whether the clockwork is alive, also when the database is not."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from libs import problems
from libs.clock import Clock
from libs.db.database import Database
from services.scheduler.store import replicas, workload
from services.scheduler.store.now import now
from services.scheduler.store.replicas import Replica
from services.scheduler.store.workload import Workload

log = structlog.get_logger()

DEGRADED_AFTER = timedelta(seconds=60)
DOWN_AFTER = timedelta(seconds=300)
MOST_SKEW = timedelta(seconds=5)
ANSWER_SECONDS = 0.8
NO_DATABASE = "The database does not answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStatus:
    """How the clockwork is; without a database only that."""

    state: Literal["ok", "degraded", "down"]
    reason: str = ""
    replicas: tuple[Replica, ...] = ()
    oldest_due_age: timedelta | None = None
    workload: Workload | None = None


class Status:
    """Signs of life: given by this process, and read of all."""

    def __init__(self, database: Database, clock: Clock, *, replica_id: str) -> None:
        self._database = database
        self._clock = clock
        self.replica_id = replica_id

    async def get(self) -> SchedulerStatus:
        """Gives the status within a second."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._database.transaction() as session:
                measured = await workload.measure(session)
                return _judged(measured, tuple(await replicas.alive(session)))
        except (problems.Problem, TimeoutError):
            return SchedulerStatus(state="down", reason=NO_DATABASE)

    async def beat(self, last_tick_at: datetime | None) -> None:
        """Gives a sign of life, and looks how far this machine's clock is off."""
        async with self._database.transaction() as session:
            asked_at = self._clock.now()
            database_time = await now(session)
            skew = asked_at + (self._clock.now() - asked_at) / 2 - database_time
            await replicas.beat(
                session,
                self.replica_id,
                skew_ms=round(skew / timedelta(milliseconds=1)),
                last_tick_at=last_tick_at,
            )
            await replicas.forget_dead(session)
        if abs(skew) > MOST_SKEW:
            log.warning("clock.skewed", seconds=skew.total_seconds())

    async def leave(self) -> None:
        """Takes this process off the list."""
        try:
            async with self._database.transaction() as session:
                await replicas.leave(session, self.replica_id)
        except problems.Problem as problem:
            log.warning("replica.not_taken_off", reason=problem.reason)


def _judged(measured: Workload, alive: tuple[Replica, ...]) -> SchedulerStatus:
    since = measured.oldest_due_at
    age = measured.database_time - since if since else None
    state: Literal["ok", "degraded", "down"] = "ok"
    if age and age > DEGRADED_AFTER:
        state = "down" if age > DOWN_AFTER else "degraded"
    late = age.total_seconds() if age else 0
    return SchedulerStatus(
        state=state,
        reason="" if state == "ok" else f"The oldest due schedule waits {late:.0f} seconds.",
        replicas=alive,
        oldest_due_age=age,
        workload=measured,
    )
