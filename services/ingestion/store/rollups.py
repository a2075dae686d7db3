"""The log in numbers, by workflow and hour, and by day once a day is over.

Every run of the log is in the roll-up of its hour from the moment it is in the
log: both are written by one transaction, which holds the lock of the workflow.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db.exchange import Question
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.sketch import DIGITS, GROWTH, Times
from services.ingestion.domain.trend import RunCounts
from services.ingestion.store.forgetting import forget

KEPT = timedelta(days=400)
AT_ONCE = 500
"""Workflows whose days are closed in one transaction; a larger bite would hold up their batches."""

# A decimal number with a 1 at the place of the time's class: the sum of such
# numbers holds the count of every class, and PostgreSQL adds it up by itself.
MARK = f"""
    CASE
        WHEN execution_time_ms > 0 THEN CAST(
            '1e' || {DIGITS} * CAST(
                1 + ceil(ln(CAST(execution_time_ms AS float8)) / ln(CAST({GROWTH} AS float8)))
            AS integer) AS numeric
        )
        WHEN execution_time_ms = 0 THEN 1
    END
"""
TO_THRESHOLD = "status = 'failed' AND error_class <> 'EXPECTED'"
COUNTED = f"""
    count(*) FILTER (WHERE status = 'success') AS succeeded,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'partial') AS partial,
    count(*) FILTER (WHERE status = 'failed' AND error_class = 'EXPECTED') AS expected,
    count(execution_time_ms) AS timed,
    CAST(coalesce(sum(execution_time_ms), 0) AS bigint) AS total_time_ms,
    coalesce(sum({MARK}), 0) AS times,
    max(executed_at) AS last_execution_at,
    max(executed_at) FILTER (WHERE status = 'failed') AS last_failure_at,
    min(executed_at) FILTER (WHERE {TO_THRESHOLD}) AS first_counted_at,
    max(executed_at) FILTER (WHERE {TO_THRESHOLD}) AS last_counted_at
"""
"""The numbers of runs of the log; the columns of a roll-up, in their order."""
SUMMED = """
    CAST(coalesce(sum(succeeded), 0) AS bigint) AS succeeded,
    CAST(coalesce(sum(failed), 0) AS bigint) AS failed,
    CAST(coalesce(sum(partial), 0) AS bigint) AS partial,
    CAST(coalesce(sum(expected), 0) AS bigint) AS expected,
    CAST(coalesce(sum(timed), 0) AS bigint) AS timed,
    CAST(coalesce(sum(total_time_ms), 0) AS bigint) AS total_time_ms,
    coalesce(sum(times), 0) AS times,
    max(last_execution_at) AS last_execution_at,
    max(last_failure_at) AS last_failure_at,
    min(first_counted_at) AS first_counted_at,
    max(last_counted_at) AS last_counted_at
"""
"""The numbers of several roll-ups together."""
ADDED = ", ".join(
    [
        *(
            f"{name} = known.{name} + added.{name}"
            for name in (
                "succeeded", "failed", "partial", "expected", "timed", "total_time_ms", "times",
            )
        ),
        *(
            f"{name} = greatest(known.{name}, added.{name})"
            for name in ("last_execution_at", "last_failure_at", "last_counted_at")
        ),
        "first_counted_at = least(known.first_counted_at, added.first_counted_at)",
    ]
)  # fmt: skip
LOOKED_AT = (
    "location_id",
    "workflow_id",
    "executed_at",
    "status",
    "error_class",
    "execution_time_ms",
)
"""What of a run its roll-up is made of."""
RUNS = f"""
    unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS timestamptz[]),
        CAST($4 AS text[]), CAST($5 AS text[]), CAST($6 AS bigint[])
    ) AS run ({", ".join(LOOKED_AT)})
"""
ADD_HOURS = f"""
    INSERT INTO hourly_rollups AS known
    SELECT location_id, workflow_id, date_trunc('hour', executed_at, 'UTC') AS hour, {COUNTED}
    FROM {RUNS} GROUP BY location_id, workflow_id, hour ORDER BY location_id, workflow_id, hour
    ON CONFLICT ON CONSTRAINT hourly_rollups_pkey DO UPDATE SET
        {ADDED.replace("added.", "excluded.")}
