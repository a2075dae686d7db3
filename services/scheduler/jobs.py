"""What the scheduler does unasked."""

from datetime import timedelta

from libs.clockwork import Clockwork
from libs.db.outbox import Dispatcher
from services.scheduler.actions.execution import Execution
from services.scheduler.actions.firing import Firing
from services.scheduler.actions.schedules import Schedules
from services.scheduler.actions.status import Status

EXECUTE = "execute"
"""Woken when a scan is queued, here or in another process, and when one ends."""
OUTBOX = "outbox"
"""Woken after each commit that has something to tell."""


def start(
    works: Clockwork,
    *,
    schedules: Schedules,
    firing: Firing,
    execution: Execution,
    status: Status,
    dispatcher: Dispatcher,
) -> None:
    """Starts the jobs; they run until the clockwork stops."""

    async def beat() -> None:
        await status.beat(firing.last_tick_at)

    works.every(timedelta(seconds=1), firing.tick, name="fire")
    works.every(timedelta(seconds=1), execution.tick, name=EXECUTE)
    works.every(timedelta(seconds=20), execution.renew, name="renew_leases")
    works.every(timedelta(seconds=5), beat, name="heartbeat")
    works.every(timedelta(minutes=5), schedules.reconcile, name="reconcile")
    works.every(timedelta(seconds=0.5), dispatcher.dispatch, name=OUTBOX)
    works.every(timedelta(seconds=15), dispatcher.state, name="outbox_depth")
