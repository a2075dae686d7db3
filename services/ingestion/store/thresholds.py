"""Counts the failures of workflows against their thresholds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.events import LONGEST_MESSAGE
from services.ingestion.domain.execution import WorkflowKey
from services.ingestion.domain.threshold import Evidence, Standing, Tally, Threshold
from services.ingestion.domain.workflow import Sighted
from services.ingestion.store.changes import COLUMNS, read
from services.ingestion.store.told_thresholds import SetBy

GIVEN = """
    unnest(CAST(:location_ids AS text[]), CAST(:workflow_ids AS text[]))
        AS workflow (location_id, workflow_id)
"""
COUNTED = """
    run.location_id = workflow.location_id AND run.workflow_id = workflow.workflow_id
    AND run.status = 'failed' AND run.error_class <> 'EXPECTED'
"""
# The row of the workflow, else that of the location, else the one that holds for all others.
THRESHOLD = """
    CROSS JOIN LATERAL (
        SELECT told.location_id AS set_in, told.workflow_id AS set_for,
            failure_threshold, alerts_enabled,
            coalesce(CAST(:hours AS integer), time_window_hours) AS hours
        FROM location_settings AS told
        WHERE told.location_id IN (workflow.location_id, '')
            AND told.workflow_id IN (workflow.workflow_id, '')
        ORDER BY told.location_id DESC, told.workflow_id DESC LIMIT 1
    ) AS threshold
"""
# Whole hours come from their roll-ups: in a storm a workflow fails thousands of
# times a day. The window ends now, or with a run that is a few minutes ahead of our
# clock: when its time comes nobody would count again.
TALLY = f"""
    CROSS JOIN LATERAL (
        SELECT greatest(clock_now(), max(last_counted_at))
            - make_interval(hours => threshold.hours) AS since
        FROM hourly_rollups AS newest
        WHERE newest.location_id = workflow.location_id
            AND newest.workflow_id = workflow.workflow_id
            AND newest.hour >= date_trunc('hour', clock_now(), 'UTC')
    ) AS period
    CROSS JOIN LATERAL (
        SELECT count(*) AS failures, min(executed_at) AS first_at, max(executed_at) AS last_at
        FROM execution_logs AS run
        WHERE {COUNTED} AND run.executed_at > period.since
            AND run.executed_at < date_trunc('hour', period.since, 'UTC') + interval '1 hour'
    ) AS first_hour
    CROSS JOIN LATERAL (
        SELECT CAST(coalesce(sum(failed - expected), 0) AS bigint) AS failures,
            min(first_counted_at) AS first_at, max(last_counted_at) AS last_at
        FROM hourly_rollups AS hours
        WHERE hours.location_id = workflow.location_id
            AND hours.workflow_id = workflow.workflow_id
            AND hours.hour > period.since
    ) AS whole_hours
    CROSS JOIN LATERAL (
        SELECT first_hour.failures + whole_hours.failures AS failures,
            coalesce(first_hour.first_at, whole_hours.first_at) AS first_at,
            coalesce(whole_hours.last_at, first_hour.last_at) AS last_at
    ) AS tally
"""  # noqa: S608  no value is in the text
TALLIES = text(f"""
    SELECT workflow.*, failure_threshold, hours, alerts_enabled,
        tally.failures, tally.first_at, tally.last_at
    FROM {GIVEN} {THRESHOLD} {TALLY}
""")  # noqa: S608
TOLD = """
    unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS workflow (location_id, workflow_id)
"""
LAST_FAILURE = f"""
    SELECT executed_at, execution_id FROM execution_logs AS run WHERE {COUNTED}
    ORDER BY executed_at DESC, execution_id DESC LIMIT 1
"""  # noqa: S608
FIRST_SUCCESSES = f"""
    SELECT workflow.*, first.executed_at
    FROM {TOLD} LEFT JOIN LATERAL ({LAST_FAILURE}) AS last ON true
    CROSS JOIN LATERAL (
        SELECT executed_at FROM execution_logs AS run
        WHERE run.location_id = workflow.location_id AND run.workflow_id = workflow.workflow_id
            AND run.status = 'success'
            AND run.executed_at >= coalesce(last.executed_at, '-infinity')
            AND ((run.executed_at, run.execution_id) > (last.executed_at, last.execution_id))
                IS NOT FALSE
        ORDER BY executed_at, execution_id LIMIT 1
    ) AS first
