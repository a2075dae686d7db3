"""Which findings of a location are ignored."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.ignoring import Ignore
from services.scheduler.store import Transaction
from services.scheduler.store.tables import FindingRow, IgnoredFindingRow, SchedulerTable

_table = SchedulerTable.metadata.tables["ignored_findings"]


async def of_location(session: Transaction, location_id: str) -> list[Ignore]:
    """Gives what is ignored in a location, what has ended included."""
    query = select(IgnoredFindingRow).where(col(IgnoredFindingRow.location_id) == location_id)
    return [_ignore(row) for row in await session.scalars(query)]


async def keep(session: Transaction, location_id: str, ignore: Ignore) -> None:
    """Ignores a finding, in place of what was said of it before."""
    values = asdict(ignore)
    statement = insert(_table).values(location_id=location_id, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["location_id", "fingerprint"], set_=values)
    )


async def end(session: Transaction, location_id: str, fingerprint: str) -> None:
    """Lets a finding count again; nothing happens when it already does."""
    await session.execute(
        delete(IgnoredFindingRow).where(
            col(IgnoredFindingRow.location_id) == location_id,
            col(IgnoredFindingRow.fingerprint) == fingerprint,
        )
    )


async def of_findings(
    session: Transaction, location_id: str, fingerprints: Sequence[str]
) -> dict[str, Ignore]:
    """Gives what is said of these findings and has not ended by its date, by fingerprint."""
    query = select(IgnoredFindingRow).where(
        col(IgnoredFindingRow.location_id) == location_id,
        col(IgnoredFindingRow.fingerprint).in_(fingerprints),
        _undated_or_to_come(),
    )
    return {row.fingerprint: _ignore(row) for row in await session.scalars(query)}


def holding(location_id: str) -> ColumnElement[bool]:
    """Says, in a query on findings, whether one is ignored now."""
    version, of_finding = col(IgnoredFindingRow.workflow_version), col(FindingRow.workflow_version)
    return (
        select(IgnoredFindingRow)
        .where(
            and_(
                col(IgnoredFindingRow.location_id) == location_id,
                col(IgnoredFindingRow.fingerprint) == col(FindingRow.fingerprint),
                _undated_or_to_come(),
                or_(version.is_(None), of_finding.is_(None), version == of_finding),
            )
        )
        .exists()
    )


def _undated_or_to_come() -> ColumnElement[bool]:
    until = col(IgnoredFindingRow.until)
    return or_(until.is_(None), until > func.clock_now())


def _ignore(row: IgnoredFindingRow) -> Ignore:
    return Ignore(
        fingerprint=row.fingerprint,
        reason=row.reason,
        ignored_by=row.ignored_by,
        ignored_at=row.ignored_at,
        until=row.until,
        workflow_version=row.workflow_version,
    )
