"""Reads and writes `events`."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.domain.event import Event, payload_of

ADD = text("""
INSERT INTO events
    (event_id, location_id, kind, once_key, payload, occurred_at, received_at)
SELECT event_id, location_id, kind, once_key, payload,
       least(occurred_at, clock_now()), clock_now()
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told
    (event_id text, location_id text, kind text, once_key text, payload jsonb,
     occurred_at timestamptz)
ON CONFLICT DO NOTHING
RETURNING event_id, occurred_at
""")
"""One parameter for all rows: a statement with a parameter for each field of each
row takes longer to build than to run."""

LINK = text("""
UPDATE events SET incident_id = counted.incident_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS counted (event_id text, incident_id text)
WHERE events.event_id = counted.event_id
""")


async def add(session: AsyncSession, events: Sequence[Event]) -> dict[str, datetime]:
    """Adds the events that are not there yet; gives their ids, and when they happened.

    Nothing happens in the future: an event whose clock is ahead happened now.
    """
    rows = [
        {
            "event_id": event.event_id,
            "location_id": event.location_id,
            "kind": event.detail.kind,
            "once_key": event.once_key,
            "payload": payload_of(event.detail),
            "occurred_at": event.occurred_at and event.occurred_at.isoformat(),
        }
        # Sorted, so that two batches with the same events do not lock each other out.
        for event in sorted(events, key=lambda each: each.event_id)
    ]
    added = await session.execute(ADD, {"rows": json.dumps(rows)})
    return {each.event_id: each.occurred_at for each in added}


async def link(session: AsyncSession, incident_of: Mapping[str, str]) -> None:
    """Notes in which incident each event counted."""
    if not incident_of:
        return
    rows = [{"event_id": event, "incident_id": each} for event, each in incident_of.items()]
    await session.execute(LINK, {"rows": json.dumps(rows)})
