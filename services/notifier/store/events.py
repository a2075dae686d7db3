"""Reads and writes `events`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db.exchange import Question
from services.notifier.domain.decision import Mute, Suppression
from services.notifier.domain.event import Event, Kind, Severity, payload_of, severity_of
from services.notifier.domain.explanation import Decision, EventNotFound, Outcome
from services.notifier.domain.scope import Level
from services.notifier.store.settings import packed, unpacked
from services.notifier.store.tables import EventRow

ADD = """
INSERT INTO events
    (event_id, location_id, kind, once_key, payload, occurred_at, received_at)
SELECT event_id, location_id, kind, once_key, payload,
       least(occurred_at, clock_now()), clock_now()
FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS told
    (event_id text, location_id text, kind text, once_key text, payload jsonb,
     occurred_at timestamptz)
ON CONFLICT DO NOTHING
RETURNING event_id, occurred_at
"""
"""One parameter for all rows: a statement with a parameter for each field of each
row takes longer to build than to run."""

DECIDE = """
UPDATE events SET incident_id = decided.incident_id, decision = decided.decision
FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS decided
    (event_id text, incident_id text, decision jsonb)
WHERE events.event_id = decided.event_id
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """An event that was taken in, with what was decided of it."""

    event_id: str
    kind: Kind
    severity: Severity
    workflow_id: str
    incident_id: str | None
    decision: Decision
    received_at: datetime


def adding(events: Sequence[Event]) -> Question:
    """Adds the events that are not there yet; `ADD` gives their ids, and when they happened.

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
    return Question(ADD, [json.dumps(rows)])


def deciding(decisions: Mapping[str, Decision], incident_of: Mapping[str, str]) -> Question:
    """Notes what was decided of each event, and in which incident it counted."""
    rows = [
        {"event_id": event_id, "incident_id": incident_of.get(event_id), "decision": _packed(each)}
        for event_id, each in decisions.items()
    ]
    return Question(DECIDE, [json.dumps(rows)])


async def decided(session: AsyncSession, location_id: str, event_id: str) -> Decided:
    """Gives an event with what was decided of it; raises `EventNotFound`."""
    query = select(EventRow).where(
        col(EventRow.event_id) == event_id, col(EventRow.location_id) == location_id
    )
    row = await session.scalar(query)
    if row is None or row.decision is None:
        raise EventNotFound(event_id=event_id)
    return _decided(row)


async def that_opened(session: AsyncSession, incident_id: str) -> Decided:
    """Gives the event that opened an incident; raises `EventNotFound`."""
    query = (
        select(EventRow)
        .where(col(EventRow.incident_id) == incident_id, col(EventRow.decision).is_not(None))
        .order_by(
            EventRow.decision["outcome"].astext != Outcome.OPENED,  # type: ignore[index]
            col(EventRow.received_at),
        )
        .limit(1)
    )
    row = await session.scalar(query)
    if row is None:
        raise EventNotFound(incident_id=incident_id)
    return _decided(row)


def _packed(decision: Decision) -> dict[str, Any]:
    kept: dict[str, Any] = {"outcome": decision.outcome}
    if decision.mute:
        kept |= {"because": decision.mute.because, "by": decision.mute.by}
    if decision.quiet_until:
        kept["quiet_until"] = decision.quiet_until.isoformat()
    if decision.values:
        kept |= {"values": packed(decision.values), "origins": dict(decision.origins)}
    return kept


def _decided(row: EventRow) -> Decided:
    kept = row.decision or {}
    until = kept.get("quiet_until")
    mute = Mute(Suppression(kept["because"]), kept["by"]) if "because" in kept else None
    decision = Decision(
        outcome=Outcome(kept["outcome"]),
        mute=mute,
        quiet_until=datetime.fromisoformat(until) if until else None,
        values=unpacked(kept.get("values", {})),
        origins={name: Level(each) for name, each in kept.get("origins", {}).items()},
    )
    return Decided(
        event_id=row.event_id,
        kind=Kind(row.kind),
        severity=severity_of(Kind(row.kind), row.payload.get("score")),
        workflow_id=row.payload.get("workflow_id", ""),
        incident_id=row.incident_id,
        decision=decision,
        received_at=row.received_at,
    )
