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


ORPHANS = text("""
WITH orphan AS (
    SELECT message_id FROM messages JOIN targets USING (target_id)
    WHERE targets.lease_until <= clock_now()
      AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.message_id = messages.message_id)
),
attempt AS (
    DELETE FROM delivery_attempts USING orphan
    WHERE delivery_attempts.message_id = orphan.message_id
)
DELETE FROM messages USING orphan WHERE messages.message_id = orphan.message_id
""")
"""Not where an attempt is under way: it writes about its message."""


async def forget_orphans(session: AsyncSession) -> int:
    """Deletes the messages of which no delivery is left; gives how many."""
    return _number_of(await session.execute(ORPHANS))


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
