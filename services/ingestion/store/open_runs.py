"""Keeps the runs that began, until they end or are given up."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
from libs.db.exchange import Question, exchange
from services.ingestion.domain.execution import Source
from services.ingestion.domain.open_run import OpenRun, Overdue, RunKey

# The end may have come first, on another replica or over another connection.
OPEN = text("""
    INSERT INTO open_runs (
        location_id, workflow_id, run_id, workflow_name, started_at, source, contact_ref
    )
    SELECT given.* FROM unnest(
        CAST(:location_ids AS text[]), CAST(:workflow_ids AS text[]), CAST(:run_ids AS text[]),
        CAST(:names AS text[]), CAST(:started_at AS timestamptz[]), CAST(:sources AS text[]),
        CAST(:contact_refs AS uuid[])
    ) AS given (
        location_id, workflow_id, run_id, workflow_name, started_at, source, contact_ref
    )
    WHERE NOT EXISTS (
        SELECT FROM execution_keys AS ended
        WHERE ended.location_id = given.location_id AND ended.workflow_id = given.workflow_id
            AND ended.phase = 'finished' AND ended.key = given.run_id
    )
    ON CONFLICT ON CONSTRAINT open_runs_pkey DO NOTHING
    RETURNING location_id, workflow_id, run_id
""")
CLOSE = """
    DELETE FROM open_runs USING unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[])
    ) AS given (location_id, workflow_id, run_id)
    WHERE open_runs.location_id = given.location_id
        AND open_runs.workflow_id = given.workflow_id AND open_runs.run_id = given.run_id
"""
# The first condition says nothing new, and lets the index find the few that may be.
IS_OVERDUE = """
    open.started_at <= clock_now() - make_interval(hours => least(
        :limit, (SELECT min(run_limit_hours) FROM workflows WHERE run_limit_hours IS NOT NULL)
    ))
    AND open.started_at <= clock_now() - make_interval(hours => coalesce(limits.hours, :limit))
"""
LIMITS = """
    LEFT JOIN LATERAL (
        SELECT run_limit_hours AS hours FROM workflows AS known
        WHERE known.location_id = open.location_id AND known.workflow_id = open.workflow_id
    ) AS limits ON true
"""
# Whose end came without a key, at the moment at which the run was opened.
CLOSE_ENDED = text(f"""
    DELETE FROM open_runs AS ended USING open_runs AS open {LIMITS}
    WHERE ended.location_id = open.location_id AND ended.workflow_id = open.workflow_id
        AND ended.run_id = open.run_id AND {IS_OVERDUE} AND EXISTS (
            SELECT FROM execution_logs AS run
            WHERE run.location_id = open.location_id AND run.workflow_id = open.workflow_id
                AND run.executed_at >= open.started_at - interval '1 day'
                AND run.run_id = open.run_id
        )
""")  # noqa: S608  no value is in the text
OVERDUE = text(f"""
    SELECT location_id, workflow_id, run_id, workflow_name, started_at, source,
        CAST(contact_ref AS text), coalesce(limits.hours, :limit)
    FROM open_runs AS open {LIMITS}
    WHERE {IS_OVERDUE}
    ORDER BY started_at, location_id, workflow_id, run_id LIMIT :most
""")  # noqa: S608


async def open_all(session: AsyncSession, runs: Sequence[OpenRun]) -> set[RunKey]:
    """Opens runs; gives those that were neither open nor ended."""
    in_order = sorted(runs, key=lambda run: run.key)
    rows = await session.execute(
        OPEN,
        {
            **_given([each.key for each in in_order]),
            "names": [each.workflow_name for each in in_order],
            "started_at": [each.started_at for each in in_order],
            "sources": [each.source for each in in_order],
            "contact_refs": [each.contact_ref for each in in_order],
        },
    )
    return {RunKey(*row) for row in rows}


async def close(session: AsyncSession, runs: Collection[RunKey]) -> None:
    """Closes those of the runs that are open."""
    await exchange(session, closing(runs))


def closing(runs: Collection[tuple[str, str, str]]) -> list[Question]:
    """Gives the statement that closes those of the runs that are open; none for none."""
    if not runs:
        return []
    return [Question(CLOSE, [arrays.texts(column) for column in zip(*sorted(runs), strict=True)])]


async def close_ended(session: AsyncSession, *, limit_hours: int) -> None:
    """Closes the overdue runs whose end is in the log."""
    await session.execute(CLOSE_ENDED, {"limit": limit_hours})


async def overdue(session: AsyncSession, *, limit_hours: int, most: int) -> list[Overdue]:
    """Gives runs that are open for longer than their workflow's limit, the oldest first.

    `limit_hours` holds for workflows without a limit of their own.
    """
    rows = await session.execute(OVERDUE, {"limit": limit_hours, "most": most})
    return [Overdue(_run(row[:7]), timedelta(hours=row[7])) for row in rows]


def _run(row: Sequence[Any]) -> OpenRun:
    return OpenRun(
        key=RunKey(*row[:3]),
        workflow_name=row[3],
        started_at=row[4],
        source=Source(row[5]),
        contact_ref=row[6],
    )


def _given(keys: Sequence[RunKey]) -> dict[str, object]:
    return {
        "location_ids": [each.location_id for each in keys],
        "workflow_ids": [each.workflow_id for each in keys],
        "run_ids": [each.run_id for each in keys],
    }
