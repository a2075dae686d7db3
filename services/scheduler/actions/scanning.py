"""Scans one location: gathers what is known, judges it, compares, and writes all of it at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from libs.db import outbox
from libs.db.database import Database
from libs.db.outbox import OutboxEvent
from libs.ids import new_id
from services.scheduler.domain.comparison import compare
from services.scheduler.domain.events import Event, ScanFacts, announced
from services.scheduler.domain.evidence import (
    LocationEvidence,
    RunHistory,
    WorkflowEvidence,
)
from services.scheduler.domain.finding import Finding, Severity
from services.scheduler.domain.result import WorkflowResult, examined
from services.scheduler.domain.schedule import ScanScope
from services.scheduler.domain.summary import ScanSummary, summarized
from services.scheduler.peers import MOST_HISTORIES, IngestionPeer, SeenWorkflow
from services.scheduler.store import Transaction, findings, queue, scans, schedules
from services.scheduler.store.now import now
from services.scheduler.store.queue import Claimed, Lease, Outcome
from services.scheduler.store.scans import Scan

log = structlog.get_logger()

MOST_NAMED = 5
SEVERITIES = tuple(Severity)


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
        results = await self._examine(claimed.lease, in_scope, total, claimed.scan.location_id)
        async with self._database.transaction() as session:
            await _complete(session, claimed, sorted(results, key=_by_score), unknown)
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
        self, lease: Lease, workflows: Sequence[SeenWorkflow], total: int, location_id: str
    ) -> list[WorkflowResult]:
        location = LocationEvidence(location_id=location_id)
        results: list[WorkflowResult] = []
        await self._note_progress(lease, total, 0)
        for start in range(0, len(workflows), MOST_HISTORIES):
            chunk = workflows[start : start + MOST_HISTORIES]
            ids = [each.workflow_id for each in chunk]
            histories = await self._ingestion.histories(location_id, ids)
            results += [
                _examined(workflow, history, location)
                for workflow, history in zip(chunk, histories, strict=True)
            ]
            await self._note_progress(lease, total, len(results))
        return results

    async def _note_progress(self, lease: Lease, total: int, scanned: int) -> None:
        async with self._database.transaction() as session:
            await queue.note_progress(session, lease, total=total, scanned=scanned)


def to_tell(events: Iterable[Event]) -> list[OutboxEvent]:
    """Gives the events as the outbox keeps them."""
    return [OutboxEvent(each.kind, each.to_payload(), new_id()) for each in events]


def _active(workflow: SeenWorkflow, at: datetime) -> bool:
    history = RunHistory(
        workflow_id=workflow.workflow_id,
        as_of=at,
        last_execution_at=workflow.last_execution_at,
    )
    return WorkflowEvidence(workflow_id=workflow.workflow_id, history=history).active


def _examined(
    workflow: SeenWorkflow, history: RunHistory, location: LocationEvidence
) -> WorkflowResult:
    evidence = WorkflowEvidence(
        workflow_id=workflow.workflow_id, workflow_name=workflow.name, history=history
    )
    result = examined(evidence, location)
    for each in result.not_assessed:
        if each.error is not None:
            log.error("rule.failed", rule_id=each.rule_id, exc_info=each.error)
    return result


async def _complete(
    session: Transaction, claimed: Claimed, results: Sequence[WorkflowResult], unknown: list[str]
) -> None:
    scan, at = claimed.scan, await now(session)
    found = [finding for result in results for finding in result.findings]
    baseline_id = await scans.baseline_id(session, scan)
    baseline = await findings.of_baseline(session, baseline_id)
    comparison = compare(found, baseline.keys())
    summary = summarized(results, comparison, compared_with_scan_id=baseline_id)
    summary = _naming(summary, unknown)
    outcome = Outcome(workflows_scanned=len(results), partial=bool(unknown), summary=summary)
    # The schedule before the scan, as firing locks them: else the two could wait for each other.
    await schedules.note_scan(session, scan.schedule_id)
    await queue.complete(session, claimed.lease, outcome)
    ordered = sorted(found, key=_worst_first)
    await findings.add(session, scan.scan_id, ordered, baseline=baseline, now=at)
    await findings.add_results(session, scan.scan_id, results)
    facts = ScanFacts(
        location_id=scan.location_id,
        scan_id=scan.scan_id,
        trigger=scan.trigger,
        partial=bool(unknown),
        started_at=scan.started_at or at,
        completed_at=at,
        results=results,
        comparison=comparison,
        summary=summary,
        fixed=[baseline[mark] for mark in sorted(comparison.fixed)],
    )
    announcement = announced(facts, await findings.low_scores(session, scan.location_id))
    await findings.keep_low_scores(session, scan.location_id, announcement.low_scores)
    await outbox.add(session, to_tell(announcement.events))


def _naming(summary: ScanSummary, unknown: Sequence[str]) -> ScanSummary:
    """Lets the summary name the selected workflows that were not found."""
    if not unknown:
        return summary
    named = ", ".join(unknown[:MOST_NAMED])
    more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
    return replace(summary, text=f"{summary.text} Never seen: {named}{more}.")


def _by_score(result: WorkflowResult) -> tuple[bool, int, str]:
    score = result.score.value
    return score is None, score or 0, result.workflow_id


def _worst_first(finding: Finding) -> tuple[int, float, str, str]:
    rank = SEVERITIES.index(finding.severity)
    return rank, -finding.penalty, finding.workflow_id, finding.fingerprint
