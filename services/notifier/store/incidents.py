"""Reads and writes `incidents`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, null, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from libs.db import arrays
from services.notifier.domain.event import Event, Severity
from services.notifier.domain.incident import (
    Incident,
    IncidentPosition,
    IncidentStatus,
    Key,
    dedup_key_of,
)
from services.notifier.store.rows import named
from services.notifier.store.tables import IncidentRow

FLAPPING = timedelta(days=1)
MOST_DOUBLINGS = 5
COLUMNS = IncidentRow.__table__.columns  # type: ignore[attr-defined]
AMONG = text("""
    (incidents.location_id, incidents.dedup_key) IN (
        SELECT * FROM unnest(CAST($1 AS text[]), CAST($2 AS text[]))
    )
""")
"""Says in SQL that an incident has one of several keys."""


def among(keys: Collection[Key]) -> list[str]:
    """Gives what `$1` and `$2` are in `AMONG`."""
    return [arrays.texts([each[0] for each in keys]), arrays.texts([each[1] for each in keys])]


async def go_on(
    session: AsyncSession, incident_id: str, remind_after: timedelta | None
) -> Incident:
    """Opens a held incident again, because its end was not one."""
    unattended = col(IncidentRow.acknowledged_at).is_(None)
    remind_at = case((unattended, due_after(remind_after)))
    statement = (
        update(IncidentRow)
        .where(col(IncidentRow.incident_id) == incident_id)
        .values(status=IncidentStatus.OPEN, resolved_at=None, settles_at=None, remind_at=remind_at)
        .returning(IncidentRow)
    )
    return from_row((await session.scalars(statement, execution_options=FRESH)).one())


async def resolve(
    session: AsyncSession, event: Event, at: datetime, hold_down: timedelta
) -> Incident | None:
    """Ends the open incident of the event's key; None when there is none.

    The end is certain when the hold-down is over and it did not go on. The hold
    doubles with each that ended in the last day, so that flapping tells little.
    """
    earlier = aliased(IncidentRow)
    flips = (
        select(func.count())
        .where(
            col(earlier.location_id) == event.location_id,
            col(earlier.dedup_key) == dedup_key_of(event),
            col(earlier.resolved_at) > func.clock_now() - FLAPPING,
        )
        .scalar_subquery()
    )
    statement = (
        update(IncidentRow)
        .where(_open(event.location_id, dedup_key_of(event)))
        .values(
            status=IncidentStatus.RESOLVED,
            resolved_at=func.greatest(IncidentRow.opened_at, at),
            last_event_at=func.greatest(IncidentRow.last_event_at, at),
            remind_at=None,
            update_at=None,
            settles_at=func.clock_now()
            + hold_down * func.power(2, func.least(flips, MOST_DOUBLINGS)),
            snoozed_until=None,
            snoozed_until_worse=False,
        )
        .returning(IncidentRow)
    )
    row = await session.scalar(statement, execution_options=FRESH)
    return from_row(row) if row else None


async def open_of(session: AsyncSession, location_id: str, dedup_key: str) -> Incident | None:
    """Gives the open incident of a key; None when there is none."""
    row = await session.scalar(select(IncidentRow).where(_open(location_id, dedup_key)))
    return from_row(row) if row else None


async def newest(
    session: AsyncSession,
    location_id: str,
    status: IncidentStatus | None,
    after: IncidentPosition | None,
    limit: int,
    *,
    needs_attention: bool = False,
) -> Sequence[Incident]:
    """Gives a location's incidents, the one with the newest event first."""
    order = (col(IncidentRow.last_event_at), col(IncidentRow.incident_id))
    query = (
        select(IncidentRow)
        .where(col(IncidentRow.location_id) == location_id)
        .order_by(*(each.desc() for each in order))
        .limit(limit)
    )
    if status:
        query = query.where(col(IncidentRow.status) == status)
    if needs_attention:
        query = query.where(unattended())
    if after:
        query = query.where(tuple_(*order) < (after.last_event_at, after.incident_id))
    return [from_row(row) for row in await session.scalars(query)]


# A batch may touch an incident more than once; the row read last is the true one.
FRESH = {"populate_existing": True}


def due_after(wait: timedelta | None) -> ColumnElement[Any]:
    """Gives in SQL when something is due after a wait; never without one."""
    return null() if wait is None else func.clock_now() + wait


def unattended() -> ColumnElement[bool]:
    """Says in SQL that an incident is open and nobody looks after it."""
    return and_(
        text("status = 'open'"),
        col(IncidentRow.acknowledged_at).is_(None),
        col(IncidentRow.snoozed_until).is_(None),
        ~col(IncidentRow.snoozed_until_worse),
    )


def _open(location_id: str, dedup_key: str) -> ColumnElement[bool]:
    return and_(
        col(IncidentRow.location_id) == location_id,
        col(IncidentRow.dedup_key) == dedup_key,
        text("status = 'open'"),
    )


def of_values(values: Sequence[Any]) -> Incident:
    """Gives an incident of the values of `COLUMNS`."""
    return from_row(named(COLUMNS, values))


def from_row(row: IncidentRow) -> Incident:
    """Gives the incident that a row is."""
    return Incident(
        incident_id=row.incident_id,
        location_id=row.location_id,
        dedup_key=row.dedup_key,
        status=IncidentStatus(row.status),
        severity=Severity(row.severity),
        title=row.title,
        workflow_id=row.workflow_id,
        workflow_name=row.workflow_name,
        event_count=row.event_count,
        failure_count=row.failure_count,
        opened_at=row.opened_at,
        last_event_at=row.last_event_at,
        resolved_at=row.resolved_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        snoozed_until=row.snoozed_until,
        snoozed_until_worse=row.snoozed_until_worse,
        wakes_at_count=row.wakes_at_count,
        resolved_by=row.resolved_by,
        cause=row.cause,
        fix=row.fix,
        caused_by=row.caused_by,
        affected_count=row.affected_count,
        error_fingerprint=row.error_fingerprint,
        told_count=row.told_count,
        told_at=row.told_at,
        remind_at=row.remind_at,
        settles_at=row.settles_at,
        update_at=row.update_at,
    )
