"""How workflows changed in GoHighLevel: one row for each state that was reported."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.change import WorkflowChange, WorkflowState
from services.ingestion.store.rollups import KEPT

COLUMNS = "changed_at, name, status, version, previous_name, previous_status, previous_version"
# In the order in which batches lock workflows, and like them in a statement of its own.
KNOW = text("""
    INSERT INTO workflows AS known (location_id, workflow_id, name, named_at, first_seen_at)
    SELECT :location_id, workflow_id, name, CASE WHEN name <> '' THEN clock_now() END, clock_now()
    FROM unnest(CAST(:workflow_ids AS text[]), CAST(:names AS text[])) AS told (workflow_id, name)
    ON CONFLICT ON CONSTRAINT workflows_pkey DO UPDATE SET
        name = CASE
            WHEN excluded.named_at >= coalesce(known.named_at, '-infinity') THEN excluded.name
            ELSE known.name
        END,
        named_at = greatest(known.named_at, excluded.named_at)
""")
NEWEST = text(f"""
    SELECT DISTINCT ON (workflow_id) workflow_id, {COLUMNS} FROM workflow_changes
    WHERE location_id = :location_id AND workflow_id = ANY (CAST(:workflow_ids AS text[]))
    ORDER BY workflow_id, changed_at DESC
""")  # noqa: S608  no value is in the text
ADD = text(f"""
    INSERT INTO workflow_changes (location_id, workflow_id, {COLUMNS})
    SELECT :location_id, told.* FROM unnest(
        CAST(:workflow_ids AS text[]), CAST(:changed_at AS timestamptz[]),
        CAST(:names AS text[]), CAST(:statuses AS text[]), CAST(:versions AS bigint[]),
        CAST(:previous_names AS text[]), CAST(:previous_statuses AS text[]),
        CAST(:previous_versions AS bigint[])
    ) AS told
    ON CONFLICT ON CONSTRAINT workflow_changes_pkey DO UPDATE SET
        name = excluded.name, status = excluded.status, version = excluded.version
""")  # noqa: S608
# The state that a workflow is in stays, however old it is.
FORGET = text("""
    DELETE FROM workflow_changes AS old
    WHERE changed_at <= clock_now() - CAST(:kept AS interval) AND EXISTS (
        SELECT FROM workflow_changes AS later
        WHERE later.location_id = old.location_id AND later.workflow_id = old.workflow_id
            AND later.changed_at > old.changed_at
    )
""")


async def know(session: AsyncSession, location_id: str, told: Sequence[WorkflowState]) -> None:
    """Makes workflows known by their names, and locks them; they must be sorted by id."""
    given = {
        "location_id": location_id,
        "workflow_ids": [each.workflow_id for each in told],
        "names": [each.name for each in told],
    }
    await session.execute(KNOW, given)


async def newest(
    session: AsyncSession, location_id: str, workflow_ids: Collection[str]
) -> dict[str, WorkflowChange]:
    """Gives the newest change of each workflow that has one."""
    given = {"location_id": location_id, "workflow_ids": list(workflow_ids)}
    return {row[0]: read(row[1:]) for row in await session.execute(NEWEST, given)}


async def add(
    session: AsyncSession, location_id: str, changes: Mapping[str, WorkflowChange]
) -> None:
    """Adds a change for each of several workflows; one of the same moment is corrected."""
    if not changes:
        return
    added = list(changes.values())
    await session.execute(
        ADD,
        {
            "location_id": location_id,
            "workflow_ids": list(changes),
            "changed_at": [each.changed_at for each in added],
            "names": [each.name for each in added],
            "statuses": [each.status for each in added],
            "versions": [each.version for each in added],
            "previous_names": [each.previous_name for each in added],
            "previous_statuses": [each.previous_status for each in added],
            "previous_versions": [each.previous_version for each in added],
        },
    )


def read(row: Sequence[object]) -> WorkflowChange:
    """Reads a change out of `COLUMNS`."""
    names = COLUMNS.split(", ")
    return WorkflowChange(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]


async def forget_expired(session: AsyncSession) -> None:
    """Removes the changes that are older than what roll-ups tell, but for the newest."""
    await session.execute(FORGET, {"kept": KEPT})
