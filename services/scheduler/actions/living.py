"""The life of findings: what scans said of one, and which of them people live with."""

from collections.abc import Sequence
from datetime import datetime

from libs import problems
from libs.db.database import Database
from services.scheduler.domain.ignoring import (
    Ignore,
    IgnoreEndsInThePast,
    Ignoring,
    WorkflowVersionUnknown,
)
from services.scheduler.store import Transaction, findings, ignores
from services.scheduler.store.findings import SeenFinding, seen
from services.scheduler.store.now import now
from services.scheduler.store.tables import FindingRow

MOST_SIGHTINGS = 50


class FindingNotFound(problems.NotFound):
    """The location has no such finding."""

    reason = "FINDING_NOT_FOUND"


class Living:
    """Shows single findings, and ignores them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(
        self, location_id: str, finding_id: str
    ) -> tuple[SeenFinding, Sequence[SeenFinding]]:
        """Gives one finding, and what scans said of it, newest first."""
        async with self._database.transaction() as session:
            row = await _named(session, location_id, finding_id)
            found = await findings.sightings(
                session, location_id, row.fingerprint, limit=MOST_SIGHTINGS
            )
            one, *sightings = await seen(session, location_id, [row, *found])
        return one, sightings

    async def ignore(self, location_id: str, finding_id: str, wanted: Ignoring) -> SeenFinding:
        """Ignores a finding, in place of what was said of it before."""
        async with self._database.transaction() as session:
            row = await _named(session, location_id, finding_id)
            ignore = _ignore(row, wanted, await now(session))
            await ignores.keep(session, location_id, ignore)
        return SeenFinding(row, ignore)

    async def unignore(self, location_id: str, finding_id: str) -> SeenFinding:
        """Lets a finding count again from the next scan on."""
        async with self._database.transaction() as session:
            row = await _named(session, location_id, finding_id)
            await ignores.end(session, location_id, row.fingerprint)
        return SeenFinding(row)


async def _named(session: Transaction, location_id: str, finding_id: str) -> FindingRow:
    row = await findings.get(session, location_id, finding_id)
    if row is None:
        raise FindingNotFound(finding_id=finding_id)
    return row


def _ignore(row: FindingRow, wanted: Ignoring, at: datetime) -> Ignore:
    if wanted.until is not None and wanted.until <= at:
        raise IgnoreEndsInThePast.at("until")
    if wanted.until_version_changes and row.workflow_version is None:
        raise WorkflowVersionUnknown
    return Ignore(
        fingerprint=row.fingerprint,
        reason=wanted.reason,
        ignored_by=wanted.actor,
        ignored_at=at,
        until=wanted.until,
        workflow_version=row.workflow_version if wanted.until_version_changes else None,
    )
