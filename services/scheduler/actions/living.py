"""The life of findings: what scans said of one, and which of them people live with."""

from collections.abc import Callable, Sequence
from datetime import datetime

from libs import problems
from libs.db import outbox
from libs.db.database import Database
from services.scheduler.actions.completing import to_tell
from services.scheduler.domain.events import FindingFixed
from services.scheduler.domain.finding import Severity
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

    def __init__(self, database: Database, *, on_events: Callable[[], object]) -> None:
        self._database = database
        self._on_events = on_events

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
        """Ignores a finding, in place of what was said of it before; its incident ends."""
        async with self._database.transaction() as session:
            row = await _named(session, location_id, finding_id)
            ignore = _ignore(row, wanted, await now(session))
            await ignores.keep(session, location_id, ignore)
            if row.severity == Severity.CRITICAL:
                await outbox.add(session, to_tell([_ended(location_id, row, ignore)]))
        self._on_events()
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


def _ended(location_id: str, row: FindingRow, ignore: Ignore) -> FindingFixed:
    return FindingFixed(
        location_id=location_id,
        scan_id=row.scan_id,
        occurred_at=ignore.ignored_at,
        workflow_id=row.workflow_id,
        workflow_name=row.workflow_name,
        rule_id=row.rule_id,
        title=row.title,
        fingerprint=row.fingerprint,
        ignored_because=ignore.reason,
    )
