"""Reads and writes `incidents`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    Boolean,
    ColumnElement,
    and_,
    func,
    literal_column,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.ids import new_id
from services.notifier.domain import wording
from services.notifier.domain.event import AboutWorkflow, Event, Severity, severity_of
from services.notifier.domain.incident import (
    Incident,
    IncidentPosition,
    IncidentStatus,
    dedup_key_of,
    failures_in,
)
from services.notifier.store.tables import IncidentRow


async def count(session: AsyncSession, event: Event, at: datetime) -> tuple[Incident, bool]:
    """Counts an event in the open incident of its key, or opens one; says which.

    The incident is then locked until the commit, also against a batch that would
    have opened the same one.
    """
    new = insert(IncidentRow).values(
        incident_id=new_id(),
        location_id=event.location_id,
        dedup_key=dedup_key_of(event),
        status=IncidentStatus.OPEN,
        severity=severity_of(event.detail.kind),
        title=wording.title_of(event),
        **_workflow_of(event),
        event_count=1,
        failure_count=failures_in(event),
        opened_at=at,
        last_event_at=at,
    )
    named = func.nullif(new.excluded.workflow_name, "")
    statement = new.on_conflict_do_update(
        index_elements=["location_id", "dedup_key"],
        index_where=text("status = 'open'"),
        set_={
            "event_count": IncidentRow.event_count + 1,
            "failure_count": IncidentRow.failure_count + failures_in(event),
            "last_event_at": func.greatest(IncidentRow.last_event_at, at),
            "title": new.excluded.title,
            "workflow_name": func.coalesce(named, IncidentRow.workflow_name),
        },
    ).returning(IncidentRow, literal_column("xmax = 0", Boolean))
    row, opened = (await session.execute(statement, execution_options=_FRESH)).one()
    return _from_row(row), opened


async def resolve(session: AsyncSession, event: Event, at: datetime) -> Incident | None:
    """Ends the open incident of the event's key; None when there is none."""
    statement = (
        update(IncidentRow)
        .where(_open(event.location_id, dedup_key_of(event)))
        .values(
            status=IncidentStatus.RESOLVED,
            resolved_at=func.greatest(IncidentRow.opened_at, at),
            last_event_at=func.greatest(IncidentRow.last_event_at, at),
        )
        .returning(IncidentRow)
    )
    row = await session.scalar(statement, execution_options=_FRESH)
    return _from_row(row) if row else None


async def newest(
    session: AsyncSession,
    location_id: str,
    status: IncidentStatus | None,
    after: IncidentPosition | None,
    limit: int,
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
    if after:
        query = query.where(tuple_(*order) < (after.last_event_at, after.incident_id))
    return [_from_row(row) for row in await session.scalars(query)]


# A batch may touch an incident more than once; the row read last is the true one.
_FRESH = {"populate_existing": True}


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


def _from_row(row: IncidentRow) -> Incident:
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
    )
