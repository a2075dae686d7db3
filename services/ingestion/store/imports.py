"""What an import has to know of the log before it adds to it."""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.execution import Execution

# Of two imports of the same file at the same moment the later one waits for
# each portion of the other, and then finds it.
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('import ' || :location_id, 0))")
KNOWN = text("""
    SELECT DISTINCT CAST(given.derived_id AS text)
    FROM unnest(
        CAST(:derived_ids AS uuid[]), CAST(:exported_ids AS uuid[]), CAST(:moments AS timestamptz[])
    ) AS given (derived_id, exported_id, executed_at)
    JOIN execution_logs AS run ON run.executed_at = given.executed_at
        AND run.execution_id IN (given.derived_id, given.exported_id)
    WHERE run.location_id = :location_id
""")


async def lock(session: AsyncSession, location_id: str) -> None:
    """Keeps other imports of the location waiting until the transaction ends."""
    await session.execute(LOCK, {"location_id": location_id})


async def known(
    session: AsyncSession, location_id: str, wanted: Sequence[tuple[Execution, str]]
) -> Collection[str]:
    """Gives the ids of those that are in the log already, under it or the id they were exported with."""
    found = await session.scalars(
        KNOWN,
        {
            "location_id": location_id,
            "derived_ids": [execution.execution_id for execution, _ in wanted],
            "exported_ids": [exported_id or None for _, exported_id in wanted],
            "moments": [execution.executed_at for execution, _ in wanted],
        },
    )
    return set(found)
