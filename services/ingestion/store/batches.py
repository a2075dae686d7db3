"""Enters a batch into the log and counts what it means, all in one round trip."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

import psycopg

from libs.db import arrays, outbox
from libs.db.exchange import Answers, Question, Rows, Transaction, exchange
from libs.db.outbox import OutboxEvent
from services.ingestion.domain.execution import Execution, Key, Order, WorkflowKey
from services.ingestion.domain.threshold import Evidence, Standing, Tally, Threshold
from services.ingestion.domain.workflow import Sighted, Sighting
from services.ingestion.store import (
    arrivals,
    executions,
    keys,
    open_runs,
    rollups,
    thresholds,
    workflows,
)
from services.ingestion.store.now import CLOCK

EARLY = timedelta(milliseconds=250)
"""A webhook may take longer to arrive."""


REFUSE_TIME = """
    SELECT guessed_wrong()
    WHERE clock_now() NOT BETWEEN CAST($1 AS timestamptz) AND CAST($2 AS timestamptz)
"""
REFUSED = "RW001"
"""What PostgreSQL calls a wrong guess."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a batch takes for granted, so that it need not ask first."""

    wanted: Mapping[Key, str]
    """The keys it claims, which all are free, for its executions."""
    at: datetime
    """The time of the database, or at most `EARLY` before."""

    def refusals(self) -> list[Question]:
        """Gives what claims the keys, and refuses what was guessed wrong."""
        late = self.at + EARLY
        time = Question(REFUSE_TIME, [self.at.isoformat(), late.isoformat()])
        return [time, *keys.claiming_all(self.wanted)]

    def questions(self) -> list[Question]:
        """Gives what claims the keys and tells whether it was right."""
        return [Question(CLOCK), *keys.claiming(self.wanted)]

    def check(self, answers: Answers) -> None:
        """Raises `GuessedWrong`."""
        early = answers[CLOCK][0][0] - self.at
        if not timedelta() <= early <= EARLY or keys.still_taken(self.wanted, answers):
            raise GuessedWrong


class GuessedWrong(Exception):
    """A key is taken or the time is another; the transaction must end without a trace."""


@dataclass(slots=True)
class Entered:
    """What the log says, now that a batch is in it."""

    sighted: dict[WorkflowKey, Sighted]
    tallies: dict[WorkflowKey, Tally] = field(default_factory=dict)
    """Of the workflows that failed in the batch."""
    evidence: dict[WorkflowKey, Evidence] = field(default_factory=dict)
    """Of those at or over their threshold."""


Counted: TypeAlias = tuple[datetime, Entered]
"""The time, and what was counted."""


async def enter(
    transaction: Transaction,
    batch: Sequence[Execution],
    sightings: Sequence[Sighting],
    *,
    failed: Collection[WorkflowKey],
    at: datetime,
    guess: Guess | None = None,
) -> Entered:
    """Adds executions to the log and to its roll-ups, closes their runs, and counts.

    Raises `GuessedWrong` after a wrong guess; without one keys must be claimed before.

    Locks their workflows. The sightings must be sorted: two batches lock workflows in the same order.
    The lock comes before the counts and in a statement of its own, so that of
    batches at the same moment one sees the failures of all: a lock and a count
    in one statement count what the transaction before had not committed yet.
    """
    arrived = arrivals.adding(at, [run.executed_at for run in batch])
    judge = [Question(thresholds.JUDGE, _named(failed))] if failed else []
    first = guess.questions() if guess else []
    answers = await exchange(
        transaction,
        [
            *first,
            arrived,
            *_closing(batch),
            *_adding(batch, workflows.seeing(sightings), at),
            *judge,
        ],
    )
    if guess:
        guess.check(answers)
    entered = Entered(_sighted(answers[workflows.SEE]))
    _note_tallies(entered, answers.get(thresholds.JUDGE, ()))
    return entered


async def enter_quietly(
    transaction: Transaction,
    batch: Sequence[Execution],
    sightings: Sequence[Sighting],
    *,
    at: datetime,
    guess: Guess,
) -> None:
    """Adds executions as `enter` does, and commits, all in one trip; failures are only counted.

    Raises `GuessedWrong` also when one of the workflows stands otherwise than is
    guessed: each that failed is known to fail, and nothing is due of any other.
    """
    arrived = arrivals.adding(at, [run.executed_at for run in batch])
    asked = [*guess.refusals(), arrived, *_closing(batch)]
    asked += _adding(batch, workflows.seeing_quietly(sightings), at)
    try:
        await exchange(transaction, asked, commit=True)
    except psycopg.Error as error:
        if error.sqlstate == REFUSED:
            raise GuessedWrong from error
        raise


