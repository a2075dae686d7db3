"""What an import has to know of the log before it adds to it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
from libs.db.exchange import Question, exchange
from services.ingestion.domain.execution import Execution
from services.ingestion.store.keys import CLOCK

# Of two imports of the same file at the same moment the later one waits for
# each portion of the other, and then finds it.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('import ' || CAST($1 AS text), 0))"
# OFFSET keeps the location out of the inner search: by the index of the location each
# line would read all of its runs.
KNOWN = """
    SELECT DISTINCT CAST(given.derived_id AS text)
    FROM unnest(
        CAST($2 AS uuid[]), CAST($3 AS uuid[]), CAST($4 AS timestamptz[])
    ) AS given (derived_id, exported_id, executed_at)
    CROSS JOIN LATERAL (
        SELECT location_id FROM execution_logs AS run
        WHERE run.executed_at = given.executed_at
            AND run.execution_id IN (given.derived_id, given.exported_id)
        OFFSET 0
    ) AS run
    WHERE run.location_id = $1
"""


async def lock(session: AsyncSession, location_id: str) -> datetime:
    """Keeps other imports of the location waiting until the transaction ends; gives its time."""
    answers = await exchange(session, [Question(LOCK, [location_id]), Question(CLOCK)])
    ((at,),) = answers[CLOCK]
    return cast("datetime", at)


async def known(
    session: AsyncSession, location_id: str, wanted: Sequence[tuple[Execution, str]]
) -> Collection[str]:
    """Gives the ids of those that are in the log already, under it or the id they were exported with."""
    given = (
        location_id,
        arrays.texts([execution.execution_id for execution, _ in wanted]),
        # Two of the same where a line was never exported: an array of ids has no empty one.
        arrays.texts([exported_id or execution.execution_id for execution, exported_id in wanted]),
        arrays.moments([execution.executed_at for execution, _ in wanted]),
    )
    return {row[0] for row in (await exchange(session, [Question(KNOWN, given)]))[KNOWN]}
