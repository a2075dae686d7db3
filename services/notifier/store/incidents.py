"""Reads and writes `incidents`."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Interval,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import col

from libs.ids import new_id
from services.notifier.domain import wording
from services.notifier.domain.event import AboutWorkflow, Event, Severity
from services.notifier.domain.incident import (
    Incident,
    IncidentPosition,
    IncidentStatus,
    dedup_key_of,
    failures_in,
    fingerprint_of,
)
from services.notifier.store.tables import IncidentRow

FLAPPING = timedelta(days=1)
MOST_DOUBLINGS = 5


def _counting() -> ReturningInsert[Any]:
    table = IncidentRow.__table__  # type: ignore[attr-defined]
    after = bindparam("remind_after", type_=Interval)
    new = insert(table).values(remind_at=func.clock_now() + after, told_at=func.clock_now())
    there, told = table.c, new.excluded
    return new.on_conflict_do_update(
        index_elements=["location_id", "dedup_key"],
        index_where=text("status = 'open'"),
        set_={
            "event_count": there.event_count + told.event_count,
            "failure_count": there.failure_count + told.failure_count,
            "last_event_at": func.greatest(there.last_event_at, told.last_event_at),
            "title": told.title,
            "workflow_name": func.coalesce(
                func.nullif(told.workflow_name, ""), there.workflow_name
            ),
        },
    ).returning(table, literal_column("xmax = 0", Boolean).label("opened"))


_COUNT = _counting()
"""Built once, because in a storm there is one for each incident."""


async def count(
    session: AsyncSession, event: Event, at: datetime, remind_after: timedelta | None
) -> tuple[Incident, bool]:
    """Counts an event in the open incident of its key, or opens one; says which.

    The incident is then locked until the commit, also against a batch that would
    have opened the same one.
    """
    values = {
        "incident_id": new_id(),
        "location_id": event.location_id,
        "dedup_key": dedup_key_of(event),
        "status": IncidentStatus.OPEN,
        "severity": event.severity,
        "title": wording.title_of(event),
        **_workflow_of(event),
        "event_count": 1,
        "failure_count": failures_in(event),
        "opened_at": at,
        "last_event_at": at,
        "remind_after": remind_after,
        "error_fingerprint": fingerprint_of(event),
        "told_count": failures_in(event) or 1,
    }
    row = (await session.execute(_COUNT, values)).one()
    return from_row(cast("IncidentRow", row)), row.opened


async def held_open(session: AsyncSession, keys: Collection[tuple[str, str]]) -> Sequence[Incident]:
    """Gives the open incidents among pairs of location and dedup key, locked until the commit."""
    order = (col(IncidentRow.location_id), col(IncidentRow.dedup_key))
    query = (
        select(IncidentRow)
        .where(tuple_(*order).in_(list(keys)), text("status = 'open'"))
        .order_by(*order)
        .with_for_update(key_share=True)
    )
    return [from_row(row) for row in await session.scalars(query)]


async def held_settling(
    session: AsyncSession, keys: Collection[tuple[str, str]]
) -> Sequence[Incident]:
    """Gives incidents whose end is not certain yet, locked until the commit."""
    order = (col(IncidentRow.location_id), col(IncidentRow.dedup_key))
    query = (
        select(IncidentRow)
        .where(
            tuple_(*order).in_(list(keys)),
            col(IncidentRow.status) == IncidentStatus.RESOLVED,
            col(IncidentRow.settles_at) > func.clock_now(),
        )
        .order_by(*order)
        .with_for_update(key_share=True)
    )
    return [from_row(row) for row in await session.scalars(query)]


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


async def write(session: AsyncSession, counted: Iterable[Incident]) -> None:
    """Writes what events changed of open incidents that the caller holds."""
    rows = [
        {
            "incident_id": each.incident_id,
            "severity": each.severity,
            "event_count": each.event_count,
            "failure_count": each.failure_count,
            "last_event_at": each.last_event_at.isoformat(),
            "title": each.title,
            "workflow_name": each.workflow_name,
            "affected_count": each.affected_count,
            "error_fingerprint": each.error_fingerprint,
            "told_count": each.told_count,
            "told_at": each.told_at.isoformat(),
            "update_at": each.update_at and each.update_at.isoformat(),
        }
        for each in counted
    ]
    if rows:
        await session.execute(WRITE, {"rows": json.dumps(rows)})


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


async def remind_by(session: AsyncSession, incident_id: str, at: datetime) -> None:
    """Makes a held incident due to be told at a time at the latest, if it ever is."""
    await session.execute(
        update(IncidentRow)
        .where(col(IncidentRow.incident_id) == incident_id, unattended())
        .values(remind_at=func.least(func.coalesce(IncidentRow.remind_at, at), at))
    )


async def open_of(session: AsyncSession, location_id: str, dedup_key: str) -> Incident | None:
    """Gives the open incident of a key; None when there is none."""
    row = await session.scalar(select(IncidentRow).where(_open(location_id, dedup_key)))
    return from_row(row) if row else None


async def wake(session: AsyncSession, incident_id: str, remind_at: datetime | None) -> None:
    """Ends the snooze of a held incident, and says when a reminder is due."""
    await session.execute(
        update(IncidentRow)
        .where(col(IncidentRow.incident_id) == incident_id)
        .values(snoozed_until=None, snoozed_until_worse=False, remind_at=remind_at)
    )


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


WRITE = text("""
UPDATE incidents SET
    severity = counted.severity,
    event_count = counted.event_count,
    failure_count = counted.failure_count,
    last_event_at = counted.last_event_at,
    title = counted.title,
    workflow_name = counted.workflow_name,
    affected_count = counted.affected_count,
    error_fingerprint = counted.error_fingerprint,
    told_count = counted.told_count,
    told_at = counted.told_at,
    update_at = counted.update_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS counted
    (incident_id text, severity text, event_count bigint, failure_count bigint, last_event_at timestamptz,
     title text, workflow_name text, affected_count bigint,
     error_fingerprint text, told_count bigint,
     told_at timestamptz, update_at timestamptz)
WHERE incidents.incident_id = counted.incident_id
""")

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


def _workflow_of(event: Event) -> dict[str, str]:
    detail = event.detail
    if isinstance(detail, AboutWorkflow):
        return {"workflow_id": detail.workflow_id, "workflow_name": detail.workflow_name}
    return {"workflow_id": "", "workflow_name": ""}


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
