"""Sends what is due: claims it, makes one attempt outside any transaction, writes what came of it."""

import asyncio
import random
import time

import structlog

from libs import metrics, problems
from libs.db.database import Database
from services.notifier.actions.enlisting import enlisted
from services.notifier.actions.posting import Posting
from services.notifier.actions.target_news import TargetNews
from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import Claim, Waiting
from services.notifier.domain.folding import folded
from services.notifier.domain.links import Links
from services.notifier.domain.retry import Fate, Outcome, fate_of
from services.notifier.domain.target import Channel, Target
from services.notifier.store import Transaction, claims, deliveries, rations, targets

log = structlog.get_logger()


class Delivering:
    """Makes attempts, at least one for every message, each with the same id and bytes.

    A process that dies after the other side took a message and before that was
    written makes the next one send it again; the id tells the repeat.
    """

    def __init__(
        self, database: Database, posting: Posting, links: Links, news: TargetNews
    ) -> None:
        self._database = database
        self._news = news
        self._posting = posting
        self._links = links

    async def claim(self, *, but_failing: bool = False) -> Claim | None:
        """Gives a message that this process alone may send now; None when nothing is due.

        What waits for a target becomes one message here, as late as can be. With
        `but_failing` it is for no target that failed last.
        """
        while True:
            async with self._database.transaction() as transaction:
                leased = await claims.lease_next(transaction, but_failing=but_failing)
                if leased is None:
                    return None
                claimed = await self._due(transaction, *leased)
            if claimed:
                return claimed

    async def _due(self, transaction: Transaction, target: Target, token: str) -> Claim | None:
        if target.channel is Channel.SMS:
            await self._ration(transaction, target)
        due = await claims.due(transaction, target, token)
        if due is None:
            # It was sent, or suppressed, since the targets were looked through.
            await targets.hand_back(transaction, target, token)
        if not isinstance(due, Waiting):
            return due
        message = folded(await enlisted(transaction, due, self._links), self._links)
        frozen = self._posting.freeze(message, target)
        return await claims.freeze(transaction, target, token, due, frozen)

    async def _ration(self, transaction: Transaction, target: Target) -> None:
        """Gives up SMS that come too late, and those that the month has no room for."""
        for subject, attempts in await rations.expire(transaction, target):
            await self._news.gave_up(transaction, target, subject, attempts)
        if await rations.month_is_full(transaction, target):
            if not await rations.refused_this_month(transaction, target):
                await self._news.month_is_full(transaction, target)
            await deliveries.suppress_waiting_for(
                transaction, target.target_id, Suppression.MONTHLY_CAP
            )

    async def attempt(self, claim: Claim) -> None:
        """Makes one attempt, and writes what came of it."""
        started = time.perf_counter()
        try:
            outcome = await self._posting.send(
                claim.target,
                claim.frozen,
                message_id=claim.message_id,
                incident_id=claim.incident_id,
                created_at=claim.created_at,
            )
        except asyncio.CancelledError:
            await self.hand_back(claim)
            raise
        elapsed_ms = round((time.perf_counter() - started) * 1000)
        fate = fate_of(claim.target.channel, claim.attempts + 1, outcome, random.random())  # noqa: S311
        settled = await self._settled(claim, outcome, fate, elapsed_ms)
        metrics.DELIVERIES.labels(channel=claim.target.channel, result=outcome.verdict).inc()
        log.info(
            "delivery.attempted" if settled else "delivery.overtaken",
            message_id=claim.message_id,
            target_id=claim.target.target_id,
            channel=claim.target.channel,
            verdict=outcome.verdict,
            code=outcome.code,
            attempt=claim.attempts + 1,
            ms=elapsed_ms,
        )

    async def hand_back(self, claim: Claim) -> None:
        """Lets another process try at once."""
        async with self._database.transaction() as transaction:
            await targets.hand_back(transaction, claim.target, claim.lease_token)

    async def _settled(self, claim: Claim, outcome: Outcome, fate: Fate, elapsed_ms: int) -> bool:
        """Writes the outcome, also against a database that is away for as long as a lease.

        Whoever has the lease by then keeps it; until then every try spares the
        other side a repeat.
        """
        loop = asyncio.get_running_loop()
        patience_ends = loop.time() + claims.LEASES[claim.target.channel].total_seconds()
        while True:
            try:
                async with self._database.transaction() as transaction:
                    now = await claims.settle(transaction, claim, outcome, fate, elapsed_ms)
                    if now:
                        await self._news.after(transaction, claim, outcome, now)
                    return now is not None
            except (problems.Unavailable, problems.OutOfTime, problems.Overtaken):
                if loop.time() > patience_ends:
                    raise
                await asyncio.sleep(0.5)
