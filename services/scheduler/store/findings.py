"""What scans found, what they say of each workflow, and which low scores people were told of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from libs.ids import new_id
from services.scheduler.domain.events import LowScoreAlert
from services.scheduler.domain.finding import Finding, FindingState, Severity
from services.scheduler.domain.ignoring import Ignore
from services.scheduler.domain.result import WorkflowResult
from services.scheduler.store import Transaction, ignores
from services.scheduler.store.now import now
from services.scheduler.store.tables import (
    FindingRow,
    ScanResultRow,
    ScanRow,
    SchedulerTable,
    ScoreAlertRow,
)

_findings = SchedulerTable.metadata.tables["findings"]
_results = SchedulerTable.metadata.tables["scan_results"]
_score_alerts = SchedulerTable.metadata.tables["score_alerts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFinding:
    """A finding as a scan keeps it."""

    finding: Finding
    state: FindingState
    first_seen_at: datetime
    points_if_fixed: int | None = None
    workflow_version: int | None = None


async def add(session: Transaction, scan_id: str, found: Sequence[FoundFinding]) -> dict[str, str]:
    """Adds the findings of a scan, worst first; gives their ids, by fingerprint."""
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "scan_id": scan_id,
            "position": position,
            "workflow_id": each.finding.workflow_id,
            "workflow_name": each.finding.workflow_name,
            "rule_id": each.finding.rule_id,
            "title": each.finding.title,
            "severity": each.finding.severity,
            "penalty": each.finding.penalty,
            "occurrences": each.finding.occurrences,
            "evidence": each.finding.evidence,
            "remedy": each.finding.remedy,
            "fingerprint": each.finding.fingerprint,
            "state": each.state,
            "first_seen_at": each.first_seen_at,
            "execution_ids": list(each.finding.execution_ids),
            "place_id": each.finding.place,
            "place_name": each.finding.place_name,
            "points_if_fixed": each.points_if_fixed,
            "workflow_version": each.workflow_version,
        }
        for position, each in enumerate(found)
    ]
    if rows:
        await session.execute(insert(_findings), rows)
    return {row["fingerprint"]: row["id"] for row in rows}


async def add_fixed(
    session: Transaction, scan_id: str, finding_ids: Sequence[str], *, after: int
) -> None:
    """Adds, behind what a scan found, what it no longer did: as it was last found."""
    query = select(_findings).where(_findings.c.id.in_(finding_ids)).order_by(_findings.c.id)
    rows = [
        {
            **last,
            "id": new_id(),
            "scan_id": scan_id,
            "position": after + position,
            "state": FindingState.FIXED,
            "points_if_fixed": None,
        }
        for position, last in enumerate((await session.execute(query)).mappings())
    ]
    if rows:
        await session.execute(insert(_findings), rows)


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
            "ceiling": result.score.ceiling,
            "ceiling_reason": result.score.ceiling_reason,
            "coverage": [asdict(each) for each in result.coverage],
        }
        for position, result in enumerate(results)
    ]
    if rows:
        await session.execute(insert(_results), rows)


@dataclass(frozen=True, slots=True)
class SeenFinding:
    """A finding as a scan kept it, and why it is ignored now, if it is."""

    row: FindingRow
    ignored: Ignore | None = None

    @property
    def state(self) -> FindingState:
        """How it stands: what is ignored since the scan is ignored at once."""
        kept = FindingState(self.row.state)
        ignored = self.ignored is not None and kept is not FindingState.FIXED
        return FindingState.IGNORED if ignored else kept


async def seen(
    session: Transaction, location_id: str, rows: Sequence[FindingRow]
) -> list[SeenFinding]:
    """Gives findings with why they are ignored now."""
    at = await now(session)
    said = await ignores.of_findings(session, location_id, [row.fingerprint for row in rows])

    def of(row: FindingRow) -> Ignore | None:
        ignore = said.get(row.fingerprint)
        return ignore if ignore and ignore.holds(at, row.workflow_version) else None

    return [SeenFinding(row, of(row)) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """Which findings of a scan are wanted; what is empty does not matter.

    Without a state these are all but the fixed ones, which the scan did not find.
    """

    state: FindingState | None = None
    severity: Severity | None = None
    rule_id: str = ""
    workflow_id: str = ""


async def page(
    session: Transaction,
    location_id: str,
    scan_id: str,
    wanted: FindingFilter,
    *,
    after: int,
    limit: int,
) -> list[FindingRow]:
    """Gives findings of a scan, worst first, after the position of the page before."""
    query = select(FindingRow).where(
        col(FindingRow.scan_id) == scan_id, col(FindingRow.position) > after
    )
    query = query.where(_in_state(location_id, wanted.state))
    if wanted.severity is not None:
        query = query.where(col(FindingRow.severity) == wanted.severity)
    if wanted.rule_id:
        query = query.where(col(FindingRow.rule_id) == wanted.rule_id)
    if wanted.workflow_id:
        query = query.where(col(FindingRow.workflow_id) == wanted.workflow_id)
    return list(await session.scalars(query.order_by(col(FindingRow.position)).limit(limit)))


def _in_state(location_id: str, state: FindingState | None) -> ColumnElement[bool]:
    kept = col(FindingRow.state)
    if state is None:
        return kept != FindingState.FIXED
    if state is FindingState.FIXED:
        return kept == state
    # What is ignored since the scan is shown as ignored at once.
    ignored = ignores.holding(location_id)
    if state is FindingState.IGNORED:
        return (kept == state) | ((kept != FindingState.FIXED) & ignored)
    return (kept == state) & ~ignored


async def get(session: Transaction, location_id: str, finding_id: str) -> FindingRow | None:
    """Gives one finding of a location."""
    query = select(FindingRow).where(col(FindingRow.id) == finding_id, _of(location_id))
    row: FindingRow | None = await session.scalar(query)
    return row


async def of_scan(session: Transaction, scan_id: str) -> list[FindingRow]:
    """Gives all findings of a scan, worst first, the fixed ones last."""
    query = select(FindingRow).where(col(FindingRow.scan_id) == scan_id)
    return list(await session.scalars(query.order_by(col(FindingRow.position))))


async def sightings(
    session: Transaction, location_id: str, fingerprint: str, *, limit: int
) -> list[FindingRow]:
    """Gives what scans said of one finding, newest first."""
    query = select(FindingRow).where(col(FindingRow.fingerprint) == fingerprint, _of(location_id))
    return list(await session.scalars(query.order_by(col(FindingRow.id).desc()).limit(limit)))


def _of(location_id: str) -> ColumnElement[bool]:
    return exists().where(
        col(ScanRow.id) == col(FindingRow.scan_id), col(ScanRow.location_id) == location_id
    )


async def result_page(
    session: Transaction, scan_id: str, *, after: int, limit: int
) -> list[ScanResultRow]:
    """Gives results of a scan, lowest score first, after the position of the page before."""
    query = select(ScanResultRow).where(
        col(ScanResultRow.scan_id) == scan_id, col(ScanResultRow.position) > after
    )
    return list(await session.scalars(query.order_by(col(ScanResultRow.position)).limit(limit)))


async def results_of(session: Transaction, scan_id: str) -> list[ScanResultRow]:
    """Gives what a scan says of all its workflows, lowest score first."""
    query = select(ScanResultRow).where(col(ScanResultRow.scan_id) == scan_id)
    return list(await session.scalars(query.order_by(col(ScanResultRow.position))))


async def workflow_ids(session: Transaction, scan_id: str) -> frozenset[str]:
    """Gives the workflows a scan looked at."""
    query = select(col(ScanResultRow.workflow_id)).where(col(ScanResultRow.scan_id) == scan_id)
    return frozenset(await session.scalars(query))


async def low_scores(session: Transaction, location_id: str) -> dict[str, LowScoreAlert]:
    """Gives the alerts on low scores that stand, by workflow id."""
    query = select(ScoreAlertRow).where(col(ScoreAlertRow.location_id) == location_id)
    return {
        row.workflow_id: LowScoreAlert(
            frozenset(row.critical_rule_ids),
            row.alerted_at,
            row.workflow_version,
            critical=row.critical,
        )
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
            "workflow_version": alert.workflow_version,
            "critical": alert.critical,
        }
        for workflow_id, alert in alerts.items()
    ]
    if rows:
        await session.execute(insert(_score_alerts), rows)
