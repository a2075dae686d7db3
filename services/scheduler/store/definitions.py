"""The definitions of workflows; they may hold keys and addresses, so their content lies sealed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.upload import KeptDefinition, Origin
from services.scheduler.store import Transaction
from services.scheduler.store.tables import DefinitionRow

KEPT = (
    DefinitionRow.workflow_id,
    DefinitionRow.origin,
    DefinitionRow.read_at,
    DefinitionRow.uploaded_by,
    DefinitionRow.name,
    DefinitionRow.status,
    DefinitionRow.step_count,
    DefinitionRow.size,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDefinition:
    """A definition with its content, sealed; `digest` and `size` are of what was sealed."""

    workflow_id: str
    origin: Origin
    content: bytes = field(repr=False)
    digest: bytes
    size: int
    name: str
    status: str
    step_count: int
    uploaded_by: str = ""


async def put(session: Transaction, location_id: str, definition: SealedDefinition) -> datetime:
    """Keeps a definition, in place of the one of the same origin; gives when."""
    values = {
        "content": definition.content,
        "digest": definition.digest,
        "size": definition.size,
        "name": definition.name,
        "status": definition.status,
        "step_count": definition.step_count,
        "read_at": func.clock_now(),
        "uploaded_by": definition.uploaded_by,
    }
    key = {"location_id": location_id, "workflow_id": definition.workflow_id}
    at: datetime | None = await session.scalar(
        insert(DefinitionRow)
        .values(**key, origin=definition.origin, **values)
        .on_conflict_do_update(constraint="workflow_definitions_pkey", set_=values)
        .returning(col(DefinitionRow.read_at))
    )
    assert at is not None, "the statement gives back the row it wrote"
    return at


async def digest(
    session: Transaction, location_id: str, workflow_id: str, origin: Origin
) -> bytes | None:
    """Gives the digest of what is kept; None when nothing is."""
    query = select(col(DefinitionRow.digest)).where(
        col(DefinitionRow.location_id) == location_id,
        col(DefinitionRow.workflow_id) == workflow_id,
        col(DefinitionRow.origin) == origin,
    )
    return await session.scalar(query)


async def kept(
    session: Transaction, location_id: str, workflow_ids: Collection[str] | None = None
) -> dict[str, list[KeptDefinition]]:
    """Gives what is kept of workflows, by workflow id; of the whole location without ids."""
    query = select(*map(col, KEPT)).where(col(DefinitionRow.location_id) == location_id)
    if workflow_ids is not None:
        query = query.where(col(DefinitionRow.workflow_id).in_(workflow_ids))
    found: dict[str, list[KeptDefinition]] = {}
    for row in await session.execute(query.order_by(col(DefinitionRow.origin))):
        found.setdefault(row.workflow_id, []).append(
            KeptDefinition(
                workflow_id=row.workflow_id,
                origin=Origin(row.origin),
                read_at=row.read_at,
                uploaded_by=row.uploaded_by,
                name=row.name,
                status=row.status,
                step_count=row.step_count,
                size=row.size,
            )
        )
    return found


async def contents(
    session: Transaction, location_id: str, origins: Mapping[str, Origin]
) -> dict[str, bytes]:
    """Gives sealed contents by workflow id, each of the origin that is asked for."""
    query = select(
        col(DefinitionRow.workflow_id), col(DefinitionRow.origin), col(DefinitionRow.content)
    ).where(
        col(DefinitionRow.location_id) == location_id,
        col(DefinitionRow.workflow_id).in_(list(origins)),
    )
    return {
        row.workflow_id: row.content
        for row in await session.execute(query)
        if row.origin == origins[row.workflow_id]
    }
