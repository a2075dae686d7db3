"""Writes what attempts came to: all that ended meanwhile, in one transaction."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog

from libs import problems
from libs.db.database import Database
from services.notifier.actions.target_news import TargetNews
from services.notifier.domain.delivery import Attempt
from services.notifier.store import claims, settling

log = structlog.get_logger()

RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Ended:
    attempt: Attempt
    patience_ends: float
    """By the loop's clock."""

    settled: "asyncio.Future[bool]"


class Settling:
    """Attempts that end while a transaction is under way share the next one.

    Also against a database that is away, for as long as a lease. Whoever has the
    lease by then keeps it; until then every try spares the other side a repeat.
    """

    def __init__(self, database: Database, news: TargetNews) -> None:
        self._database = database
        self._news = news
        self._ended: list[_Ended] = []
        self._writing: asyncio.Task[None] | None = None

    async def settle(self, attempt: Attempt) -> bool:
        """Writes an attempt; False when its lease was lost before."""
        loop = asyncio.get_running_loop()
        lease = claims.LEASES[attempt.claim.target.channel]
        ended = _Ended(attempt, loop.time() + lease.total_seconds(), loop.create_future())
        self._ended.append(ended)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await ended.settled

    async def stop(self) -> None:
        """Leaves what could not be written yet to whoever claims it next."""
        if self._writing:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while self._ended:
                batch, self._ended = self._ended, []
                await self._written(batch)
        finally:
            self._writing = None

    async def _written(self, batch: Sequence[_Ended]) -> None:
        """Writes attempts that ended, or keeps them for the next time."""
        try:
            settled = await self._settled([each.attempt for each in batch])
        except (problems.Unavailable, problems.OutOfTime, problems.Overtaken) as problem:
            await asyncio.sleep(RETRY_SECONDS)
            self._keep(batch, problem)
        except Exception as error:
            if len(batch) == 1:
                _tell(batch[0], error)
                return
            # One that cannot be written must not keep the others from it.
            log.exception("deliveries.unsettled", number=len(batch))
            for each in batch:
                await self._written([each])
        else:
            for each in batch:
                _tell(each, each.attempt.claim.lease in settled)

    async def _settled(self, attempts: Sequence[Attempt]) -> Collection[settling.Lease]:
        """Gives the leases that were still ours."""
        async with self._database.transaction() as transaction:
            fates = await settling.settle(transaction, attempts)
            for each in attempts:
                if fate := fates.get(each.claim.lease):
                    await self._news.after(transaction, each.claim, each.outcome, fate)
        return fates.keys()

    def _keep(self, batch: Sequence[_Ended], problem: Exception) -> None:
        now = asyncio.get_running_loop().time()
        for each in batch:
            if now > each.patience_ends:
                _tell(each, problem)
        self._ended = [*(each for each in batch if not each.settled.done()), *self._ended]


def _tell(ended: _Ended, result: bool | Exception) -> None:
    if ended.settled.done():
        return  # nobody waits for it any more
    if isinstance(result, Exception):
        ended.settled.set_exception(result)
    else:
        ended.settled.set_result(result)
