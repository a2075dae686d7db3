"""The law of the roll-ups: what they say is what a recount of the log says."""

from typing import Any

import psycopg

from services.ingestion.store import rollups

RECOUNT = f"""
    SELECT location_id, workflow_id, date_trunc('hour', executed_at, 'UTC') AS start,
        {rollups.COUNTED}
    FROM execution_logs GROUP BY 1, 2, 3
"""
HOURS = f"""
    (SELECT 'hour not in the log', * FROM (
        SELECT * FROM hourly_rollups EXCEPT SELECT * FROM ({RECOUNT}) AS log
    ) AS more)
    UNION ALL
    (SELECT 'hour of the log', * FROM (
        SELECT * FROM ({RECOUNT}) AS log EXCEPT SELECT * FROM hourly_rollups
    ) AS less)
"""
# A day that nobody closed is no difference: readers take its hours.
DAYS = f"""
    SELECT 'day', * FROM daily_rollups EXCEPT SELECT 'day', * FROM ({
    RECOUNT.replace("'hour'", "'day'")
}) AS log
"""


def differences(url: str) -> list[tuple[Any, ...]]:
    """Gives every row in which the roll-ups of a database and its log differ."""
    with psycopg.connect(url) as connection:
        return [row for query in (HOURS, DAYS) for row in connection.execute(query).fetchall()]
