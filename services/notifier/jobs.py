"""What the notifier does unasked: sends what is due, forgets what is old."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog

from libs.clockwork import Clockwork
from libs.db.retention import Forgetting
from services.notifier.actions.catching import Catching
from services.notifier.actions.delivering import Delivering
from services.notifier.actions.failing_over import FailingOver
from services.notifier.actions.redacting import Redacting
from services.notifier.actions.reminding import Reminding
from services.notifier.actions.spreading import Spreading
from services.notifier.actions.watching import Watching
from services.notifier.domain.delivery import Claim
from services.notifier.domain.slots import LINGERS_AFTER, Room, room

log = structlog.get_logger()

DELIVER, TRIM = "notifier.deliver", "notifier.trim_caught_mail"
FORGET, REMIND = "notifier.forget", "notifier.remind"
SPREAD, REDACT = "notifier.spread", "notifier.redact"
FAIL_OVER, WATCH, AUDIT = "notifier.fail_over", "notifier.watch", "notifier.audit"
POLL = timedelta(seconds=1)
TRIM_EVERY = timedelta(minutes=1)
FORGET_EVERY = timedelta(hours=1)
REDACT_EVERY = timedelta(minutes=1)
REMIND_EVERY = timedelta(seconds=1)
SPREAD_EVERY = timedelta(seconds=2)
FAIL_OVER_EVERY = timedelta(seconds=2)
WATCH_EVERY = timedelta(seconds=5)
AUDIT_EVERY = timedelta(minutes=1)
GRACE_SECONDS = 5.0


class DeliveryLoop:
    """Makes attempts side by side, each for another target, until it is told to stop."""

    def __init__(self, delivering: Delivering, works: Clockwork) -> None:
        self._delivering = delivering
        self._works = works
        self._quick: set[asyncio.Task[None]] = set()
        self._lingering: set[asyncio.Task[None]] = set()
        self._unproven: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start_attempts(self) -> None:
        """Starts an attempt for everything that is due, as far as there are free slots."""
        while not self._stopping and (wanted := self._room()).most:
            claims = await self._delivering.claim(wanted.most, proven_only=wanted.proven_only)
            if self._stopping:
                await self._delivering.hand_back(claims)
                return
            for claim in claims:
                self._start(claim)
            if len(claims) < wanted.most:
                return

    async def stop(self) -> None:
        """Lets attempts end, and cancels those that do not within the grace."""
        self._stopping = True
        if attempts := self._quick | self._lingering:
            _, late = await asyncio.wait(attempts, timeout=GRACE_SECONDS)
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._delivering.stop()

    def _room(self) -> Room:
        return room(
            quick=len(self._quick), lingering=len(self._lingering), unproven=len(self._unproven)
        )

    def _start(self, claim: Claim) -> None:
        attempt = asyncio.create_task(self._attempt(claim))
        self._quick.add(attempt)
        if not claim.target.health.proven:
            self._unproven.add(attempt)
        seconds = LINGERS_AFTER.total_seconds()
        lingers = asyncio.get_running_loop().call_later(seconds, self._linger, attempt)
        attempt.add_done_callback(partial(self._ended, lingers))

    async def _attempt(self, claim: Claim) -> None:
        try:
            await self._delivering.attempt(claim)
        except Exception:
            # The lease will end, and whoever claims next tries again.
            log.exception("delivery.unsettled", message_id=claim.message_id)

    def _linger(self, attempt: asyncio.Task[None]) -> None:
        self._quick.discard(attempt)
        self._lingering.add(attempt)
        self._works.wake(DELIVER)

    def _ended(self, lingers: asyncio.TimerHandle, attempt: asyncio.Task[None]) -> None:
        lingers.cancel()
        for each in (self._quick, self._lingering, self._unproven):
            each.discard(attempt)
        self._works.wake(DELIVER)  # now that its slot is free


@asynccontextmanager
async def delivering(works: Clockwork, delivering: Delivering) -> AsyncIterator[None]:
    """Sends what is due until the block ends."""
    loop = DeliveryLoop(delivering, works)
    works.every(POLL, loop.start_attempts, name=DELIVER)
    try:
        yield
    finally:
        await loop.stop()


def trim_caught_mail(works: Clockwork, catching: Catching) -> None:
    """Keeps the mailbox of caught mails short."""
    works.every(TRIM_EVERY, catching.trim, name=TRIM)


def forget(works: Clockwork, forgetting: Forgetting) -> None:
    """Deletes what is older than it is kept."""
    works.every(FORGET_EVERY, forgetting.forget, name=FORGET)


def redact(works: Clockwork, redacting: Redacting) -> None:
    """Forgets contacts."""
    works.every(REDACT_EVERY, redacting.redact, name=REDACT)


def spread(works: Clockwork, spreading: Spreading) -> None:
    """Tells the installation of errors that many locations have."""
    works.every(SPREAD_EVERY, spreading.look, name=SPREAD)


def remind(works: Clockwork, reminding: Reminding) -> None:
    """Tells again of what nobody looks after."""

    async def once() -> None:
        if await reminding.remind():
            works.wake(DELIVER)

    works.every(REMIND_EVERY, once, name=REMIND)


def fail_over(works: Clockwork, failing_over: FailingOver) -> None:
    """Tells fallbacks what their targets do not take."""

    async def once() -> None:
        if await failing_over.fail_over():
            works.wake(DELIVER)

    works.every(FAIL_OVER_EVERY, once, name=FAIL_OVER)


def watch(works: Clockwork, watching: Watching) -> None:
    """Shows what is late, and finds whom nobody told."""

    async def audit() -> None:
        if await watching.audit():
            works.wake(DELIVER)

    works.every(WATCH_EVERY, watching.watch, name=WATCH)
    works.every(AUDIT_EVERY, audit, name=AUDIT)
