"""How the workflows of locations changed, as far as scans saw it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, tuple_
from sqlmodel import col

from libs.ids import new_id
from services.scheduler.domain.workflow import ChangeKind, WorkflowChange
from services.scheduler.store import Transaction
from services.scheduler.store.tables import WorkflowChangeRow

KEPT = timedelta(days=400)
Position = tuple[datetime, str]


async def add(session: Transaction, location_id: str, changes: Iterable[WorkflowChange]) -> None:
    """Adds changes."""
    rows = [{"location_id": location_id, "id": new_id(), **asdict(each)} for each in changes]
    if rows:
        await session.execute(insert(WorkflowChangeRow), rows)


async def since(
    session: Transaction, location_id: str, workflow_ids: Collection[str], at: datetime
) -> dict[str, list[WorkflowChange]]:
    """Gives the changes of workflows from a time on, newest first, by workflow id."""
    query = (
        select(WorkflowChangeRow)
        .where(
            col(WorkflowChangeRow.location_id) == location_id,
            col(WorkflowChangeRow.workflow_id).in_(workflow_ids),
            col(WorkflowChangeRow.changed_at) >= at,
        )
        .order_by(col(WorkflowChangeRow.changed_at).desc(), col(WorkflowChangeRow.id).desc())
    )
    found: dict[str, list[WorkflowChange]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.workflow_id, []).append(change_of(row))
    return found


async def page(
    session: Transaction,
    location_id: str,
    workflow_id: str,
    *,
    before: Position | None,
    limit: int,
) -> Sequence[WorkflowChangeRow]:
    """Gives changes of a location, or of one workflow, newest first."""
    position = (col(WorkflowChangeRow.changed_at), col(WorkflowChangeRow.id))
    query = select(WorkflowChangeRow).where(col(WorkflowChangeRow.location_id) == location_id)
    if workflow_id:
        query = query.where(col(WorkflowChangeRow.workflow_id) == workflow_id)
    if before is not None:
        query = query.where(tuple_(*position) < tuple_(*before))
    query = query.order_by(*(each.desc() for each in position)).limit(limit)
    return (await session.scalars(query)).all()


async def forget_old(session: Transaction, location_id: str) -> None:
    """Forgets the changes of a location that are older than 400 days."""
    await session.execute(
        delete(WorkflowChangeRow).where(
            col(WorkflowChangeRow.location_id) == location_id,
            col(WorkflowChangeRow.changed_at) < func.clock_now() - KEPT,
        )
    )


def change_of(row: WorkflowChangeRow) -> WorkflowChange:
    """Reads a row."""
    return WorkflowChange(
        workflow_id=row.workflow_id,
        kind=ChangeKind(row.kind),
        changed_at=row.changed_at,
        name=row.name,
        status=row.status,
        version=row.version,
        previous_name=row.previous_name,
        previous_status=row.previous_status,
        previous_version=row.previous_version,
    )
