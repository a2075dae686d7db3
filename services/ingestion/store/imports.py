"""What an import has to know of the log before it adds to it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
from libs.db.exchange import Question, exchange
from services.ingestion.domain.execution import Execution

# Of two imports of the same file at the same moment the later one waits for
# each portion of the other, and then finds it.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('import ' || CAST($1 AS text), 0))"
# A file mostly tells of a time of which the log knows nothing yet: then no line is looked up.
SURROUNDINGS = """
    SELECT clock_now(),
        EXISTS (
            SELECT FROM execution_logs
            WHERE location_id = $1 AND executed_at BETWEEN
                CAST($2 AS timestamptz) AND CAST($3 AS timestamptz)
        ),
        EXISTS (SELECT FROM open_runs WHERE location_id = $1)
"""
# LIMIT keeps the lines apart: joined with all at once the location would be read as a whole.
KNOWN = """
    SELECT DISTINCT CAST(given.derived_id AS text)
    FROM unnest(
        CAST($2 AS uuid[]), CAST($3 AS uuid[]), CAST($4 AS timestamptz[])
    ) AS given (derived_id, exported_id, executed_at)
    CROSS JOIN LATERAL (
        SELECT FROM execution_logs AS run
        WHERE run.location_id = $1 AND run.executed_at = given.executed_at
            AND run.execution_id IN (given.derived_id, given.exported_id)
        LIMIT 1
    ) AS run
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is where lines are to be added."""

    at: datetime
    """The time of the transaction."""
    has_runs: bool
    """Whether the location has runs between the oldest and the newest line."""
    has_open_runs: bool
    """Whether a run of the location began and was not reported to end."""


async def lock(
    session: AsyncSession, location_id: str, lines: Collection[Execution]
) -> Surroundings:
    """Keeps other imports of the location waiting until the transaction ends, and looks around."""
    moments = [each.executed_at for each in lines]
    given = [location_id, min(moments).isoformat(), max(moments).isoformat()]
    asked = [Question(LOCK, [location_id]), Question(SURROUNDINGS, given)]
    ((at, has_runs, has_open_runs),) = (await exchange(session, asked))[SURROUNDINGS]
    return Surroundings(at, has_runs, has_open_runs)


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
