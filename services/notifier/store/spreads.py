"""Finds the same error in many locations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db.exchange import Question, exchange
from services.notifier.domain.decision import Suppression
from services.notifier.domain.scope import INSTALLATION
from services.notifier.store.deliveries import NEWS, PENDING
from services.notifier.store.tables import DeliveryRow, IncidentRow, TargetRow

WINDOW = timedelta(minutes=30)

# What an open incident of many locations has told of already is no news. One that
# an expired connection stands for has a cause of its own.
FOUND = """
SELECT failing.error_fingerprint, count(DISTINCT failing.location_id),
       array_agg(failing.incident_id ORDER BY failing.incident_id)
           FILTER (WHERE failing.caused_by IS DISTINCT FROM spread.incident_id),
       count(*), spread.incident_id
FROM incidents AS failing
LEFT JOIN incidents AS spread ON spread.location_id = '' AND spread.status = 'open'
    AND spread.dedup_key = 'err:' || failing.error_fingerprint
LEFT JOIN incidents AS cause ON cause.incident_id = failing.caused_by
WHERE failing.error_fingerprint <> '' AND failing.location_id <> ''
  AND failing.last_event_at > clock_now() - CAST($1 AS interval)
  AND (cause.incident_id IS NULL OR cause.status = 'resolved' OR cause.incident_id = spread.incident_id)
GROUP BY failing.error_fingerprint, spread.incident_id
HAVING count(DISTINCT failing.location_id) >= CAST($2 AS bigint) OR spread.incident_id IS NOT NULL
ORDER BY failing.error_fingerprint
"""
LOCATIONS = text("""
SELECT count(*) FROM (
    SELECT location_id FROM alert_settings WHERE location_id <> ''
    UNION SELECT location_id FROM incidents WHERE location_id <> ''
) AS known
""")
# Of its incidents none may be left: locations are deleted.
OVER = """
SELECT spread.incident_id, spread.dedup_key,
       coalesce(max(failing.resolved_at), spread.last_event_at)
FROM incidents AS spread LEFT JOIN incidents AS failing ON failing.caused_by = spread.incident_id
WHERE spread.location_id = '' AND spread.status = 'open' AND spread.dedup_key LIKE 'err:%'
  AND spread.affected_count > 0
GROUP BY spread.incident_id, spread.dedup_key
HAVING coalesce(bool_and(failing.status = 'resolved'), true)
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """An error that several locations have."""

    fingerprint: str
    location_count: int
    new_incident_ids: Sequence[str]
    """Those of its incidents that are not told of with it yet."""

    workflow_count: int
    is_open: bool


async def look(
    session: AsyncSession, least: int
) -> tuple[Sequence[Spread], Sequence[tuple[str, str, str]]]:
    """Gives the errors of the last half hour in at least so many locations, or that are told of now.

    Also gives the incidents of many locations of which nothing is open: id,
    fingerprint, and since when.
    """
    window = f"{WINDOW.total_seconds()} seconds"
    asked = [Question(FOUND, [window, str(least)]), Question(OVER)]
    answers = await exchange(session, asked)
    return [_spread(*row) for row in answers[FOUND]], [_over(*row) for row in answers[OVER]]


async def location_count(session: AsyncSession) -> int:
    """Gives how many locations are known."""
    return int((await session.scalars(LOCATIONS)).one())


async def example(session: AsyncSession, incident_id: str) -> tuple[str, str]:
    """Gives what the error of an incident said last, and its class."""
    query = text("""
        SELECT payload->>'error_message', payload->>'error_class' FROM events
        WHERE incident_id = :incident_id AND kind = 'workflow_failing'
        ORDER BY received_at DESC LIMIT 1
    """)
    row = (await session.execute(query, {"incident_id": incident_id})).first()
    return (row[0] or "", row[1] or "") if row else ("", "")


async def join(session: AsyncSession, incident_ids: Sequence[str], spread_id: str) -> None:
    """Notes that incidents are told of with an error of many locations; the installation is spared them."""
    members = col(IncidentRow.incident_id).in_(list(incident_ids))
    await session.execute(update(IncidentRow).where(members).values(caused_by=spread_id))
    of_all = select(func.count()).where(col(IncidentRow.caused_by) == spread_id).scalar_subquery()
    await session.execute(
        update(IncidentRow)
        .where(col(IncidentRow.incident_id) == spread_id)
        .values(affected_count=of_all)
    )
    of_installation = select(col(TargetRow.target_id)).where(
        col(TargetRow.location_id) == INSTALLATION.location_id
    )
    await session.execute(
        update(DeliveryRow)
        .where(
            PENDING,
            NEWS,
            col(DeliveryRow.message_id).is_(None),
            col(DeliveryRow.incident_id).in_(list(incident_ids)),
            col(DeliveryRow.target_id).in_(of_installation),
        )
        .values(
            status="suppressed",
            suppressed_because=Suppression.INHIBITED,
            suppressed_by=spread_id,
            next_attempt_at=None,
        )
    )


def _spread(
    fingerprint: str, locations: int, new: Sequence[str] | None, workflows: int, told_by: str | None
) -> Spread:
    return Spread(fingerprint, locations, new or [], workflows, is_open=told_by is not None)


def _over(incident_id: str, key: str, since: datetime) -> tuple[str, str, str]:
    return incident_id, key.removeprefix("err:"), since.isoformat()