"""  # noqa: S608  no value is in the text
# Each run is looked at once. A day that is not closed yet is left alone: closing it will
# count these runs.
ADD_HOURS_AND_CORRECT_DAYS = f"""
    WITH hours AS MATERIALIZED (
        SELECT location_id, workflow_id, date_trunc('hour', executed_at, 'UTC') AS hour, {COUNTED}
        FROM {RUNS} GROUP BY location_id, workflow_id, hour ORDER BY location_id, workflow_id, hour
    ), hours_added AS (
        INSERT INTO hourly_rollups AS known SELECT * FROM hours
        ON CONFLICT ON CONSTRAINT hourly_rollups_pkey DO UPDATE SET
            {ADDED.replace("added.", "excluded.")}
    )
    UPDATE daily_rollups AS known SET {ADDED} FROM (
        SELECT location_id, workflow_id, date_trunc('day', hour, 'UTC') AS day, {SUMMED}
        FROM hours GROUP BY location_id, workflow_id, day
    ) AS added
    WHERE (known.location_id, known.workflow_id, known.day)
        = (added.location_id, added.workflow_id, added.day)
"""  # noqa: S608
FILL = f"""
    INSERT INTO hourly_rollups
    SELECT location_id, workflow_id, date_trunc('hour', executed_at, 'UTC') AS hour, {COUNTED}
    FROM execution_logs GROUP BY location_id, workflow_id, hour ORDER BY hour
"""  # noqa: S608
"""Makes the roll-ups anew from the log, in the order in which they would have come."""

NAMES = (
    "succeeded", "failed", "partial", "expected", "timed", "total_time_ms", "times",
    "last_execution_at", "last_failure_at", "first_counted_at", "last_counted_at",
)  # fmt: skip
EITHER = ", ".join(f"coalesce(known.{each}, part.{each}) AS {each}" for each in NAMES)
"""The numbers of a day: its own row, or what its hours add up to."""
_WORKFLOW = "location_id = :location_id AND workflow_id = workflow.workflow_id"
# Two stretches of the log itself where a window begins within an hour, and
# between them the hours. A whole day has one row instead of 24 once it is closed.
WINDOWS = text(f"""
    SELECT workflow_id, later, {SUMMED} FROM (
        SELECT workflow.workflow_id, executed_at >= :split AS later, {COUNTED}
        FROM unnest(CAST(:workflow_ids AS text[])) AS workflow (workflow_id)
        CROSS JOIN LATERAL (
            SELECT status, error_class, execution_time_ms, executed_at FROM execution_logs
            WHERE {_WORKFLOW} AND executed_at >= :since AND executed_at < :first_edge
            UNION ALL
            SELECT status, error_class, execution_time_ms, executed_at FROM execution_logs
            WHERE {_WORKFLOW} AND executed_at >= :second_edge AND executed_at < :current_hours
        ) AS run
        GROUP BY workflow.workflow_id, later
        UNION ALL
        SELECT workflow.workflow_id, coalesce(part.later, days.day >= :split) AS later, {EITHER}
        FROM unnest(CAST(:workflow_ids AS text[])) AS workflow (workflow_id)
        CROSS JOIN generate_series(
            date_trunc('day', CAST(:previous_hours AS timestamptz), 'UTC'),
            clock_now() + interval '1 day', interval '1 day'
        ) AS days (day)
        LEFT JOIN daily_rollups AS known ON known.location_id = :location_id
            AND known.workflow_id = workflow.workflow_id AND known.day = days.day AND (
                days.day >= :current_hours
                OR days.day >= :previous_hours
                    AND days.day + interval '1 day' <= CAST(:previous_end AS timestamptz)
            )
        LEFT JOIN LATERAL (
            SELECT hour >= :split AS later, {SUMMED} FROM hourly_rollups
            WHERE known.day IS NULL AND {_WORKFLOW}
                AND hour >= days.day AND hour < days.day + interval '1 day' AND (
                    hour >= :current_hours OR hour >= :previous_hours AND hour < :previous_end
                )
            GROUP BY later
        ) AS part ON true
    ) AS numbers
    GROUP BY workflow_id, later
""")  # noqa: S608

# A batch that began before midnight does not know that the day is over: an
# hour later it is done, one way or the other.
UNCLOSED = text("""
    SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day FROM hourly_rollups AS hours
    WHERE hour < date_trunc('day', clock_now() - interval '1 hour', 'UTC') AND NOT EXISTS (
        SELECT FROM daily_rollups AS known
        WHERE known.location_id = hours.location_id AND known.workflow_id = hours.workflow_id
            AND known.day = date_trunc('day', hours.hour, 'UTC')
    )
    ORDER BY day
