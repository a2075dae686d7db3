"""Ends a scan: compares what it says, and writes all of it, with what people are told, at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from libs.db import outbox
from libs.db.outbox import OutboxEvent
from libs.ids import new_id
from services.scheduler.domain.comparison import Comparison, KnownFinding, compare
from services.scheduler.domain.events import Event, ScanFacts, announced
from services.scheduler.domain.finding import Finding, worst_first
from services.scheduler.domain.result import WorkflowResult, lowest_first
from services.scheduler.domain.summary import Baseline, ScanSummary, summarized
from services.scheduler.store import (
    Transaction,
    findings,
    known_findings,
    progress,
    queue,
    scans,
    schedules,
)
from services.scheduler.store.findings import FoundFinding
from services.scheduler.store.now import now
from services.scheduler.store.queue import Claimed, Outcome
from services.scheduler.store.scans import Scan

MOST_NAMED = 5


async def complete(
    session: Transaction,
    claimed: Claimed,
    results: Iterable[WorkflowResult],
    unknown: Sequence[str],
    *,
    cut_short: str = "",
    ghl_calls: int = 0,
) -> None:
    """Ends a scan with what it says of each workflow.

    `unknown` are the selected ones nobody has ever seen; `cut_short` says what could not be read.
    """
    scan, at, ordered = claimed.scan, await now(session), lowest_first(results)
    known = await known_findings.relevant(session, scan.location_id, _fingerprints(ordered))
    comparison = compare(ordered, known)
    baseline, took = await _baseline(session, scan), at - (scan.started_at or at)
    summary = summarized(ordered, comparison, baseline, took=took, ghl_calls=ghl_calls)
    summary = _naming(summary, unknown, cut_short)
    partial = bool(unknown or cut_short)
    outcome = Outcome(workflows_scanned=len(ordered), partial=partial, summary=summary)
    # The schedule before the scan, as firing locks them: else the two could wait for each other.
    await schedules.note_scan(session, scan.schedule_id)
    await queue.complete(session, claimed.lease, outcome)
    await progress.forget(session, scan.scan_id)
    await _keep_findings(session, scan, ordered, comparison, known)
    await findings.add_results(session, scan.scan_id, ordered)
    facts = ScanFacts(
        location_id=scan.location_id,
        scan_id=scan.scan_id,
        trigger=scan.trigger,
        partial=partial,
        started_at=scan.started_at or at,
        completed_at=at,
        results=ordered,
        comparison=comparison,
        summary=summary,
    )
    await _announce(session, facts)


async def _announce(session: Transaction, facts: ScanFacts) -> None:
    announcement = announced(facts, await findings.low_scores(session, facts.location_id))
    await findings.keep_low_scores(session, facts.location_id, announcement.low_scores)
    await outbox.add(session, to_tell(announcement.events))


def to_tell(events: Iterable[Event]) -> list[OutboxEvent]:
    """Gives the events as the outbox keeps them."""
    return [OutboxEvent(each.kind, each.to_payload(), new_id()) for each in events]


async def _baseline(session: Transaction, scan: Scan) -> Baseline | None:
    before = await scans.baseline(session, scan)
    if before is None:
        return None
    return Baseline(
        scan_id=before.scan_id,
        score=before.summary.score if before.summary else None,
        workflow_ids=await findings.workflow_ids(session, before.scan_id),
    )


async def _keep_findings(
    session: Transaction,
    scan: Scan,
    results: Sequence[WorkflowResult],
    comparison: Comparison,
    known: Mapping[str, KnownFinding],
) -> None:
    at = await now(session)
    states = comparison.states()
    workflows = {each.workflow_id: each for each in results}
    found = [
        FoundFinding(
            finding=each,
            state=states[each.fingerprint],
            first_seen_at=_first_seen(known, each, at),
            points_if_fixed=workflows[each.workflow_id].gains.get(each.fingerprint),
            workflow_version=workflows[each.workflow_id].version,
        )
        for each in worst_first(_all_findings(results))
    ]
    finding_ids = await findings.add(session, scan.scan_id, found)
    fixed = [each.last_finding_id for each in comparison.fixed]
    await findings.add_fixed(session, scan.scan_id, fixed, after=len(found))
    await known_findings.keep(session, scan.location_id, comparison, finding_ids=finding_ids, at=at)


def _all_findings(results: Iterable[WorkflowResult]) -> Iterable[Finding]:
    return (each for result in results for each in (*result.findings, *result.ignored))


def _fingerprints(results: Iterable[WorkflowResult]) -> set[str]:
    return {each.fingerprint for each in _all_findings(results)}


def _first_seen(known: Mapping[str, KnownFinding], finding: Finding, now: datetime) -> datetime:
    before = known.get(finding.fingerprint)
    return before.first_seen_at if before else now


def _naming(summary: ScanSummary, unknown: Sequence[str], cut_short: str) -> ScanSummary:
    """Lets the summary name what was not found and what could not be read."""
    named = ", ".join(unknown[:MOST_NAMED])
    more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
    parts = (summary.text, f"Never seen: {named}{more}." if unknown else "", cut_short)
    return replace(summary, text=" ".join(filter(None, parts)))
