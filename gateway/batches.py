"""Gathers what arrives at the same time into few calls of ingestion; never waits to do so."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from gateway.crashes import log_crash
from libs import metrics, problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc import call

log = structlog.get_logger()

MOST_ITEMS = 500
MOST_BYTES = 1024 * 1024
MOST_CALLS = 2
"""Calls at the same time; more brought nothing."""
FEW, MANY = 16, 24
"""Beside a call with more than few items a second one leaves only when it has many itself.

Each batch costs the same, whatever is in it, and two that take turns use two
cores. What is enough for two leaves as two: otherwise all senders get their
answers, and send the next, at the same moment, and so it stays. At 64
connections 3,100 webhooks/s without halves and 3,600 with them.
"""
RETRY_AFTER = timedelta(seconds=5)

_LATER = (problems.Unavailable, problems.OutOfTime, problems.TooMany, problems.CallerLeft)
"""What is no item's fault; whether the batch was recorded is not known."""

Record = Callable[[Sequence[pb.RecordItem]], Awaitable[Sequence[pb.RecordResult]]]
"""Records a batch; gives one result for each item, or raises a problem of the batch as a whole."""

Outcome = pb.RecordResult | problems.Problem
"""What became of an item, or why that is not known or nothing did."""


Settle = Callable[[Outcome], None]
"""Is told what became of an item."""


class BacklogFull(problems.TooMany):
    """More arrives than can be recorded; send it again later."""

    reason = "BACKLOG_FULL"


class Stopping(problems.Unavailable):
    """The gateway is stopping; send it again."""

    reason = "STOPPING"


class ResultsWrong(problems.Unavailable):
    """Ingestion did not say what became of each execution; send it again."""

    reason = "RESULTS_WRONG"


@dataclass(slots=True)
class _Waiting:
    item: pb.RecordItem
    size: int
    settle: Settle
    request_id: str
    trace: str


