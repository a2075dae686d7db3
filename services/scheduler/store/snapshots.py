"""What HighLevel's list last said of the workflows of each location."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.evidence import WorkflowSnapshot
from services.scheduler.domain.workflow import KnownWorkflow, ListedWorkflow, status_of
from services.scheduler.store import Transaction
from services.scheduler.store.tables import SnapshotRow

AT_ONCE = 1_000


async def of_location(session: Transaction, location_id: str) -> dict[str, KnownWorkflow]:
    """Gives what is known, by workflow id."""
    query = select(SnapshotRow).where(col(SnapshotRow.location_id) == location_id)
    return {row.workflow_id: known_of(row) for row in await session.scalars(query)}


async def named(
    session: Transaction, location_id: str, workflow_ids: Collection[str]
) -> dict[str, KnownWorkflow]:
    """Gives what is known of some workflows, by their ids."""
    query = select(SnapshotRow).where(
        col(SnapshotRow.location_id) == location_id, col(SnapshotRow.workflow_id).in_(workflow_ids)
    )
    return {row.workflow_id: known_of(row) for row in await session.scalars(query)}


async def keep(
    session: Transaction, location_id: str, listed: Sequence[ListedWorkflow], *, whole: bool
) -> None:
    """Keeps what the list says now; notes what it has no more, if it was read whole."""
    for start in range(0, len(listed), AT_ONCE):
        await _put(session, location_id, listed[start : start + AT_ONCE])
    if whole:
        await session.execute(
            update(SnapshotRow)
            .where(
                col(SnapshotRow.location_id) == location_id,
                col(SnapshotRow.vanished_at).is_(None),
                col(SnapshotRow.last_seen_at) < func.clock_now(),
            )
            .values(vanished_at=func.clock_now())
        )


async def note_scanned(
    session: Transaction, location_id: str, workflow_ids: Collection[str]
) -> None:
    """Notes how a completed scan saw workflows; one that is gone has no status then."""
    gone = col(SnapshotRow.vanished_at).is_not(None)
    await session.execute(
        update(SnapshotRow)
        .where(
            col(SnapshotRow.location_id) == location_id,
            col(SnapshotRow.workflow_id).in_(workflow_ids),
        )
        .values(
            scanned_at=func.clock_now(),
            scanned_status=case((gone, None), else_=col(SnapshotRow.status)),
            scanned_version=case((gone, None), else_=col(SnapshotRow.version)),
        )
    )


def known_of(row: SnapshotRow) -> KnownWorkflow:
    """Reads a row."""
    seen = WorkflowSnapshot(
        status=None if row.scanned_status is None else status_of(row.scanned_status),
        version=row.scanned_version,
    )
    return KnownWorkflow(
        listed=ListedWorkflow(
            workflow_id=row.workflow_id,
            name=row.name,
            status=row.status,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        ),
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        vanished_at=row.vanished_at,
        previous=None if row.scanned_at is None else seen,
    )


async def _put(session: Transaction, location_id: str, listed: Sequence[ListedWorkflow]) -> None:
    rows = [_values(location_id, each) for each in listed]
    statement = insert(SnapshotRow).values(rows)
    said = ("name", "status", "version", "created_at", "updated_at", "last_seen_at", "vanished_at")
    await session.execute(
        statement.on_conflict_do_update(
            constraint="workflow_snapshots_pkey",
            set_={name: statement.excluded[name] for name in said},
        )
    )


def _values(location_id: str, listed: ListedWorkflow) -> Mapping[str, Any]:
    return {
        "location_id": location_id,
        "workflow_id": listed.workflow_id,
        "name": listed.name,
        "status": listed.status,
        "version": listed.version,
        "created_at": listed.created_at,
        "updated_at": listed.updated_at,
        "first_seen_at": func.clock_now(),
        "last_seen_at": func.clock_now(),
        "vanished_at": None,
    }
