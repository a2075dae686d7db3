"""Sends what is due: claims it, makes one attempt outside any transaction, writes what came of it."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence

import structlog

from libs import metrics
from libs.db.database import Database
from libs.ids import new_id
from services.notifier.actions.enlisting import enlisted
from services.notifier.actions.posting import Posting
from services.notifier.actions.settling import Settling
from services.notifier.actions.target_news import TargetNews
from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import Attempt, Claim, Waiting
from services.notifier.domain.folding import folded
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message
from services.notifier.domain.quiet import Untold, quieted
from services.notifier.domain.retry import PAUSE, fate_of
from services.notifier.domain.target import Channel, Target
from services.notifier.store import Transaction, claims, deliveries, quiet, rations, settling

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
        self._settling = Settling(database, news)

    async def claim(self, most: int, *, proven_only: bool = False) -> Sequence[Claim]:
        """Gives messages that this process alone may send now, each for another target.

        What waits for a target becomes one message here, as late as can be. With
        `proven_only` none is for a target that failed last, or never took anything.
        Fewer than `most` are all that is due.
        """
        token = new_id()
        async with self._database.transaction() as transaction:
            leased = await claims.lease(transaction, most, token, proven_only=proven_only)
            if not leased:
                return ()
            for target in leased:
                if target.channel is Channel.SMS:
                    await self._ration(transaction, target)
            return await self._due(transaction, leased, token)

    async def _due(
        self, transaction: Transaction, leased: Sequence[Target], token: str
    ) -> Sequence[Claim]:
        due = await claims.due(transaction, leased, token)
        begun = [each for each in due.values() if isinstance(each, Claim)]
        waiting = [each for each in due.values() if isinstance(each, Waiting)]
        about = [each for one in waiting for each in one.about_incidents]
        untold = await quiet.untold(transaction, about)
        messages = await enlisted(transaction, waiting, self._links)
        rendered = [
            self._rendered(each, told, untold) for each, told in zip(waiting, messages, strict=True)
        ]
        frozen = await claims.freeze(transaction, [each for each in rendered if each], token)
        claimed = {each.target.target_id for each in (*begun, *frozen)}
        # Theirs was sent, or suppressed, since the targets were looked through.
        idle = [each for each in leased if each.target_id not in due]
        await settling.hand_back(transaction, idle, token)
        broken = [each.target for each in waiting if each.target.target_id not in claimed]
        await settling.hand_back(transaction, broken, token, PAUSE)
        return [*begun, *frozen]

    def _rendered(
        self, waiting: Waiting, messages: Sequence[Message], untold: Mapping[str, Untold]
    ) -> claims.Rendered | None:
        quiet_about = [untold.get(each) for each in waiting.delivery_ids]
        try:
            message = folded(quieted(messages, quiet_about), self._links)
            frozen = self._posting.freeze(message, waiting.target)
            counts = [each.counted if each else 0 for each in quiet_about]
            return claims.Rendered(waiting, frozen, counts)
        except Exception:
            # A mistake of ours must not keep from being sent what is due for others.
            log.exception("delivery.unrendered", target_id=waiting.target.target_id)
            return None

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
            await self.hand_back([claim])
            raise
        elapsed_ms = round((time.perf_counter() - started) * 1000)
        fate = fate_of(claim.target.channel, claim.attempts + 1, outcome, random.random())  # noqa: S311
        settled = await self._settling.settle(Attempt(claim, outcome, fate, elapsed_ms))
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

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """Lets another process try at once."""
        async with self._database.transaction() as transaction:
            for each in claims:
                await settling.hand_back(transaction, [each.target], each.lease_token)

    async def stop(self) -> None:
        """Writes nothing any more."""
        await self._settling.stop()