"""  # noqa: S608
"""Gives when each workflow first succeeded after its newest failure that counts, if it did."""
LAST_UNFINISHED = f"""
    SELECT workflow.*, last.executed_at, CAST(last.execution_id AS text)
    FROM {TOLD} CROSS JOIN LATERAL (
        {LAST_FAILURE.replace("<> 'EXPECTED'", "= 'NEVER_FINISHED'")}
    ) AS last
"""  # noqa: S608
"""Gives the newest run that never finished of each workflow that has one."""
MOST_EVIDENCE = 5
# In one row for each workflow: the ids of the newest, in that order, and what the first of them says.
LAST_IN_WINDOW = f"""
    CROSS JOIN LATERAL (
        SELECT CAST(array_agg(execution_id) AS text[]) AS execution_ids,
            (array_agg(failed_action_name))[1] AS failed_action_name,
            left((array_agg(error_message))[1], {LONGEST_MESSAGE}) AS error_message,
            (array_agg(error_class))[1] AS error_class,
            (array_agg(error_fingerprint))[1] AS error_fingerprint
        FROM (
            SELECT execution_id, failed_action_name, error_message, error_class, error_fingerprint
            FROM execution_logs AS run
            WHERE tally.failures >= failure_threshold AND {COUNTED}
                AND run.executed_at > period.since AND run.executed_at <= tally.last_at
            ORDER BY executed_at DESC, execution_id DESC LIMIT {MOST_EVIDENCE}
        ) AS newest
    ) AS last
"""  # noqa: S608
LAST_CHANGE = f"""
    LEFT JOIN LATERAL (
        SELECT {COLUMNS} FROM workflow_changes AS changed
        WHERE tally.failures >= failure_threshold AND changed.location_id = workflow.location_id
            AND changed.workflow_id = workflow.workflow_id AND changed_at <= tally.last_at
            AND changed_at > tally.last_at - interval '30 days'
        ORDER BY changed_at DESC LIMIT 1
    ) AS change ON true
    LEFT JOIN LATERAL (
        SELECT executed_at AS since_change FROM execution_logs AS run
        WHERE {COUNTED} AND run.executed_at >= change.changed_at
        ORDER BY executed_at LIMIT 1
    ) AS first_since ON true
"""  # noqa: S608
SAID = f"""
    execution_ids, failed_action_name, error_message, error_class,
    error_fingerprint, since_change, {", ".join(f"change.{each}" for each in COLUMNS.split(", "))}
"""
"""What an alert says beside its counts."""
# Each scan of the log prepares to read every week, of which there may be many. No window
# is longer, and no change that is told of is older.
RECENT = """
    run.executed_at > clock_now() - interval '32 days'
    AND run.executed_at < clock_now() + interval '1 day'
"""
JUDGE = f"""
    SELECT workflow.*, failure_threshold, hours, alerts_enabled,
        tally.failures, tally.first_at, tally.last_at, {SAID}
    FROM {TOLD} {THRESHOLD.replace(":hours", "NULL")} {TALLY} {LAST_IN_WINDOW} {LAST_CHANGE}
    ORDER BY location_id, workflow_id
""".replace(COUNTED, f"{COUNTED} AND {RECENT}")  # noqa: S608
"""Counts failures in the window of each workflow's threshold; with the newest where they are too many.

The workflows must have been locked by an earlier statement.
"""
ENDING = """
    ORDER BY executed_at RANGE BETWEEN
        make_interval(hours => threshold.hours) - interval '1 microsecond' PRECEDING
        AND CURRENT ROW
"""
"""The window of a threshold that ends with a run."""
# Every window that the late failures can have made too many, unless it is over for
# longer than a window.
PEAK = f"""
    SELECT workflow.location_id, workflow.workflow_id, failure_threshold, hours, alerts_enabled,
        tally.failures, tally.first_at, tally.last_at, {SAID}
    FROM unnest(CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS timestamptz[]))
        AS workflow (location_id, workflow_id, late_from)
    {THRESHOLD.replace(":hours", "NULL")}
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT executed_at AS last_at, count(*) OVER ending AS failures,
                first_value(executed_at) OVER ending AS first_at
            FROM execution_logs AS run
            WHERE {COUNTED}
                AND run.executed_at > workflow.late_from - make_interval(hours => threshold.hours)
            WINDOW ending AS ({ENDING})
        ) AS windows
        WHERE failures >= failure_threshold AND last_at >= late_from
            AND last_at > clock_now() - make_interval(hours => threshold.hours)
        ORDER BY last_at DESC LIMIT 1
    ) AS tally
    CROSS JOIN LATERAL (
        SELECT tally.last_at - make_interval(hours => threshold.hours) AS since
    ) AS period
    {LAST_IN_WINDOW} {LAST_CHANGE}
    ORDER BY location_id, workflow_id
