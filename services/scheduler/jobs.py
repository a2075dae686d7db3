"""What the scheduler does unasked."""

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

from libs.clockwork import Clockwork
from libs.db.outbox import Dispatcher
from libs.db.retention import Forgetting
from services.scheduler.actions.alarming import Alarming
from services.scheduler.actions.execution import Execution
from services.scheduler.actions.firing import Firing
from services.scheduler.actions.schedules import Schedules
from services.scheduler.actions.status import Status
from services.scheduler.domain.timing import Frequency, Timing, next_fire

EXECUTE = "execute"
"""Woken when a scan is queued, here or in another process, and when one ends."""
OUTBOX = "outbox"
"""Woken after each commit that has something to tell."""


class WallClockTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires like a schedule, by the same calculus; APScheduler's own would not at clock changes."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Gives the first time after the last one; that it was long ago makes it fire at once."""
        return next_fire(self._timing, previous or now)


EVERY_NIGHT = WallClockTrigger(
    Timing(frequency=Frequency.DAILY, preferred_time="03:17", timezone="UTC")
)


def start(
    works: Clockwork,
    *,
    schedules: Schedules,
    firing: Firing,
    execution: Execution,
    status: Status,
    alarming: Alarming,
    forgetting: Forgetting,
    dispatcher: Dispatcher,
) -> None:
    """Starts the jobs; they run until the clockwork stops."""

    async def beat() -> None:
        await status.beat(firing.last_tick_at)

    works.every(timedelta(seconds=1), firing.tick, name="fire")
    works.every(timedelta(seconds=1), execution.tick, name=EXECUTE)
    works.every(timedelta(seconds=20), execution.renew, name="renew_leases")
    works.every(timedelta(seconds=5), beat, name="heartbeat")
    works.every(timedelta(seconds=30), alarming.tick, name="overdue")
    works.on(EVERY_NIGHT, forgetting.forget, name="forget")
    works.every(timedelta(minutes=5), schedules.reconcile, name="reconcile")
    works.every(timedelta(seconds=0.5), dispatcher.dispatch, name=OUTBOX)
    works.every(timedelta(seconds=15), dispatcher.state, name="outbox_depth")