""")
OPEN = text("""
    SELECT DISTINCT location_id, workflow_id FROM hourly_rollups AS hours
    WHERE hour >= :day AND hour < CAST(:day AS timestamptz) + interval '1 day' AND NOT EXISTS (
        SELECT FROM daily_rollups AS known
        WHERE known.location_id = hours.location_id AND known.workflow_id = hours.workflow_id
            AND known.day = :day
    )
""")
LOCK = text("""
    SELECT FROM workflows AS known
    JOIN unnest(CAST(:location_ids AS text[]), CAST(:workflow_ids AS text[]))
        AS given (location_id, workflow_id) USING (location_id, workflow_id)
    ORDER BY location_id, workflow_id FOR UPDATE OF known
""")
CLOSE = text(f"""
    INSERT INTO daily_rollups
    SELECT location_id, workflow_id, CAST(:day AS timestamptz), {SUMMED}
    FROM unnest(CAST(:location_ids AS text[]), CAST(:workflow_ids AS text[]))
        AS given (location_id, workflow_id) JOIN hourly_rollups USING (location_id, workflow_id)
    WHERE hour >= :day AND hour < CAST(:day AS timestamptz) + interval '1 day'
    GROUP BY location_id, workflow_id ORDER BY location_id, workflow_id
    ON CONFLICT ON CONSTRAINT daily_rollups_pkey DO NOTHING
""")  # noqa: S608


def adding(runs: Sequence[str], *, late: bool) -> Question:
    """Gives the statement that adds runs, given as arrays of what is `LOOKED_AT`.

    Their workflows must be locked. `late` says whether one belongs to a day
    before today.
    """
    return Question(ADD_HOURS_AND_CORRECT_DAYS if late else ADD_HOURS, runs)


async def windows(
    session: AsyncSession,
    location_id: str,
    workflow_ids: Sequence[str],
    *,
    since: datetime,
    split: datetime,
) -> dict[tuple[str, bool], RunCounts]:
    """Counts the runs of workflows from the split on (True), and from `since` up to it (False).

    Exact: what the log itself would count, as long as it is kept. Beyond its
    days an hour that a window cuts in two is left out.
    """
    given = {"location_id": location_id, "workflow_ids": list(workflow_ids)}
    rows = await session.execute(WINDOWS, given | edges(since=since, split=split))
    return {(row[0], row[1]): counts_of(row[2:9]) for row in rows if row[1] is not None}


def edges(*, since: datetime, split: datetime) -> dict[str, datetime]:
    """Gives where two neighbouring windows cut hours, so that the log itself must be read."""
    previous_hours = _hour_after(since)
    previous_end = _hour_of(split)
    first_edge = min(previous_hours, split)
    return {
        "since": since,
        "split": split,
        "first_edge": first_edge,
        "second_edge": max(previous_end, first_edge),
        "previous_hours": previous_hours,
        "previous_end": previous_end,
        "current_hours": _hour_after(split),
    }


def counts_of(numbers: Sequence[Any]) -> RunCounts:
    """Gives the counts in the first seven of the columns of a roll-up."""
    return replace(RunCounts(*numbers[:-1]), times=Times.read(f"{numbers[-1]:f}"))


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _hour_after(moment: datetime) -> datetime:
    hour = _hour_of(moment)
    return hour if hour == moment else hour + timedelta(hours=1)


async def unclosed(session: AsyncSession) -> list[datetime]:
    """Gives the days that are over and not closed for every workflow, the oldest first."""
    return list(await session.scalars(UNCLOSED))


async def unclosed_workflows(session: AsyncSession, day: datetime) -> list[WorkflowKey]:
    """Gives the workflows that ran on a day and for which it is not closed, sorted."""
    return sorted(WorkflowKey(*row) for row in await session.execute(OPEN, {"day": day}))


async def close_day(session: AsyncSession, day: datetime, workflows: Sequence[WorkflowKey]) -> None:
    """Closes a day that is over for some workflows.

    Locks them first and adds up in a later statement: of a batch that arrives
    late either its hours are seen here, or the batch sees the closed day and
    corrects it.
    """
    given = {
        "location_ids": [each.location_id for each in workflows],
        "workflow_ids": [each.workflow_id for each in workflows],
    }
    await session.execute(LOCK, given)
    await session.execute(CLOSE, {**given, "day": day})


async def forget_expired(session: AsyncSession) -> int:
    """Removes some of the hours that outlived their days; gives how many."""
    return await forget(session, "hourly_rollups", "hour", KEPT)


async def forget_expired_days(session: AsyncSession) -> int:
    """Removes some of the days that outlived their days; gives how many."""
    return await forget(session, "daily_rollups", "day", KEPT)
