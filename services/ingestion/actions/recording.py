"""Records batches: all of one in one transaction, each item with a result of its own."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from libs import metrics, problems
from libs.db import outbox
from libs.db.database import Database
from libs.ids import new_id
from libs.secrets import SecretBox
from services.ingestion.actions import judging
from services.ingestion.domain.execution import Execution, Key, Report, received
from services.ingestion.domain.quarantine import (
    LARGEST_BODY,
    QuarantinedDelivery,
    UnreadDelivery,
    redacted,
)
from services.ingestion.domain.recording import Item, Outcome, Rejection, Result
from services.ingestion.store import executions, keys, quarantine
from services.ingestion.store.now import now
from services.ingestion.store.quarantine import Sealed


@dataclass(slots=True)
class _Batch:
    """The items of a call, sorted by what becomes of them."""

    now: datetime
    results: dict[int, Result] = field(default_factory=dict)
    candidates: dict[int, tuple[Execution, Key | None]] = field(default_factory=dict)
    unread: list[Sealed] = field(default_factory=list)

    def wanted_keys(self) -> dict[Key, str]:
        """Gives the keys to claim; of equal ones in the batch the first counts."""
        wanted: dict[Key, str] = {}
        for execution, key in self.candidates.values():
            if key is not None:
                wanted.setdefault(key, execution.execution_id)
        return wanted

    def accept(self, owners: dict[Key, str]) -> list[Execution]:
        """Gives the executions to add, now that it is known whose the keys are."""
        accepted = []
        for place, (execution, key) in self.candidates.items():
            owner = owners[key] if key else execution.execution_id
            if owner == execution.execution_id:
                accepted.append(execution)
                self.results[place] = Result(Outcome.ACCEPTED, owner)
            else:
                self.results[place] = Result(Outcome.DUPLICATE, owner)
        return accepted


class Recording:
    """Takes in what happened."""

    def __init__(self, database: Database, box: SecretBox, wake_outbox: Callable[[], None]) -> None:
        self._database = database
        self._box = box
        self._wake_outbox = wake_outbox

    async def record(self, items: Sequence[Item]) -> list[Result]:
        """Records a batch; gives one result for each item, in order. Durable when it returns."""
        try:
            results = await self._record(items)
        except problems.Overtaken:
            # Another transaction won a race for a key or a workflow and is done
            # now. Nothing of ours was kept, so the same can be tried once more.
            results = await self._record(items)
        metrics.INGEST_BATCH.observe(len(items))
        for outcome, count in Counter(each.outcome for each in results).items():
            metrics.INGEST_EVENTS.labels(result=outcome.value).inc(count)
        return results

    async def _record(self, items: Sequence[Item]) -> list[Result]:
        async with self._database.transaction() as session:
            batch = self._sorted(items, await now(session))
            accepted = batch.accept(await keys.claim(session, batch.wanted_keys()))
            await quarantine.add(session, batch.unread)
            events = []
            if accepted:
                await executions.add(session, accepted)
                events = await judging.judge(session, accepted, batch.now)
                await outbox.add(session, events)
        if events:
            self._wake_outbox()
        return [batch.results[place] for place in range(len(items))]

    def _sorted(self, items: Sequence[Item], at: datetime) -> _Batch:
        batch = _Batch(at)
        for place, item in enumerate(items):
            match item:
                case Rejection():
                    batch.results[place] = Result(Outcome.REJECTED, rejection=item)
                case UnreadDelivery():
                    sealed = self._seal(item, at)
                    batch.unread.append(sealed)
                    kept_id = sealed.delivery.quarantine_id
                    batch.results[place] = Result(Outcome.QUARANTINED, kept_id)
                case Report():
                    _sort_report(batch, place, item)
        return batch

    def _seal(self, unread: UnreadDelivery, at: datetime) -> Sealed:
        delivery = QuarantinedDelivery(
            quarantine_id=new_id(),
            location_id=unread.location_id,
            workflow_id=unread.workflow_id,
            received_at=at,
            reason=unread.reason,
            detail=unread.detail,
            redacted_body=redacted(unread.body),
            body_size=len(unread.body),
            truncated=len(unread.body) > LARGEST_BODY,
        )
        return Sealed(delivery, unread.content_type, self._box.seal(unread.body[:LARGEST_BODY]))


def _sort_report(batch: _Batch, place: int, report: Report) -> None:
    try:
        execution = received(report, execution_id=new_id(), now=batch.now)
    except problems.InvalidRequest as problem:
        batch.results[place] = Result(Outcome.REJECTED, rejection=Rejection.of(problem))
    else:
        batch.candidates[place] = (execution, report.key)
