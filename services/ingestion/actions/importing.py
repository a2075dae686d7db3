"""Takes history in: old runs from a file, portion by portion; alerts nobody."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from libs import problems
from libs.db.database import Database
from services.ingestion.domain.contact import ContactRefs
from services.ingestion.domain.execution import Execution, Key
from services.ingestion.domain.recording import Rejection
from services.ingestion.domain.transfer import (
    MOST_LINES,
    Imported,
    Line,
    LocationDiffers,
    Naming,
    Portion,
    TooManyLines,
)
from services.ingestion.domain.workflow import sightings
from services.ingestion.store import Transaction, batches, imports, keys, partitions

AT_ONCE = 2000
"""Lines in one transaction."""
Candidates = dict[str, tuple[Execution, Line]]
"""Lines that can be recorded, by the id they would have."""


class Importing:
    """Records what a file tells of the past; the same file again adds nothing."""

    def __init__(self, database: Database, contacts: ContactRefs, retention: timedelta) -> None:
        self._database = database
        self._contacts = contacts
        self._retention = retention

    async def take(self, portions: AsyncIterator[Portion]) -> Imported:
        """Records all portions, several in one transaction; of what is refused those before stay."""
        imported, naming = Imported(), Naming()
        async for several in _together(portions):
            await self._take_one(several, naming, imported)
        return imported

    async def _take_one(self, portion: Portion, naming: Naming, imported: Imported) -> None:
        async with self._database.transaction() as session:
            at, refused = await imports.lock(session, portion.location_id), imported.rejected
            wanted = self._candidates(portion, naming, imported, at)
            new = await _unknown(session, portion.location_id, wanted, at)
            if new:
                await partitions.make_for(session, {each.executed_at for each in new})
                # Nothing fails or recovers now, so nothing is compared with a threshold.
                await batches.remember(session, new, sightings(new), at=at)
        readable = len(portion.lines) - (imported.rejected - refused)
        imported.accepted += len(new)
        imported.duplicates += readable - len(new)

    def _candidates(
        self, portion: Portion, naming: Naming, imported: Imported, at: datetime
    ) -> Candidates:
        found: Candidates = {}
        for line in portion.lines:
            try:
                execution = self._execution(line, naming, at)
            except problems.InvalidRequest as problem:
                imported.reject(line.number, Rejection.of(problem))
            else:
                found.setdefault(execution.execution_id, (execution, line))
        return found

    def _execution(self, line: Line, naming: Naming, at: datetime) -> Execution:
        if isinstance(line.content, Rejection):
            raise line.content.problem()
        report = line.content
        ref = self._contacts.newest(report.location_id, report.contact_id)
        execution = naming.execution_of(line, report, at, self._retention)
        execution.contact_ref = ref
        return execution


async def _together(portions: AsyncIterator[Portion]) -> AsyncIterator[Portion]:
    """Puts portions together: a transaction costs the same, whatever is in it."""
    held: list[Line] = []
    location_id, taken = "", 0
    try:
        async for portion in portions:
            if location_id not in ("", portion.location_id):
                raise LocationDiffers.at("location_id")
            taken += len(portion.lines)
            if taken > MOST_LINES:
                raise TooManyLines.at("lines")
            location_id = portion.location_id
            held += portion.lines
            if len(held) >= AT_ONCE:
                yield Portion(location_id, held)
                held = []
    except problems.Problem:
        if held:
            yield Portion(location_id, held)
        raise
    if held:
        yield Portion(location_id, held)


async def _unknown(
    session: Transaction, location_id: str, wanted: Candidates, at: datetime
) -> list[Execution]:
    """Gives those that are not in the log, and were not reported lately by their own id."""
    asked = [(execution, line.exported_id) for execution, line in wanted.values()]
    known = await imports.known(session, location_id, asked)
    unknown = [execution for execution, _ in asked if execution.execution_id not in known]
    recent = {
        Key(*each.workflow, "finished", each.run_id): each.execution_id
        for each in unknown
        if each.run_id and each.executed_at > at - keys.KEPT
    }
    owners = await keys.claim(session, recent)
    taken = {id_ for key, id_ in recent.items() if owners[key] != id_}
    return [each for each in unknown if each.execution_id not in taken]
