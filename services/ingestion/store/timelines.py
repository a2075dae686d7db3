"""Runs hour by hour or day by day, out of the roll-ups."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.breakdown import Bucket, Scope, Windows
from services.ingestion.domain.trend import RunCounts
from services.ingestion.store.rollups import COUNTED, EITHER, SUMMED, counts_of, edges

# As `rollups.WINDOWS`, by bucket instead of by workflow. A closed day has one row for
# its hours; buckets of an hour need the hours themselves, the window before does not.
TIMELINE = f"""
    SELECT start, {SUMMED} FROM (
        SELECT CASE WHEN executed_at >= :split THEN date_trunc(:unit, executed_at, 'UTC') END
            AS start, {COUNTED}
        FROM (
            SELECT status, error_class, execution_time_ms, executed_at FROM execution_logs AS scope
            WHERE {{scope}} AND executed_at >= :since AND executed_at < :first_edge
            UNION ALL
            SELECT status, error_class, execution_time_ms, executed_at FROM execution_logs AS scope
            WHERE {{scope}} AND executed_at >= :second_edge AND executed_at < :current_hours
        ) AS run
        GROUP BY start
        UNION ALL
        SELECT coalesce(part.start, CASE WHEN days.day >= :split THEN days.day END), {EITHER}
        FROM workflows AS scope
        CROSS JOIN generate_series(
            date_trunc('day', CAST(:previous_hours AS timestamptz), 'UTC'),
            clock_now() + interval '1 day', interval '1 day'
        ) AS days (day)
        LEFT JOIN daily_rollups AS known ON known.location_id = scope.location_id
            AND known.workflow_id = scope.workflow_id AND known.day = days.day AND (
                CAST(:unit AS text) = 'day' AND days.day >= :current_hours
                OR days.day >= :previous_hours
                    AND days.day + interval '1 day' <= CAST(:previous_end AS timestamptz)
            )
        LEFT JOIN LATERAL (
            SELECT CASE WHEN hour >= :split THEN date_trunc(:unit, hour, 'UTC') END AS start,
                {SUMMED}
            FROM hourly_rollups AS hours
            WHERE known.day IS NULL AND hours.location_id = scope.location_id
                AND hours.workflow_id = scope.workflow_id
                AND hour >= days.day AND hour < days.day + interval '1 day' AND (
                    hour >= :current_hours OR hour >= :previous_hours AND hour < :previous_end
                )
            GROUP BY start
        ) AS part ON true
        WHERE {{scope}} AND scope.last_execution_at >= :since
            AND (known.day IS NOT NULL OR part.succeeded IS NOT NULL)
    ) AS numbers
    GROUP BY start
"""  # noqa: S608  no value is in the text
_LOCATION = "scope.location_id = :location_id"
OF_LOCATION = text(TIMELINE.format(scope=_LOCATION))
OF_WORKFLOW = text(TIMELINE.format(scope=f"{_LOCATION} AND scope.workflow_id = :workflow_id"))


async def by_time(
    session: AsyncSession, scope: Scope, windows: Windows, bucket: Bucket
) -> tuple[dict[datetime, RunCounts], RunCounts]:
    """Counts the runs of each bucket of the window, and those of the window before.

    Exact as `rollups.windows` is. Takes longer with more days and with more workflows
    that ran in them, not with more runs.
    """
    given: dict[str, object] = {"location_id": scope.location_id, "unit": bucket.value}
    if scope.workflow_id:
        given["workflow_id"] = scope.workflow_id
    given |= edges(since=windows.previous_start, split=windows.start)
    statement = OF_WORKFLOW if scope.workflow_id else OF_LOCATION
    rows = await session.execute(statement, given)
    counted = {row[0]: counts_of(row[1:8]) for row in rows}
    return counted, counted.pop(None, RunCounts())
