"""Sends test alerts: the same way as real ones, but at once, and telling what came of it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

from libs import problems
from libs.clock import Clock
from libs.db.database import Database
from libs.ids import new_id
from services.notifier.actions.posting import Posting
from services.notifier.domain.delivery import TrialVerdict
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message, located, trial
from services.notifier.domain.retry import SPACING, Outcome, Verdict
from services.notifier.domain.scope import Scope
from services.notifier.domain.target import Target
from services.notifier.domain.text import cut
from services.notifier.store import claims, settings, settling, targets, trials

SECONDS = 15.0
LONGEST_DETAIL = 300
LEASE_POLL_SECONDS = 0.1


class NoTargets(problems.WrongState):
    """There is nowhere to send to; set alert_email or webhook_url first."""

    reason = "NO_TARGETS"


class TooManyTests(problems.TooMany):
    """A location sends at most 5 test alerts a minute."""

    reason = "RATE_LIMITED"


class Trying:
    """Tries the targets of a location, or of the installation, out."""

    def __init__(self, database: Database, posting: Posting, links: Links, clock: Clock) -> None:
        self._database = database
        self._posting = posting
        self._links = links
        self._clock = clock

    async def try_out(self, location_id: str, target_id: str = "") -> Sequence[TrialVerdict]:
        """Sends a test to every target or to one, one attempt each.

        Leaves incidents, deliveries and the pace of the targets alone.
        """
        to, names = await self._admitted(location_id, target_id)
        message = located(trial(location_id, self._clock.now(), self._links), names)
        return await asyncio.gather(*(self._tried(each, message) for each in to))

    async def _admitted(
        self, location_id: str, target_id: str
    ) -> tuple[Sequence[Target], Mapping[str, str]]:
        async with self._database.transaction() as transaction:
            await settings.held_alone(transaction, Scope(location_id))
            if target_id:
                there: Sequence[Target] = [await targets.one(transaction, location_id, target_id)]
            else:
                there = await targets.of(transaction, [location_id])
            if not there:
                raise NoTargets(location_id=location_id)
            wait = await trials.admit(transaction, location_id)
            if wait is not None:
                raise TooManyTests(retry_after=wait)
            return there, await settings.location_names(transaction, [location_id])

    async def _tried(self, target: Target, message: Message) -> TrialVerdict:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(SECONDS):
                outcome = await self._sent_alone(target, message)
        except TimeoutError:
            outcome = Outcome(Verdict.LATER, f"No answer within {SECONDS:.0f} s")
        if outcome.verdict is Verdict.DELIVERED:
            await self._note_arrival(target)
        return TrialVerdict(
            target_id=target.target_id,
            channel=target.channel,
            sent_to=target.masked,
            delivered=outcome.verdict is Verdict.DELIVERED,
            detail=cut(outcome.detail, LONGEST_DETAIL),
            elapsed_ms=round((time.perf_counter() - started) * 1000),
        )

    async def _sent_alone(self, target: Target, message: Message) -> Outcome:
        """Sends while nobody else sends to the target."""
        token = new_id()
        while not await self._leased(target, token):  # noqa: ASYNC110  another process may hold it
            await asyncio.sleep(LEASE_POLL_SECONDS)
        try:
            return await self._posting.send(
                target,
                self._posting.freeze(message, target),
                message_id=new_id(),
                incident_id=None,
                created_at=message.occurred_at,
            )
        finally:
            async with self._database.transaction() as transaction:
                spacing = SPACING.get(target.channel, timedelta(0))
                await settling.hand_back(transaction, [target], token, spacing)

    async def _leased(self, target: Target, token: str) -> bool:
        async with self._database.transaction() as transaction:
            span = claims.LEASES[target.channel]
            return await targets.lease(transaction, target.target_id, token, span)

    async def _note_arrival(self, target: Target) -> None:
        async with self._database.transaction() as transaction:
            await targets.verify(transaction, target.target_id)
            if target.disabled and not target.disabled_by_people:
                await targets.enable(transaction, target.target_id)