"""  # noqa: S608
"""Finds for workflows the newest window that ends with a failure and holds too many.

The parameters after the workflows are the times of their oldest late failures.
"""
EVIDENCE = text(f"""
    SELECT workflow.*, {SAID}
    FROM {GIVEN} {THRESHOLD} {TALLY} {LAST_IN_WINDOW} {LAST_CHANGE}
    WHERE execution_ids IS NOT NULL
    ORDER BY location_id, workflow_id
""")  # noqa: S608
# Who has not run for the longest window has no failure in any.
STANDINGS = text(f"""
    SELECT workflow.location_id, workflow.workflow_id,
        failure_threshold, hours, alerts_enabled,
        tally.failures, tally.first_at, tally.last_at,
        name, failing, recovery_due, untold_failures, finish_due,
        EXISTS (
            SELECT FROM execution_logs AS run
            WHERE run.location_id = workflow.location_id
                AND run.workflow_id = workflow.workflow_id AND run.status = 'success'
                AND run.executed_at >= last.executed_at
                AND (run.executed_at, run.execution_id) > (last.executed_at, last.execution_id)
        )
    FROM workflows AS workflow {THRESHOLD} {TALLY} LEFT JOIN LATERAL ({LAST_FAILURE}) AS last ON true
    WHERE (set_in, set_for) IN (
            SELECT * FROM unnest(CAST(:locations AS text[]), CAST(:workflows AS text[]))
        )
        AND (failing OR last_execution_at > clock_now() - interval '30 days')
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A workflow of a location whose threshold changed."""

    sighted: Sighted
    tally: Tally
    succeeded_since: bool
    """Whether a success came after its last failure."""


async def tallies(
    session: AsyncSession, workflows: Collection[WorkflowKey], *, hours: int | None = None
) -> dict[WorkflowKey, Tally]:
    """Counts failures in the window of each workflow's threshold, or of so many hours.

    To decide something the workflows must be locked first: see `batches.enter`.
    """
    rows = await session.execute(TALLIES, {**_given(workflows), "hours": hours})
    return {WorkflowKey(*row[:2]): _tally(row[2:]) for row in rows}


async def evidence(
    session: AsyncSession, workflows: Collection[WorkflowKey]
) -> dict[WorkflowKey, Evidence]:
    """Gives what there is to say of workflows at or over their threshold."""
    if not workflows:
        return {}
    rows = await session.execute(EVIDENCE, {**_given(workflows), "hours": None})
    return {WorkflowKey(*row[:2]): evidence_of(row[2:]) for row in rows}


async def reviewed(session: AsyncSession, set_by: Collection[SetBy]) -> list[Reviewed]:
    """Counts again for all workflows whose threshold is set by these rows of the copy."""
    rows = await session.execute(
        STANDINGS,
        {
            "locations": [location_id for location_id, _ in set_by],
            "workflows": [workflow_id for _, workflow_id in set_by],
            "hours": None,
        },
    )
    return [
        Reviewed(
            Sighted(WorkflowKey(*row[:2]), row[8], Standing(*row[9:13])),
            _tally(row[2:8]),
            succeeded_since=row[13],
        )
        for row in rows
    ]


def evidence_of(row: Sequence[Any]) -> Evidence:
    """Reads what `SAID`."""
    execution_ids, step, message, error_class, fingerprint, since_change, changed_at = row[:7]
    change = read(row[6:]) if changed_at else None
    ids = tuple(execution_ids)
    return Evidence(ids, step, message, error_class, fingerprint, change, since_change)


def _given(workflows: Collection[WorkflowKey]) -> dict[str, object]:
    return {
        "location_ids": [each.location_id for each in workflows],
        "workflow_ids": [each.workflow_id for each in workflows],
    }


def _tally(row: Sequence[Any]) -> Tally:
    failure_threshold, hours, enabled, count, first_at, last_at = row
    return Tally(Threshold(failure_threshold, hours, enabled), count, first_at, last_at)
