"""What all scans of a location together know of its findings: since when, and how each stands."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, cast, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.comparison import Comparison, KnownFinding, Standing
from services.scheduler.domain.finding import Severity
from services.scheduler.store import Transaction
from services.scheduler.store.tables import KnownFindingRow, SchedulerTable

_table = SchedulerTable.metadata.tables["known_findings"]
MOST_ROWS = 1_000
"""A statement's: more parameters than 65,535 do not fit into one."""


async def relevant(
    session: Transaction, location_id: str, fingerprints: Collection[str]
) -> dict[str, KnownFinding]:
    """Gives the findings of a location that are not fixed, and of the others those named."""
    query = select(KnownFindingRow).where(
        col(KnownFindingRow.location_id) == location_id,
        or_(
            col(KnownFindingRow.standing) != Standing.FIXED,
            col(KnownFindingRow.fingerprint) == _any(fingerprints),
        ),
    )
    return {row.fingerprint: _known(row) for row in await session.scalars(query)}


async def standing(
    session: Transaction,
    location_id: str,
    workflow_ids: Collection[str],
    rule_ids: Collection[str],
) -> dict[str, frozenset[str]]:
    """Gives, by workflow, which of these rules have findings of it that are not fixed."""
    query = select(KnownFindingRow).where(
        col(KnownFindingRow.location_id) == location_id,
        col(KnownFindingRow.workflow_id).in_(workflow_ids),
        col(KnownFindingRow.rule_id).in_(rule_ids),
        col(KnownFindingRow.standing) != Standing.FIXED,
    )
    found: dict[str, set[str]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.workflow_id, set()).add(row.rule_id)
    return {workflow_id: frozenset(rules) for workflow_id, rules in found.items()}


async def keep(
    session: Transaction,
    location_id: str,
    comparison: Comparison,
    *,
    finding_ids: Mapping[str, str],
    at: datetime,
) -> None:
    """Keeps how a location's findings stand after a scan that gave them these ids."""
    standings = dict.fromkeys(comparison.in_drafts, Standing.DRAFT) | dict.fromkeys(
        (each.fingerprint for each in comparison.ignored), Standing.IGNORED
    )
    rows = [
        {
            "location_id": location_id,
            "fingerprint": each.fingerprint,
            "workflow_id": each.workflow_id,
            "workflow_name": each.workflow_name,
            "rule_id": each.rule_id,
            "title": each.title,
            "severity": each.severity,
            "standing": standings.get(each.fingerprint, Standing.OPEN),
            "first_seen_at": at,
            "last_seen_at": at,
            "last_finding_id": finding_ids[each.fingerprint],
        }
        for each in (*comparison.risen, *comparison.known, *comparison.ignored)
    ]
    for start in range(0, len(rows), MOST_ROWS):
        await _put(session, rows[start : start + MOST_ROWS])
    fixed = [each.fingerprint for each in comparison.fixed]
    await session.execute(
        update(KnownFindingRow)
        .where(
            col(KnownFindingRow.location_id) == location_id,
            col(KnownFindingRow.fingerprint) == _any(fixed),
        )
        .values(standing=Standing.FIXED)
    )


async def _put(session: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    statement = insert(_table).values(rows)
    changing = (
        "workflow_name",
        "title",
        "severity",
        "standing",
        "last_seen_at",
        "last_finding_id",
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["location_id", "fingerprint"],
            set_={name: statement.excluded[name] for name in changing},
        )
    )


def _any(fingerprints: Collection[str]) -> Any:
    # One parameter, however many there are.
    return any_(cast(list(fingerprints), ARRAY(Text)))


def _known(row: KnownFindingRow) -> KnownFinding:
    return KnownFinding(
        fingerprint=row.fingerprint,
        workflow_id=row.workflow_id,
        workflow_name=row.workflow_name,
        rule_id=row.rule_id,
        title=row.title,
        severity=Severity(row.severity),
        standing=Standing(row.standing),
        first_seen_at=row.first_seen_at,
        last_finding_id=row.last_finding_id,
    )
