"""The workflows that are known of a location, whether HighLevel's list or only an upload has them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, union
from sqlmodel import col

from services.scheduler.domain.upload import KeptDefinition
from services.scheduler.domain.workflow import KnownWorkflow
from services.scheduler.store import Transaction, definitions, snapshots
from services.scheduler.store.tables import DefinitionRow, SnapshotRow


@dataclass(frozen=True, slots=True)
class Recalled:
    """A workflow as it is known; `known` is None when HighLevel's list never had it."""

    workflow_id: str
    known: KnownWorkflow | None
    definitions: Sequence[KeptDefinition]


async def page(session: Transaction, location_id: str, *, after: str, limit: int) -> list[Recalled]:
    """Gives workflows of a location, by their ids, after the last one of the page before."""
    ids = await _ids(session, location_id, after=after, limit=limit)
    known = await snapshots.named(session, location_id, ids)
    kept = await definitions.kept(session, location_id, ids)
    return [Recalled(id_, known.get(id_), kept.get(id_, ())) for id_ in ids]


async def _ids(session: Transaction, location_id: str, *, after: str, limit: int) -> Sequence[str]:
    parts = (
        select(col(row.workflow_id))
        .where(col(row.location_id) == location_id, col(row.workflow_id) > after)
        .order_by(col(row.workflow_id))
        .limit(limit)
        .subquery()
        for row in (SnapshotRow, DefinitionRow)
    )
    found = union(*(select(part.c.workflow_id) for part in parts)).subquery()
    query = select(found.c.workflow_id).order_by(found.c.workflow_id).limit(limit)
    return (await session.scalars(query)).all()
