"""Scans one location: gathers what is known and judges it."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from libs.db.database import Database
from services.scheduler.actions import completing
from services.scheduler.domain.evidence import (
    LocationEvidence,
    RunHistory,
    WorkflowEvidence,
)
from services.scheduler.domain.ignoring import Ignores
from services.scheduler.domain.result import WorkflowResult, examined
from services.scheduler.domain.schedule import ScanScope
from services.scheduler.peers import IngestionPeer, SeenWorkflow
from services.scheduler.store import ignores, progress, queue
from services.scheduler.store.now import now
from services.scheduler.store.queue import Claimed, Lease
from services.scheduler.store.scans import Scan

log = structlog.get_logger()

CHUNK = 20
"""Workflows that are judged at a time; so many are looked at again when a process dies."""


class Scanning:
    """Does what a scan is there for."""

    def __init__(
        self, database: Database, ingestion: IngestionPeer, *, on_events: Callable[[], object]
    ) -> None:
        self._database = database
        self._ingestion = ingestion
        self._on_events = on_events

    async def scan(self, claimed: Claimed) -> None:
        """Carries out a scan; raises when it cannot, or may no longer."""
        in_scope, unknown = await self._scope(claimed.scan)
        total = len(in_scope) + len(unknown)
        results = await self._examine(claimed, in_scope, total)
        async with self._database.transaction() as session:
            await completing.complete(session, claimed, results, unknown)
        self._on_events()

    async def _scope(self, scan: Scan) -> tuple[list[SeenWorkflow], list[str]]:
        """Gives the workflows in scope, and the selected ones that nobody has ever seen."""
        seen = {
            each.workflow_id: each for each in await self._ingestion.workflows(scan.location_id)
        }
        if scan.scan_scope is ScanScope.SELECTED:
            selected = scan.selected_workflow_ids
            unknown = [each for each in selected if each not in seen]
            return [seen[each] for each in selected if each in seen], unknown
        if scan.scan_scope is ScanScope.ALL:
            return list(seen.values()), []
        async with self._database.transaction() as session:
            at = await now(session)
        return [each for each in seen.values() if _active(each, at)], []

    async def _examine(
        self, claimed: Claimed, workflows: Sequence[SeenWorkflow], total: int
    ) -> list[WorkflowResult]:
        """Judges the workflows that earlier attempts have not; gives the results of all."""
        location = LocationEvidence(location_id=claimed.scan.location_id)
        ignoring = await self._ignores(location.location_id)
        results = await self._resumed(claimed, total, {each.workflow_id for each in workflows})
        done = {each.workflow_id for each in results}
        left = [each for each in workflows if each.workflow_id not in done]
        for start in range(0, len(left), CHUNK):
            chunk = left[start : start + CHUNK]
            ids = [each.workflow_id for each in chunk]
            histories = await self._ingestion.histories(location.location_id, ids)
            found = [
                _examined(workflow, history, location, ignoring)
                for workflow, history in zip(chunk, histories, strict=True)
            ]
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


def _active(workflow: SeenWorkflow, at: datetime) -> bool:
    history = RunHistory(
        workflow_id=workflow.workflow_id,
        as_of=at,
        last_execution_at=workflow.last_execution_at,
    )
    return WorkflowEvidence(workflow_id=workflow.workflow_id, history=history).active


def _examined(
    workflow: SeenWorkflow, history: RunHistory, location: LocationEvidence, ignoring: Ignores
) -> WorkflowResult:
    evidence = WorkflowEvidence(
        workflow_id=workflow.workflow_id, workflow_name=workflow.name, history=history
    )
    result = examined(evidence, location, ignoring)
    for each in result.not_assessed:
        if each.error is not None:
            log.error("rule.failed", rule_id=each.rule_id, exc_info=each.error)
    return result
