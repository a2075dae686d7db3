"""The workflows of each location: what was last seen of them, and how they stand."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db import arrays
from libs.db.exchange import Question, exchange
from services.ingestion.domain.execution import Status, WorkflowKey
from services.ingestion.domain.threshold import Standing
from services.ingestion.domain.workflow import Sighting, Workflow, WorkflowNotFound
from services.ingestion.store.tables import WorkflowRow

# Late news never replace newer ones; at the same moment the later delivery wins.
SEE = """
    INSERT INTO workflows AS known (
        location_id, workflow_id, name, named_at,
        last_execution_at, last_status, untold_failures, first_seen_at
    )
    SELECT seen.*, clock_now()
    FROM unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[]),
        CAST($4 AS timestamptz[]), CAST($5 AS timestamptz[]), CAST($6 AS text[]),
        CAST($7 AS int[])
    ) AS seen (
        location_id, workflow_id, name, named_at, last_execution_at, last_status, untold_failures
    )
    ON CONFLICT ON CONSTRAINT workflows_pkey DO UPDATE SET
        name = CASE
            WHEN excluded.named_at >= coalesce(known.named_at, '-infinity') THEN excluded.name
            ELSE known.name
        END,
        named_at = greatest(known.named_at, excluded.named_at),
        last_status = CASE
            WHEN excluded.last_execution_at >= coalesce(known.last_execution_at, '-infinity')
            THEN excluded.last_status
            ELSE known.last_status
        END,
        last_execution_at = greatest(known.last_execution_at, excluded.last_execution_at),
        untold_failures = known.untold_failures + excluded.untold_failures
    RETURNING location_id, workflow_id, name, failing, recovery_due, untold_failures, finish_due
"""
"""Adds what a batch says of workflows, and locks them until the transaction ends."""

# Who failed must be known to fail, and nobody else may wait for a success or an end.
SEE_QUIETLY = f"""
    WITH stands AS ({SEE})
    SELECT guessed_wrong() FROM stands
    WHERE finish_due OR (recovery_due AND NOT failing)
        OR recovery_due <> ((location_id, workflow_id) IN (
            SELECT * FROM unnest(CAST($8 AS text[]), CAST($9 AS text[]))
        ))
"""  # noqa: S608  no value is in the text
"""Does the same, and refuses it when a batch changes how a workflow stands."""

COUNTED = """
    SELECT location_id, workflow_id, name, failing, recovery_due, untold_failures, finish_due
    FROM workflows WHERE failing AND untold_failures > 0
    ORDER BY location_id, workflow_id LIMIT 500 FOR UPDATE
"""
"""Locks workflows that fail, with failures that were only counted."""

SET_STANDINGS = """
    UPDATE workflows AS known SET
        failing = stands.failing,
        recovery_due = stands.recovery_due,
        untold_failures = stands.untold_failures,
        finish_due = stands.finish_due
    FROM unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS boolean[]), CAST($4 AS boolean[]),
        CAST($5 AS int[]), CAST($6 AS boolean[])
    ) AS stands (location_id, workflow_id, failing, recovery_due, untold_failures, finish_due)
    WHERE known.location_id = stands.location_id AND known.workflow_id = stands.workflow_id
"""

# Who is failing was told of, with these runs among the failures.
OWE_FINISH = text("""
    UPDATE workflows AS known SET finish_due = true
    FROM unnest(CAST(:location_ids AS text[]), CAST(:workflow_ids AS text[]))
        AS given (location_id, workflow_id)
    WHERE known.location_id = given.location_id AND known.workflow_id = given.workflow_id
        AND NOT failing
    RETURNING known.location_id, known.workflow_id, name
""")
KNOW = text("""
    INSERT INTO workflows (location_id, workflow_id, name, first_seen_at)
    SELECT given.*, clock_now() FROM unnest(
        CAST(:location_ids AS text[]), CAST(:workflow_ids AS text[]), CAST(:names AS text[])
    ) AS given (location_id, workflow_id, name)
    WHERE NOT EXISTS (
        SELECT FROM workflows AS known
        WHERE known.location_id = given.location_id AND known.workflow_id = given.workflow_id
    )
    ON CONFLICT ON CONSTRAINT workflows_pkey DO NOTHING