async def counted(transaction: Transaction) -> Counted:
    """Locks workflows that fail with failures that were only counted, and counts all anew."""
    answers = await exchange(transaction, [Question(CLOCK), Question(workflows.COUNTED)])
    entered = Entered(_sighted(answers[workflows.COUNTED]))
    await judge(transaction, entered, entered.sighted)
    return answers[CLOCK][0][0], entered


async def judge(
    transaction: Transaction, entered: Entered, wanted: Collection[WorkflowKey]
) -> None:
    """Counts the failures of workflows that are locked."""
    if wanted:
        answers = await exchange(transaction, [Question(thresholds.JUDGE, _named(wanted))])
        _note_tallies(entered, answers[thresholds.JUDGE])


async def remember(
    transaction: Transaction,
    batch: Sequence[Execution],
    sightings: Sequence[Sighting],
    *,
    at: datetime,
    close: bool,
) -> None:
    """Adds what is history as `enter` does, and commits; nobody watches it or is told of it.

    `close` says whether a run of the location is open. One that begins a moment later
    is found to have ended when it is overdue.
    """
    closed = _closing(batch) if close else []
    seeing = workflows.seeing(sightings)
    await exchange(transaction, [*closed, *_adding(batch, seeing, at)], commit=True)


def _closing(batch: Sequence[Execution]) -> list[Question]:
    return open_runs.closing(
        {(run.location_id, run.workflow_id, run.run_id) for run in batch if run.run_id}
    )


def _adding(batch: Sequence[Execution], seeing: Question, at: datetime) -> list[Question]:
    written = executions.columns(batch)
    looked_at = [written[name] for name in rollups.LOOKED_AT]
    return [
        Question(executions.ADD, tuple(written.values())),
        seeing,
        rollups.adding(looked_at, late=_is_late(batch, at)),
    ]


async def judge_late(
    transaction: Transaction, entered: Entered, late: Mapping[WorkflowKey, datetime]
) -> None:
    """Counts again for workflows with failures that came late, given the oldest of each.

    A window that ends now may have left behind what they happened together with.
    """
    given = (*_named(late), arrays.moments(late.values()))
    answers = await exchange(transaction, [Question(thresholds.PEAK, given)])
    _note_tallies(entered, answers[thresholds.PEAK])


async def first_successes(
    transaction: Transaction, wanted: Collection[WorkflowKey]
) -> dict[WorkflowKey, datetime]:
    """Gives when each workflow first succeeded after its newest failure that counts, if it did."""
    answers = await exchange(transaction, [Question(thresholds.FIRST_SUCCESSES, _named(wanted))])
    return {WorkflowKey(*row[:2]): row[2] for row in answers[thresholds.FIRST_SUCCESSES]}


async def last_unfinished(
    transaction: Transaction, wanted: Collection[WorkflowKey]
) -> dict[WorkflowKey, Order]:
    """Gives the newest run that never finished of each workflow that has one."""
    answers = await exchange(transaction, [Question(thresholds.LAST_UNFINISHED, _named(wanted))])
    return {WorkflowKey(*row[:2]): (row[2], row[3]) for row in answers[thresholds.LAST_UNFINISHED]}


def _named(wanted: Collection[WorkflowKey]) -> tuple[str, str]:
    return (
        arrays.texts([each.location_id for each in wanted]),
        arrays.texts([each.workflow_id for each in wanted]),
    )


def _sighted(rows: Rows) -> dict[WorkflowKey, Sighted]:
    found = [Sighted(WorkflowKey(*row[:2]), row[2], Standing(*row[3:])) for row in rows]
    return {each.workflow: each for each in found}


def _note_tallies(entered: Entered, rows: Rows) -> None:
    """Each row holds a workflow's count, and what there is to say where it is too high."""
    for row in rows:
        workflow = WorkflowKey(*row[:2])
        entered.tallies[workflow] = Tally(Threshold(*row[2:5]), *row[5:8])
        if row[8] is not None:
            entered.evidence[workflow] = thresholds.evidence_of(row[8:])


def _is_late(batch: Sequence[Execution], at: datetime) -> bool:
    """Says whether a run belongs to a day before today."""
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return any(run.executed_at < today for run in batch)


async def conclude(
    transaction: Transaction,
    standings: Mapping[WorkflowKey, Standing],
    events: Sequence[OutboxEvent],
    *,
    commit: bool,
) -> None:
    """Notes how workflows stand and what is to be told, and commits on the same way if wanted."""
    noted = [*workflows.standings_set(standings), *outbox.adding(events)]
    await exchange(transaction, noted, commit=commit)
