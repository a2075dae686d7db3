"""What ingestion does unasked."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from libs.clockwork import Clockwork, Job
from libs.db.outbox import Dispatcher
from services.ingestion.actions.following import ThresholdCopy
from services.ingestion.actions.giving_up import GivingUp
from services.ingestion.actions.noticing import Noticing
from services.ingestion.actions.telling import Telling
from services.ingestion.actions.tidying import Tidying

OUTBOX = "outbox"
"""Woken after each commit that has something to tell."""


REST = 19
"""How many times as long as it worked the outbox rests: in a storm it takes a twentieth of the time."""
LONGEST_REST = 2.0


class _Unhurried:
    """A job that rests after each run that did something, or failed; what wakes it meanwhile waits.

    In a storm of failures each batch has something to tell. Meanwhile it is
    only counted, and the webhooks have the machine.
    """

    def __init__(self, job: Job, wake: Callable[[], None]) -> None:
        self._job = job
        self._wake = wake
        self._rested_at = 0.0
        self._woken = False

    async def __call__(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        if began < self._rested_at:
            if not self._woken:
                self._woken = True
                loop.call_at(self._rested_at, self._wake)
            return
        self._woken = False
        did: object = True
        try:
            did = await self._job()
        finally:
            took = loop.time() - began
            if did:
                self._rested_at = loop.time() + min(REST * took, LONGEST_REST)


def start(
    works: Clockwork,
    *,
    telling: Telling,
    dispatcher: Dispatcher,
    thresholds: ThresholdCopy,
    tidying: Tidying,
    giving_up: GivingUp,
    noticing: Noticing,
) -> None:
    """Starts the jobs; they run until the clockwork stops."""
    tell = _Unhurried(telling.tell, partial(works.wake, OUTBOX))
    works.every(timedelta(seconds=0.5), tell, name=OUTBOX)
    works.every(timedelta(seconds=15), dispatcher.state, name="outbox_depth")
    works.every(timedelta(seconds=2), thresholds.refresh, name="thresholds")
    works.every(timedelta(minutes=1), giving_up.give_up_overdue, name="unfinished_runs")
    works.every(timedelta(minutes=1), noticing.tell_over, name="recording_gaps")
    works.every(timedelta(hours=1), tidying.renew_partitions, name="partitions")
    works.every(timedelta(hours=1), tidying.close_days, name="close_days")
    works.every(timedelta(hours=1), tidying.forget_expired, name="forget_expired")
