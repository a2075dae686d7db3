"""What scans found, what they say of each workflow, and which low scores people were told of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from libs.ids import new_id
from services.scheduler.domain.events import LowScoreAlert, PastFinding
from services.scheduler.domain.finding import Finding, Severity
from services.scheduler.domain.result import WorkflowResult
from services.scheduler.store import Transaction
from services.scheduler.store.tables import (
    FindingRow,
    ScanResultRow,
    SchedulerTable,
    ScoreAlertRow,
)

_findings = SchedulerTable.metadata.tables["findings"]
_results = SchedulerTable.metadata.tables["scan_results"]
_score_alerts = SchedulerTable.metadata.tables["score_alerts"]

NEW, OPEN = "new", "open"


async def of_baseline(session: Transaction, scan_id: str) -> dict[str, PastFinding]:
    """Gives the findings of the scan before, by fingerprint."""
    query = select(FindingRow).where(col(FindingRow.scan_id) == scan_id)
    return {
        row.fingerprint: PastFinding(
            workflow_id=row.workflow_id,
            workflow_name=row.workflow_name,
            rule_id=row.rule_id,
            title=row.title,
            severity=Severity(row.severity),
            fingerprint=row.fingerprint,
            first_seen_at=row.first_seen_at,
        )
        for row in await session.scalars(query)
    }


async def add(
    session: Transaction,
    scan_id: str,
    findings: Sequence[Finding],
    *,
    baseline: Mapping[str, PastFinding],
    now: datetime,
) -> None:
    """Adds the findings of a scan, worst first; one of the baseline keeps its first time."""
    rows = [
        {
            "id": new_id(),
            "scan_id": scan_id,
            "position": position,
            "workflow_id": finding.workflow_id,
            "workflow_name": finding.workflow_name,
            "rule_id": finding.rule_id,
            "title": finding.title,
            "severity": finding.severity,
            "penalty": finding.penalty,
            "occurrences": finding.occurrences,
            "evidence": finding.evidence,
            "remedy": finding.remedy,
            "fingerprint": finding.fingerprint,
            "state": OPEN if finding.fingerprint in baseline else NEW,
            "first_seen_at": _first_seen(baseline.get(finding.fingerprint), now),
            "execution_ids": list(finding.execution_ids),
        }
        for position, finding in enumerate(findings)
    ]
    if rows:
        await session.execute(insert(_findings), rows)


def _first_seen(past: PastFinding | None, now: datetime) -> datetime:
    return past.first_seen_at if past else now


async def add_results(
    session: Transaction, scan_id: str, results: Sequence[WorkflowResult]
) -> None:
    """Adds what a scan says of each workflow, lowest score first."""
    rows = [
        {
            "scan_id": scan_id,
            "position": position,
            "workflow_id": result.workflow_id,
            "workflow_name": result.workflow_name,
            "score": result.score.value,
            "runs": result.runs,
            "deductions": [asdict(each) for each in result.score.deductions],
            "assessed_rule_ids": list(result.assessed_rule_ids),
            "not_assessed": [
                {"rule_id": each.rule_id, "lacks": each.lacks} for each in result.not_assessed
            ],
        }
        for position, result in enumerate(results)
    ]
    if rows:
        await session.execute(insert(_results), rows)


async def page(
    session: Transaction, scan_id: str, *, severity: Severity | None, after: int, limit: int
) -> list[FindingRow]:
    """Gives findings of a scan, worst first, after the position of the page before."""
    query = select(FindingRow).where(
        col(FindingRow.scan_id) == scan_id, col(FindingRow.position) > after
    )
    if severity is not None:
        query = query.where(col(FindingRow.severity) == severity)
    return list(await session.scalars(query.order_by(col(FindingRow.position)).limit(limit)))


async def result_page(
    session: Transaction, scan_id: str, *, after: int, limit: int
) -> list[ScanResultRow]:
    """Gives results of a scan, lowest score first, after the position of the page before."""
    query = select(ScanResultRow).where(
        col(ScanResultRow.scan_id) == scan_id, col(ScanResultRow.position) > after
    )
    return list(await session.scalars(query.order_by(col(ScanResultRow.position)).limit(limit)))


async def low_scores(session: Transaction, location_id: str) -> dict[str, LowScoreAlert]:
    """Gives the alerts on low scores that stand, by workflow id."""
    query = select(ScoreAlertRow).where(col(ScoreAlertRow.location_id) == location_id)
    return {
        row.workflow_id: LowScoreAlert(frozenset(row.critical_rule_ids), row.alerted_at)
        for row in await session.scalars(query)
    }


async def keep_low_scores(
    session: Transaction, location_id: str, alerts: Mapping[str, LowScoreAlert]
) -> None:
    """Replaces the alerts on low scores that stand in a location."""
    await session.execute(
        delete(ScoreAlertRow).where(col(ScoreAlertRow.location_id) == location_id)
    )
    rows = [
        {
            "location_id": location_id,
            "workflow_id": workflow_id,
            "alerted_at": alert.alerted_at,
            "critical_rule_ids": sorted(alert.critical_rule_ids),
        }
        for workflow_id, alert in alerts.items()
    ]
    if rows:
        await session.execute(insert(_score_alerts), rows)
