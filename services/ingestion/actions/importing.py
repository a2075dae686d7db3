"""Takes history in: old runs from a file, portion by portion; alerts nobody."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
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
from services.ingestion.store import Session, batches, imports, keys, partitions
from services.ingestion.store.now import now

AT_ONCE = 4000
"""Lines in one transaction; it locks their workflows only for the last quarter of its time."""
Candidates = dict[str, tuple[Execution, Line]]
"""Lines that can be recorded, by the id they would have."""


@dataclass(frozen=True, slots=True)
class _Named:
    """Some lines, ready to be recorded."""

    location_id: str
    readable: int
    candidates: Candidates


class _Ahead:
    """Reads the next lines while PostgreSQL records the last; holds two lots at most.

    What is wrong with the next is raised when they are asked for: those before stay.
    """

    def __init__(self, source: AsyncGenerator[_Named, None]) -> None:
        self._source = source
        self._coming: asyncio.Task[_Named | None] | None = None

    def look(self) -> None:
        """Begins to read the next lines."""
        self._coming = asyncio.create_task(self._read())

    async def next(self) -> _Named | None:
        """Gives the next lines; None after the last."""
        coming, self._coming = self._coming, None
        return await (coming or self._read())

    async def aclose(self) -> None:
        """Reads no further."""
        if self._coming:
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
        await self._source.aclose()

    async def _read(self) -> _Named | None:
        return await anext(self._source, None)


class Importing:
    """Records what a file tells of the past; the same file again adds nothing."""

    def __init__(self, database: Database, contacts: ContactRefs, retention: timedelta) -> None:
        self._database = database
        self._contacts = contacts
        self._retention = retention

    async def take(self, portions: AsyncIterator[Portion]) -> Imported:
        """Records all portions, several in one transaction; of what is refused those before stay."""
        imported = Imported()
        async with aclosing(_Ahead(self._named(portions, imported))) as lots:
            while (named := await lots.next()) is not None:
                await self._record(named, lots, imported)
        return imported

    async def _named(
        self, portions: AsyncIterator[Portion], imported: Imported
    ) -> AsyncGenerator[_Named, None]:
        naming = Naming()
        async for several in _together(portions):
            async with self._database.transaction() as session:
                at = await now(session)
            refused = imported.rejected
            candidates = self._candidates(several, naming, imported, at)
            readable = len(several.lines) - (imported.rejected - refused)
            yield _Named(several.location_id, readable, candidates)

    async def _record(self, named: _Named, lots: "_Ahead", imported: Imported) -> None:
        new = await self._add(named, lots) if named.candidates else 0
        imported.accepted += new
        imported.duplicates += named.readable - new

    async def _add(self, named: _Named, lots: "_Ahead") -> int:
        candidates = [execution for execution, _ in named.candidates.values()]
        async with self._database.transaction() as session:
            around = await imports.lock(session, named.location_id, candidates)
            if around.has_runs:
                candidates = await _not_in_log(session, named)
            new = await _not_reported(session, candidates, around.at)
            if new:
                await partitions.make_for(session, [each.executed_at for each in new])
                # From here on PostgreSQL works and we would wait.
                lots.look()
                # Nothing fails or recovers now, so nothing is compared with a threshold.
                await batches.remember(
                    session, new, sightings(new), at=around.at, close=around.has_open_runs
                )
        return len(new)

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


async def _not_in_log(session: Session, named: _Named) -> list[Execution]:
    asked = [(execution, line.exported_id) for execution, line in named.candidates.values()]
    known = await imports.known(session, named.location_id, asked)
    return [execution for execution, _ in asked if execution.execution_id not in known]


async def _not_reported(
    session: Session, candidates: list[Execution], at: datetime
) -> list[Execution]:
    """Gives those that were not reported lately by their own id, and claims these ids."""
    oldest_key = at - keys.KEPT
    recent = {
        Key(*each.workflow, "finished", each.run_id): each.execution_id
        for each in candidates
        if each.run_id and each.executed_at > oldest_key
    }
    if not recent:
        return candidates
    owners = await keys.claim(session, recent)
    taken = {id_ for key, id_ in recent.items() if owners[key] != id_}
    return [each for each in candidates if each.execution_id not in taken]
