"""The copy of the notifier's thresholds."""

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.threshold import ToldThreshold

SetBy: TypeAlias = tuple[str, str]
"""The location and the workflow a threshold is of: one row of the copy."""

TOLD = """
    unnest(
        CAST(:location_ids AS text[]), CAST(:enabled AS boolean[]), CAST(:thresholds AS int[]),
        CAST(:hours AS int[]), CAST(:updated_at AS timestamptz[]), CAST(:workflow_ids AS text[])
    ) AS told (
        location_id, alerts_enabled, failure_threshold, time_window_hours, updated_at, workflow_id
    )
"""
DIFFERS = """
    (told.alerts_enabled, told.failure_threshold, told.time_window_hours)
        IS DISTINCT FROM
    (known.alerts_enabled, known.failure_threshold, known.time_window_hours)
    AND told.updated_at >= coalesce(known.updated_at, '-infinity')
"""
NEWS = text(f"""
    SELECT told.location_id
    FROM {TOLD} LEFT JOIN location_settings AS known USING (location_id, workflow_id)
    WHERE {DIFFERS}
""")  # noqa: S608  no value is in the text
STORE = text(f"""
    INSERT INTO location_settings AS known SELECT told.* FROM {TOLD}
    ORDER BY location_id, workflow_id
    ON CONFLICT ON CONSTRAINT location_settings_pkey DO UPDATE SET
        alerts_enabled = excluded.alerts_enabled,
        failure_threshold = excluded.failure_threshold,
        time_window_hours = excluded.time_window_hours,
        updated_at = excluded.updated_at
    WHERE {DIFFERS.replace("told.", "excluded.")}
    RETURNING location_id, workflow_id
""")  # noqa: S608


async def has_news(session: AsyncSession, told: Sequence[ToldThreshold]) -> bool:
    """Says whether any of the thresholds differs from what is known."""
    return (await session.execute(NEWS, _told(told))).first() is not None


async def store(session: AsyncSession, told: Sequence[ToldThreshold]) -> list[SetBy]:
    """Keeps the thresholds that are news; gives whose they are.

    What is older than what is known is left: two replicas may ask at the same
    time and store in another order than they were answered.
    """
    return [(row[0], row[1]) for row in await session.execute(STORE, _told(told))]


def _told(told: Sequence[ToldThreshold]) -> dict[str, object]:
    return {
        "location_ids": [each.location_id for each in told],
        "workflow_ids": [each.workflow_id for each in told],
        "enabled": [each.threshold.alerts_enabled for each in told],
        "thresholds": [each.threshold.failure_threshold for each in told],
        "hours": [each.threshold.time_window_hours for each in told],
        "updated_at": [each.updated_at for each in told],
    }
