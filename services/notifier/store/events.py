"""Reads and writes `events`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.event import Event, payload_of
from services.notifier.store.tables import EventRow


async def add(session: AsyncSession, events: Sequence[Event]) -> dict[str, datetime]:
    """Adds the events that are not there yet; gives their ids, and when they happened.

    Nothing happens in the future: an event whose clock is ahead happened now.
    """
    now = func.clock_now()
    rows = [
        {
            "event_id": event.event_id,
            "location_id": event.location_id,
            "kind": event.detail.kind,
            "once_key": event.once_key,
            "payload": payload_of(event.detail),
            "occurred_at": func.least(event.occurred_at, now),
            "received_at": now,
        }
        # Sorted, so that two batches with the same events do not lock each other out.
        for event in sorted(events, key=lambda each: each.event_id)
    ]
    statement = (
        insert(EventRow)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(col(EventRow.event_id), col(EventRow.occurred_at))
    )
    return {each.event_id: each.occurred_at for each in await session.execute(statement)}


async def link(session: AsyncSession, incident_of: Mapping[str, str]) -> None:
    """Notes in which incident each event counted."""
    if not incident_of:
        return
    rows = [{"event": event_id, "incident": each} for event_id, each in incident_of.items()]
    table = EventRow.__table__  # type: ignore[attr-defined]
    statement = (
        update(table)
        .where(table.c.event_id == bindparam("event"))
        .values(incident_id=bindparam("incident"))
    )
    await (await session.connection()).execute(statement, rows)
