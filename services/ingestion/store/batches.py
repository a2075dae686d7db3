"""Enters a batch into the log and counts what it means, all in one round trip."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import outbox
from libs.db.database import driver_connection
from libs.db.outbox import OutboxEvent
from services.ingestion.domain.execution import Execution, Order, WorkflowKey
from services.ingestion.domain.open_run import RunKey
from services.ingestion.domain.threshold import Evidence, Standing, Tally, Threshold
from services.ingestion.domain.workflow import Sighted, Sighting
from services.ingestion.store import (
    arrays,
    arrivals,
    executions,
    open_runs,
    rollups,
    thresholds,
    workflows,
)

Rows = Sequence[tuple[Any, ...]]


@dataclass(slots=True)
class Entered:
    """What the log says, now that a batch is in it."""

    sighted: dict[WorkflowKey, Sighted]
    tallies: dict[WorkflowKey, Tally] = field(default_factory=dict)
    """Of the workflows that failed in the batch."""
    evidence: dict[WorkflowKey, list[Evidence]] = field(default_factory=dict)
    """The newest failures, newest first, at most 5, of those at or over their threshold."""


async def enter(
    session: AsyncSession,
    batch: Sequence[Execution],
    sightings: Sequence[Sighting],
    *,
    failed: Collection[WorkflowKey],
    at: datetime,
) -> Entered:
    """Adds executions to the log and to its roll-ups, closes their runs, and counts.

    Locks their workflows. The sightings must be sorted: two batches lock workflows in the same order.
    The lock comes before the counts and in a statement of its own, so that of
    batches at the same moment one sees the failures of all: a lock and a count
    in one statement count what the transaction before had not committed yet.
    """
    connection = await driver_connection(session)
    written = executions.columns(batch)
    ended = {RunKey(*run.workflow, run.run_id) for run in batch if run.run_id}
    async with connection.pipeline():
        await open_runs.close(session, ended)
        await connection.execute(executions.ADD, tuple(written.values()), prepare=True)
        await connection.execute(arrivals.ADD, [written["executed_at"]], prepare=True)
        seen = await _asked(connection, workflows.SEE, workflows.columns(sightings))
        await rollups.add(
            connection, [written[name] for name in rollups.LOOKED_AT], late=_is_late(batch, at)
        )
        counted = await _asked(connection, thresholds.JUDGE, _named(failed)) if failed else None
        entered = Entered(_sighted(await seen.fetchall()))
        if counted is not None:
            _note_tallies(entered, await counted.fetchall())
    return entered


async def last_failures(
    session: AsyncSession, wanted: Collection[WorkflowKey]
) -> dict[WorkflowKey, Order]:
    """Gives the newest failure that counts of each workflow that has one."""
    connection = await driver_connection(session)
    found = await _asked(connection, thresholds.LAST_FAILURES, _named(wanted))
    return {WorkflowKey(*row[:2]): (row[2], row[3]) for row in await found.fetchall()}


async def _asked(
    connection: psycopg.AsyncConnection[Any], statement: str, given: Sequence[object]
) -> psycopg.AsyncCursor[tuple[Any, ...]]:
    cursor = connection.cursor(row_factory=tuple_row)
    return await cursor.execute(statement, given, prepare=True)


def _named(wanted: Collection[WorkflowKey]) -> tuple[str, str]:
    return (
        arrays.texts([each.location_id for each in wanted]),
        arrays.texts([each.workflow_id for each in wanted]),
    )


def _sighted(rows: Rows) -> dict[WorkflowKey, Sighted]:
    found = [Sighted(WorkflowKey(*row[:2]), row[2], Standing(*row[3:])) for row in rows]
    return {each.workflow: each for each in found}


def _note_tallies(entered: Entered, rows: Rows) -> None:
    """Each row holds a count, and one of the newest failures where there are too many."""
    for row in rows:
        workflow = WorkflowKey(*row[:2])
        if workflow not in entered.tallies:
            entered.tallies[workflow] = Tally(Threshold(*row[2:5]), *row[5:8])
        if row[8] is not None:
            entered.evidence.setdefault(workflow, []).append(thresholds.evidence_of(row[8:]))


def _is_late(batch: Sequence[Execution], at: datetime) -> bool:
    """Says whether a run belongs to a day before today."""
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return any(run.executed_at < today for run in batch)


async def conclude(
    session: AsyncSession,
    standings: Mapping[WorkflowKey, Standing],
    events: Sequence[OutboxEvent],
    *,
    commit: bool,
) -> None:
    """Notes how workflows stand and what is to be told, and commits on the same way if wanted."""
    connection = await driver_connection(session)
    async with connection.pipeline():
        await workflows.set_standings(session, standings)
        await outbox.add(session, events)
        if commit:
            await connection.commit()
