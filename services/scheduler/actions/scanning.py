"""Scans one location: gathers what is known and judges it."""

from collections.abc import Callable, Iterable, Sequence

import structlog

from libs.db.database import Database
from services.scheduler.actions import completing
from services.scheduler.actions.gathering import Gathered, Gathering
from services.scheduler.domain.evidence import LocationEvidence, WorkflowEvidence
from services.scheduler.domain.ignoring import Ignores
from services.scheduler.domain.result import WorkflowResult, examined
from services.scheduler.domain.rules.rule import Gap
from services.scheduler.store import ignores, progress, queue, snapshots
from services.scheduler.store.now import now
from services.scheduler.store.queue import Claimed, Lease

log = structlog.get_logger()

CHUNK = 20
"""Workflows that are judged at a time; so many are looked at again when a process dies."""


class Scanning:
    """Does what a scan is there for."""

    def __init__(
        self, database: Database, gathering: Gathering, *, on_events: Callable[[], object]
    ) -> None:
        self._database = database
        self._gathering = gathering
        self._on_events = on_events

    async def scan(self, claimed: Claimed) -> None:
        """Carries out a scan; raises when it cannot, or may no longer."""
        gathered = await self._gathering.gather(claimed.scan)
        results = await self._examine(claimed, gathered)
        async with self._database.transaction() as session:
            await completing.complete(
                session,
                claimed,
                results,
                gathered.unknown,
                cut_short=gathered.location.cut_short or _cut_short_before(results),
                ghl_calls=gathered.ghl_calls,
            )
            if gathered.list_read:
                ids = [each.workflow_id for each in results]
                await snapshots.note_scanned(session, claimed.scan.location_id, ids)
        self._on_events()

    async def _examine(self, claimed: Claimed, gathered: Gathered) -> list[WorkflowResult]:
        """Judges the workflows that earlier attempts have not; gives the results of all."""
        total = len(gathered.subjects) + len(gathered.unknown)
        ignoring = await self._ignores(gathered.location.location_id)
        in_scope = {each.workflow_id for each in gathered.subjects}
        results = await self._resumed(claimed, total, in_scope)
        done = {each.workflow_id for each in results}
        left = [each for each in gathered.subjects if each.workflow_id not in done]
        for start in range(0, len(left), CHUNK):
            evidence = await self._gathering.evidence(gathered, left[start : start + CHUNK])
            found = [_examined(each, gathered.location, ignoring) for each in evidence]
            await self._note_progress(claimed.lease, total, len(results), found)
            results += found
        return results

    async def _ignores(self, location_id: str) -> Ignores:
        async with self._database.transaction() as session:
            return Ignores(await ignores.of_location(session, location_id), await now(session))

    async def _resumed(
        self, claimed: Claimed, total: int, in_scope: set[str]
    ) -> list[WorkflowResult]:
        """Gives what earlier attempts found, unless the scope is not what it was."""
        scan_id = claimed.scan.scan_id
        async with self._database.transaction() as session:
            found = await progress.kept(session, scan_id)
            if any(each.workflow_id not in in_scope for each in found):
                await progress.forget(session, scan_id)
                found = []
            await queue.note_progress(session, claimed.lease, total=total, scanned=len(found))
        return found

    async def _note_progress(
        self, lease: Lease, total: int, position: int, found: Sequence[WorkflowResult]
    ) -> None:
        scanned = position + len(found)
        async with self._database.transaction() as session:
            await queue.note_progress(session, lease, total=total, scanned=scanned)
            if scanned < total:
                await progress.keep(session, lease.scan_id, position, found)


def _cut_short_before(results: Iterable[WorkflowResult]) -> str:
    """Says what an earlier attempt could not read of workflows that were not judged again."""
    gaps = (each for result in results for each in result.coverage if each.id is Gap.CUT_SHORT)
    return next((each.detail for each in gaps), "")


def _examined(
    evidence: WorkflowEvidence, location: LocationEvidence, ignoring: Ignores
) -> WorkflowResult:
    result = examined(evidence, location, ignoring)
    for each in result.not_assessed:
        if each.error is not None:
            log.error("rule.failed", rule_id=each.rule_id, exc_info=each.error)
    return result
