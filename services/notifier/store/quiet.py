"""Counts what became of incidents since targets were told of such last."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
from libs.db.exchange import Question, exchange
from services.notifier.domain.quiet import Untold

# Ids tell the order in which targets were made and incidents began, also in the same moment.
# What is older than a target, or ended longer ago than this looks back, is no news to it.
_UNTOLD = """
    SELECT made.delivery_id, about.location_id, about.dedup_key,
           coalesce(nullif(about.failure_count, 0), about.event_count),
           since.counted - coalesce(last.told_count, 0),
           last.incident_id IS DISTINCT FROM about.incident_id
    FROM unnest(CAST($1 AS text[])) AS asked (delivery_id)
    JOIN deliveries AS made ON made.delivery_id = asked.delivery_id
    JOIN incidents AS about ON about.incident_id = made.incident_id
    LEFT JOIN LATERAL (
        SELECT earlier.incident_id, deliveries.told_count
        FROM incidents AS earlier JOIN deliveries ON deliveries.incident_id = earlier.incident_id
        WHERE earlier.location_id = about.location_id AND earlier.dedup_key = about.dedup_key
          AND earlier.incident_id <= about.incident_id
          AND (earlier.resolved_at IS NULL OR earlier.resolved_at > clock_now() - interval '30 days')
          AND deliveries.target_id = made.target_id AND deliveries.message_id IS NOT NULL
        ORDER BY earlier.incident_id DESC, deliveries.told_count DESC LIMIT 1
    ) AS last ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(coalesce(nullif(failure_count, 0), event_count)), 0) AS counted
        FROM incidents AS later
        WHERE later.location_id = about.location_id AND later.dedup_key = about.dedup_key
          AND later.incident_id <= about.incident_id
          AND later.incident_id
              >= coalesce(last.incident_id, least(made.target_id, about.incident_id))
          AND (later.resolved_at IS NULL OR later.resolved_at > clock_now() - interval '30 days')
    ) AS since
"""


async def untold(session: AsyncSession, delivery_ids: Sequence[str]) -> Mapping[str, Untold]:
    """Gives by delivery what its target was not told of such incidents; nothing without one.

    One statement for all of them.
    """
    if not delivery_ids:
        return {}
    answers = await exchange(session, [Question(_UNTOLD, [arrays.texts(delivery_ids)])])
    return {
        delivery_id: Untold(location_id, dedup_key, counted, int(since_last), is_first=is_first)
        for delivery_id, location_id, dedup_key, counted, since_last, is_first in answers[_UNTOLD]
    }
