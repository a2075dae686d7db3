"""Deletes what is older than it is kept, in steps that hold nobody up."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Result, text
from sqlalchemy.ext.asyncio import AsyncSession

STEP = 1000

DELIVERIES = text("""
WITH old AS (
    SELECT delivery_id FROM deliveries
    WHERE created_at < clock_now() - CAST(:kept AS interval) AND status <> 'pending'
      AND NOT EXISTS (SELECT FROM incidents WHERE incidents.incident_id = deliveries.incident_id
                      AND incidents.status = 'open')
    ORDER BY created_at LIMIT :step
)
DELETE FROM deliveries USING old WHERE deliveries.delivery_id = old.delivery_id
""")
"""Those of an open incident stay: they say who must hear that it is over."""

ATTEMPTS = text("""
DELETE FROM delivery_attempts USING messages
WHERE delivery_attempts.message_id = messages.message_id
  AND messages.created_at < clock_now() - CAST(:kept AS interval)
  AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.message_id = messages.message_id)
""")

MESSAGES = text("""
DELETE FROM messages
WHERE created_at < clock_now() - CAST(:kept AS interval)
  AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.message_id = messages.message_id)
""")

SILENCES = text("DELETE FROM silences WHERE ends_at < clock_now() - CAST(:kept AS interval)")

EVENTS = text("""
DELETE FROM events WHERE event_id IN (
    SELECT event_id FROM events
    WHERE received_at < clock_now() - CAST(:kept AS interval)
      AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.event_id = events.event_id)
    ORDER BY received_at LIMIT :step
)
""")


async def forget_some(session: AsyncSession, kept: timedelta, step: int) -> int:
    """Deletes some old deliveries with their messages, events, and silences; gives how many at most."""
    parameters = {"kept": kept, "step": step}
    deliveries = await session.execute(DELIVERIES, parameters)
    for statement in (ATTEMPTS, MESSAGES, SILENCES):
        await session.execute(statement, {"kept": kept})
    events = await session.execute(EVENTS, parameters)
    return max(_number_of(deliveries), _number_of(events))


def _number_of(deleted: Result[Any]) -> int:
    return int(deleted.rowcount)  # type: ignore[attr-defined]
