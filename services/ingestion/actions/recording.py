"""Records batches: all of one in one transaction, each item with a result of its own."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from libs import metrics, problems
from libs.db.database import Database
from libs.ids import new_id
from libs.secrets import SecretBox
from services.ingestion.actions import judging
from services.ingestion.actions.standings import RememberedStandings
from services.ingestion.domain.contact import ContactRefs
from services.ingestion.domain.execution import (
    Execution,
    Key,
    Report,
    WorkflowKey,
    received,
)
from services.ingestion.domain.open_run import OpenRun, Start
from services.ingestion.domain.quarantine import (
    LARGEST_BODY,
    QuarantinedDelivery,
    UnreadDelivery,
    redacted,
)
from services.ingestion.domain.recording import Item, Outcome, Rejection, Result
from services.ingestion.store import Session, Transaction, keys, open_runs, quarantine, workflows
from services.ingestion.store.batches import Guess, GuessedWrong
from services.ingestion.store.now import GuessedClock, now
from services.ingestion.store.quarantine import Sealed

_TAKEN_IN = {each: metrics.INGEST_EVENTS.labels(result=each.value) for each in Outcome}
Also = Callable[[Session, Sequence[Result]], Awaitable[None]]
"""What else belongs into the transaction of a batch; when it raises, nothing is kept."""


@dataclass(slots=True)
class _Batch:
    """The items of a call, sorted by what becomes of them."""

    now: datetime
    results: dict[int, Result] = field(default_factory=dict)
    candidates: dict[int, tuple[Execution, Key | None]] = field(default_factory=dict)
    unread: list[Sealed] = field(default_factory=list)
    starts: dict[int, OpenRun] = field(default_factory=dict)
    accepted: list[Execution] = field(default_factory=list)
    told: bool = False
    """Whether it means something for the notifier."""

    def wanted_keys(self) -> dict[Key, str]:
        """Gives the keys to claim; of equal ones in the batch the first counts."""
        wanted: dict[Key, str] = {}
        for run, key in self.candidates.values():
            if key is not None:
                wanted.setdefault(key, run.execution_id)
        return wanted

    def accept(self, owners: dict[Key, str]) -> None:
        """Knows the executions to add, now that it is known whose the keys are."""
        for place, (execution, key) in self.candidates.items():
            owner = owners[key] if key else execution.execution_id
            if owner == execution.execution_id:
                self.accepted.append(execution)
                self.results[place] = Result(Outcome.ACCEPTED, owner)
            else:
                self.results[place] = Result(Outcome.DUPLICATE, owner)

    def in_order(self) -> list[Result]:
        """Gives what became of each item."""
        return [self.results[place] for place in range(len(self.results))]


class Recording:
    """Takes in what happened."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        contacts: ContactRefs,
        wake_outbox: Callable[[], None],
    ) -> None:
        self._database = database
        self._box = box
        self._contacts = contacts
        self._wake_outbox = wake_outbox
        self._clock = GuessedClock()
        self._standings = RememberedStandings()

    async def record(self, items: Sequence[Item], also: Also | None = None) -> list[Result]:
        """Records a batch; gives one result for each item, in order. Durable when it returns."""
        try:
            results = await self._record(items, also)
        except problems.Overtaken:
            # Another transaction won a race for a key or a workflow and is done
            # now. Nothing of ours was kept, so the same can be tried once more.
            results = await self._record(items, also)
        metrics.INGEST_BATCH.observe(len(items))
        for outcome, count in Counter(each.outcome for each in results).items():
            _TAKEN_IN[outcome].inc(count)
        return results

    async def _record(self, items: Sequence[Item], also: Also | None) -> list[Result]:
        if also is None and all(isinstance(each, Report) for each in items):
            batch = await self._reports(items)
        else:
            batch = await self._with_more(items, also)
        if batch.told:
            self._wake_outbox()
        if batch.accepted:
            oldest = min(each.executed_at for each in batch.accepted)
            metrics.INGEST_LAG.observe(max(0.0, (batch.now - oldest).total_seconds()))
        if batch.starts:
            await self._know(batch.starts.values())
        return batch.in_order()

    async def _reports(self, items: Sequence[Item]) -> _Batch:
        """Records runs that ended and nothing else, as almost all batches are."""
        async with self._database.bare() as connection:
            if at := self._clock.now():
                try:
                    return await self._at_once(connection, items, at)
                except GuessedWrong:
                    await connection.rollback()
            batch = await self._accepted(connection, items)
            await self._enter(connection, batch, commit=True)
        return batch

    async def _at_once(
        self, transaction: Transaction, items: Sequence[Item], at: datetime
    ) -> _Batch:
        """Records reports without asking for the time and for taken keys first: one trip less.

        Raises `GuessedWrong`.
        """
        batch = self._sorted(items, at)
        wanted = batch.wanted_keys()
        batch.accept(wanted)
        if not batch.accepted:
            raise GuessedWrong  # nothing is entered, so nothing would tell whether the time is right
        await self._enter(transaction, batch, commit=True, guess=Guess(wanted, at))
        return batch

    async def _with_more(self, items: Sequence[Item], also: Also | None) -> _Batch:
        async with self._database.transaction() as session:
            batch = await self._accepted(session, items)
            await _open(session, batch)
            await quarantine.add(session, batch.unread)
            await self._enter(session, batch, commit=also is None)
            if also is not None:
                await also(session, batch.in_order())
        return batch

    async def _enter(
        self, transaction: Transaction, batch: _Batch, *, commit: bool, guess: Guess | None = None
    ) -> None:
        if batch.accepted:
            batch.told = await judging.enter(
                transaction,
                batch.accepted,
                batch.now,
                commit=commit,
                remembered=self._standings,
                guess=guess,
            )

    async def _know(self, starts: Iterable[OpenRun]) -> None:
        """Makes workflows known whose first run has only begun.

        After the batch: in its transaction it would lock workflows out of order.
        What fails here is done by the next start or the first end.
        """
        names: dict[WorkflowKey, str] = {}
        for each in starts:
            workflow = WorkflowKey(*each.key[:2])
            names[workflow] = each.workflow_name or names.get(workflow, "")
        with suppress(problems.Problem):
            async with self._database.transaction() as session:
                await workflows.know(session, dict(sorted(names.items())))

    async def _accepted(self, transaction: Transaction, items: Sequence[Item]) -> _Batch:
        """Knows what is to be added; the keys of those that are refused stay free."""
        at = await now(transaction)
        self._clock.note(at)
        batch = self._sorted(items, at)
        batch.accept(await keys.claim(transaction, batch.wanted_keys()))
        return batch

    def _sorted(self, items: Sequence[Item], at: datetime) -> _Batch:
        batch = _Batch(at)
        for place, item in enumerate(items):
            id_ = new_id()
            match item:
                case Report():
                    self._sort_report(batch, place, item, id_)
                case Rejection():
                    batch.results[place] = Result(Outcome.REJECTED, rejection=item)
                case UnreadDelivery():
                    sealed = self._seal(item, id_, at)
                    batch.unread.append(sealed)
                    kept_id = sealed.delivery.quarantine_id
                    batch.results[place] = Result(Outcome.QUARANTINED, kept_id)
                case Start():
                    self._sort_start(batch, place, item)
        return batch

    def _sort_report(self, batch: _Batch, place: int, report: Report, id_: str) -> None:
        ref = self._contacts.newest(report.location_id, report.contact_id)
        try:
            execution = received(report, execution_id=id_, now=batch.now, contact_ref=ref)
        except problems.InvalidRequest as problem:
            batch.results[place] = Result(Outcome.REJECTED, rejection=Rejection.of(problem))
        else:
            batch.candidates[place] = (execution, report.key)

    def _sort_start(self, batch: _Batch, place: int, start: Start) -> None:
        ref = self._contacts.newest(start.key.location_id, start.contact_id)
        try:
            batch.starts[place] = start.opened(batch.now, ref)
        except problems.InvalidRequest as problem:
            batch.results[place] = Result(Outcome.REJECTED, rejection=Rejection.of(problem))

    def _seal(self, unread: UnreadDelivery, id_: str, at: datetime) -> Sealed:
        delivery = QuarantinedDelivery(
            quarantine_id=id_,
            location_id=unread.location_id,
            workflow_id=unread.workflow_id,
            received_at=at,
            reason=unread.reason,
            detail=unread.detail,
            redacted_body=redacted(unread.body),
            body_size=len(unread.body),
            truncated=len(unread.body) > LARGEST_BODY,
        )
        body = self._box.seal(unread.body[:LARGEST_BODY])
        return Sealed(delivery, unread.content_type, unread.idempotency_key, body)


async def _open(session: Session, batch: _Batch) -> None:
    if not batch.starts:
        return
    opened = await open_runs.open_all(session, list(batch.starts.values()))
    for place, run in batch.starts.items():
        new = run.key in opened
        opened.discard(run.key)
        batch.results[place] = Result(Outcome.ACCEPTED if new else Outcome.DUPLICATE)