class Batches:
    """Items on their way into ingestion.

    A batch leaves at once when none or only a small one is under way, so a lone
    item goes at once; what arrives meanwhile forms the next. An item is answered
    after its batch was committed.
    """

    def __init__(self, record: Record, *, largest_backlog: int) -> None:
        self._record = record
        self._largest_backlog = largest_backlog
        self._waiting: deque[_Waiting] = deque()
        self._calls: dict[asyncio.Task[None], Sequence[_Waiting]] = {}
        self._under_way = 0
        self._about_to_leave = False
        self._stopped = False

    def held(self) -> int:
        """Gives how many items were taken and are not answered yet."""
        return len(self._waiting) + self._under_way

    async def record(self, items: Sequence[pb.RecordItem]) -> list[pb.RecordResult]:
        """Gives the result of each item once it is committed.

        Raises `BacklogFull` or `Stopping` without taking any of them, or the
        problem of the first that failed: then the others may be recorded.
        """
        results = []
        for each in await self.record_each(items):
            if isinstance(each, problems.Problem):
                raise each
            results.append(each)
        return results

    async def record_each(self, items: Sequence[pb.RecordItem]) -> list[Outcome]:
        """Gives for each item its result once it is committed, or why it failed.

        Raises `BacklogFull` or `Stopping` without taking any of them.
        """
        self._check_room(len(items))
        ids = call.request_id.get(), call.trace.get()
        if len(items) == 1:
            return [await self._added(items[0], *ids)]
        return await asyncio.gather(*(self._added(item, *ids) for item in items))

    def submit(self, item: pb.RecordItem, settle: Settle, *, request_id: str, trace: str) -> None:
        """Takes one item of a request; tells later, once it is committed, what became of it.

        Raises `BacklogFull` or `Stopping` without taking it.
        """
        self._check_room(1)
        self._add(item, settle, request_id, trace)

    async def stop(self) -> None:
        """Takes nothing more, and fails what was not answered yet."""
        self._stopped = True
        self._fail_all_waiting(Stopping(retry_after=RETRY_AFTER))
        calls = dict(self._calls)
        for each in calls:
            each.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        for batch in calls.values():
            self._fail(batch, Stopping(retry_after=RETRY_AFTER))

    def _check_room(self, items: int) -> None:
        if self._stopped:
            raise Stopping(retry_after=RETRY_AFTER)
        if len(self._waiting) + self._under_way + items > self._largest_backlog:
            raise BacklogFull(retry_after=RETRY_AFTER)

    def _added(self, item: pb.RecordItem, request_id: str, trace: str) -> "asyncio.Future[Outcome]":
        outcome = asyncio.get_running_loop().create_future()

        def settle(found: Outcome) -> None:
            if not outcome.done():  # its waiter may have left
                outcome.set_result(found)

        self._add(item, settle, request_id, trace)
        return outcome

    def _add(self, item: pb.RecordItem, settle: Settle, request_id: str, trace: str) -> None:
        self._waiting.append(_Waiting(item, item.ByteSize(), settle, request_id, trace))
        if not self._about_to_leave:
            # After this turn of the loop: what arrived in the same turn leaves together.
            self._about_to_leave = True
            asyncio.get_running_loop().call_soon(self._leave)

    def _leave(self) -> None:
        self._about_to_leave = False
        while self._waiting and self._may_leave():
            batch = self._next_batch()
            task = asyncio.create_task(self._send(batch))
            self._calls[task] = batch
            self._under_way += len(batch)
            task.add_done_callback(self._returned)

    def _may_leave(self) -> bool:
        if len(self._calls) == MOST_CALLS:
            return False
        small = all(len(batch) <= FEW for batch in self._calls.values())
        return small or len(self._waiting) >= MANY

    def _returned(self, task: asyncio.Task[None]) -> None:
        self._under_way -= len(self._calls.pop(task))
        self._leave()

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size, most = 0, self._most()
        while self._waiting and len(batch) < most:
            size += self._waiting[0].size
            if batch and size > MOST_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _most(self) -> int:
        waiting = len(self._waiting)
        halves = not self._calls and waiting >= 2 * MANY
        return min(MOST_ITEMS, (waiting + 1) // 2) if halves else MOST_ITEMS

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        # One line, in ingestion's log, for many webhooks: it has the first one's ids.
        call.request_id.set(batch[0].request_id)
        call.trace.set(batch[0].trace)
        started = time.perf_counter()
        try:
            results = await self._recorded(batch)
        except problems.Problem as problem:
            _log(log.info, "door.batch_failed", batch, started, reason=problem.reason)
            await self._recover(batch, problem)
            return
        _log(log.debug, "door.batch_recorded", batch, started)
        for each, result in zip(batch, results, strict=True):
            _settle(each, result)

    async def _recorded(self, batch: Sequence[_Waiting]) -> Sequence[pb.RecordResult]:
        try:
            results = await self._record([each.item for each in batch])
        except problems.Problem:
            raise
        except Exception as error:
            log_crash("door.batch_crashed", error)
            raise problems.Broken from error
        if len(results) != len(batch):
            raise ResultsWrong(retry_after=RETRY_AFTER)
        return results

    async def _recover(self, batch: Sequence[_Waiting], problem: problems.Problem) -> None:
        if isinstance(problem, _LATER):
            # Those who wait would only wait in vain: their senders try again later.
            self._fail(batch, problem)
            self._fail_all_waiting(problem)
        elif len(batch) == 1:
            self._fail(batch, problem)
        else:
            # Nothing was recorded. One item is to blame, and must not hurt the others.
            middle = len(batch) // 2
            await self._send(batch[:middle])
            await self._send(batch[middle:])

    def _fail_all_waiting(self, problem: problems.Problem) -> None:
        self._fail(self._waiting, problem)
        self._waiting.clear()

    def _fail(self, batch: Iterable[_Waiting], problem: problems.Problem) -> None:
        for each in batch:
            _settle(each, problem)


def _settle(waiting: _Waiting, outcome: Outcome) -> None:
    try:
        waiting.settle(outcome)
    except Exception as error:  # noqa: BLE001  the others must be told all the same
        log_crash("door.answer_crashed", error)


def _log(
    write: Callable[..., Any], event: str, batch: Sequence[_Waiting], started: float, **more: str
) -> None:
    seconds = time.perf_counter() - started
    metrics.DOOR_BATCH_SECONDS.observe(seconds)
    ids = {"request_id": batch[0].request_id, **call.traced()}
    write(event, items=len(batch), ms=round(seconds * 1000, 1), **ids, **more)


@asynccontextmanager
async def batching(record: Record, *, largest_backlog: int) -> AsyncIterator[Batches]:
    """Gathers until the block ends."""
    batches = Batches(record, largest_backlog=largest_backlog)
    try:
        yield batches
    finally:
        await batches.stop()