""")


def seeing(sightings: Sequence[Sighting]) -> Question:
    """Gives the statement that adds what a batch says, and whose answer is how they stand."""
    return Question(SEE, (*_columns(sightings), arrays.numbers(0 for _ in sightings)))


def seeing_quietly(sightings: Sequence[Sighting]) -> Question:
    """Gives the same for a batch that changes nothing but counts; PostgreSQL refuses a wrong guess."""
    failed = [each.workflow for each in sightings if each.failures]
    return Question(
        SEE_QUIETLY,
        (
            *_columns(sightings),
            arrays.numbers(each.failures for each in sightings),
            arrays.texts([each.location_id for each in failed]),
            arrays.texts([each.workflow_id for each in failed]),
        ),
    )


def _columns(sightings: Sequence[Sighting]) -> tuple[str, ...]:
    return (
        arrays.texts([each.workflow.location_id for each in sightings]),
        arrays.texts([each.workflow.workflow_id for each in sightings]),
        arrays.texts([each.name for each in sightings]),
        arrays.moments([each.named_at for each in sightings]),
        arrays.moments([each.last_execution_at for each in sightings]),
        arrays.texts([each.last_status for each in sightings]),
    )


async def lock_all(session: AsyncSession) -> None:
    """Waits for the batches that are being recorded, and keeps others out for a moment.

    Raises `OutOfTime` when one of them takes a second; the next try may do better.
    """
    # All recording waits behind a lock that waits, also for one batch that is stuck.
    await session.execute(text("SET LOCAL lock_timeout = '1s'"))
    await session.execute(text("LOCK TABLE workflows IN SHARE ROW EXCLUSIVE MODE"))


async def set_standings(session: AsyncSession, standings: Mapping[WorkflowKey, Standing]) -> None:
    """Notes how workflows stand now; they must be locked."""
    await exchange(session, standings_set(standings))


def standings_set(standings: Mapping[WorkflowKey, Standing]) -> list[Question]:
    """Gives the statement that notes how workflows stand now; none for none."""
    if not standings:
        return []
    given = (
        arrays.texts([each.location_id for each in standings]),
        arrays.texts([each.workflow_id for each in standings]),
        arrays.flags([each.failing for each in standings.values()]),
        arrays.flags([each.recovery_due for each in standings.values()]),
        arrays.numbers([each.untold_failures for each in standings.values()]),
        arrays.flags([each.finish_due for each in standings.values()]),
    )
    return [Question(SET_STANDINGS, given)]


async def owe_finish(
    session: AsyncSession, wanted: Sequence[WorkflowKey]
) -> dict[WorkflowKey, str]:
    """Notes of workflows that are not failing that runs of them never finished; gives their names.

    They must be locked.
    """
    rows = await session.execute(OWE_FINISH, _named(wanted))
    return {WorkflowKey(*row[:2]): row[2] for row in rows}


async def know(session: AsyncSession, wanted: Mapping[WorkflowKey, str]) -> None:
    """Makes workflows known that are not, by their names; they must be sorted."""
    given = {**_named(list(wanted)), "names": list(wanted.values())}
    await session.execute(KNOW, given)


async def set_run_limit(session: AsyncSession, key: WorkflowKey, hours: int | None) -> bool:
    """Sets how many hours a run may take; None is as long as elsewhere. Says whether it is known."""
    statement = (
        update(WorkflowRow)
        .where(
            col(WorkflowRow.location_id) == key.location_id,
            col(WorkflowRow.workflow_id) == key.workflow_id,
        )
        .values(run_limit_hours=hours)
        .returning(col(WorkflowRow.workflow_id))
    )
    return (await session.execute(statement)).first() is not None


async def get(session: AsyncSession, key: WorkflowKey) -> Workflow:
    """Gives a workflow; `WorkflowNotFound` when nobody has heard of it."""
    row = await session.get(WorkflowRow, key)
    if row is None:
        raise WorkflowNotFound(workflow_id=key.workflow_id, location_id=key.location_id)
    return _workflow(row)


async def listed(
    session: AsyncSession, location_id: str, *, limit: int, after: str
) -> list[Workflow]:
    """Lists workflows of a location by id."""
    query = (
        select(WorkflowRow)
        .where(col(WorkflowRow.location_id) == location_id, col(WorkflowRow.workflow_id) > after)
        .order_by(col(WorkflowRow.workflow_id))
        .limit(limit)
    )
    return [_workflow(row) for row in await session.scalars(query)]


def _named(wanted: Sequence[WorkflowKey]) -> dict[str, object]:
    return {
        "location_ids": [each.location_id for each in wanted],
        "workflow_ids": [each.workflow_id for each in wanted],
    }


def _workflow(row: WorkflowRow) -> Workflow:
    return Workflow(
        location_id=row.location_id,
        workflow_id=row.workflow_id,
        name=row.name,
        first_seen_at=row.first_seen_at,
        last_execution_at=row.last_execution_at,
        last_status=Status(row.last_status) if row.last_status else None,
        failing=row.failing,
        run_limit_hours=row.run_limit_hours,
    )
