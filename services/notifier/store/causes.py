"""Finds which open incident stands for which others, and notes it."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, literal, literal_column, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db import arrays
from libs.db.exchange import Question, exchange, text_of
from services.notifier.domain.event import Event
from services.notifier.domain.incident import Incident, cause_key_of, same_error_key
from services.notifier.domain.scope import INSTALLATION
from services.notifier.store.incidents import from_row, open_of
from services.notifier.store.tables import IncidentRow

_NOTE = "UPDATE incidents SET caused_by = $1 WHERE incident_id = ANY (CAST($2 AS text[]))"
OPEN_IN_INSTALLATION = text_of(
    select(col(IncidentRow.dedup_key), col(IncidentRow.incident_id)).where(
        col(IncidentRow.location_id) == INSTALLATION.location_id,
        col(IncidentRow.dedup_key) == literal_column("ANY (CAST($1 AS text[]))"),
        text("status = 'open'"),
    )
)


def noting(cause_of: Mapping[str, str]) -> list[Question]:
    """Notes which incident stands for each of several; nothing for one that stands for itself."""
    caused: dict[str, list[str]] = {}
    for each, cause in sorted(cause_of.items()):
        caused.setdefault(cause, []).append(each)
    return [Question(_NOTE, [each, arrays.texts(ids)]) for each, ids in sorted(caused.items())]


async def spread_of(session: AsyncSession, incident: Incident) -> str:
    """Gives the open incident of the same error in many locations; nothing when there is none."""
    if not incident.error_fingerprint:
        return ""
    key = same_error_key(incident.error_fingerprint)
    return (await open_in_installation(session, [key])).get(key, "")


async def affected_by(session: AsyncSession, cause: Incident, most: int) -> Sequence[Incident]:
    """Gives the open incidents that an incident stands for, and those that noted so."""
    query = (
        select(IncidentRow)
        .where(or_(col(IncidentRow.caused_by) == cause.incident_id, _is_failing_with(cause)))
        .order_by(col(IncidentRow.location_id), col(IncidentRow.dedup_key))
        .limit(most)
    )
    return [from_row(row) for row in await session.scalars(query)]


async def open_in_installation(session: AsyncSession, keys: Collection[str]) -> dict[str, str]:
    """Gives the ids of the open incidents of the whole installation, by dedup key."""
    answers = await exchange(session, asking_in_installation(keys))
    return dict(answers.get(OPEN_IN_INSTALLATION, ()))


def asking_in_installation(keys: Collection[str]) -> list[Question]:
    """Gives the statement of `open_in_installation`; none without keys."""
    return [Question(OPEN_IN_INSTALLATION, [arrays.texts(sorted(keys))])] if keys else []


async def cause_of(session: AsyncSession, event: Event) -> str:
    """Gives the open incident that stands for such an event; nothing when there is none."""
    key = cause_key_of(event)
    cause = await open_of(session, event.location_id, key) if key else None
    return cause.incident_id if cause else ""


async def open_cause(session: AsyncSession, incident: Incident) -> str:
    """Gives the open incident that stands for another one; nothing when there is none."""
    if not incident.dedup_key.startswith("fail:"):
        return ""
    cause = await open_of(session, incident.location_id, f"conn:{incident.location_id}")
    return cause.incident_id if cause else ""


def _is_failing_with(cause: Incident) -> ColumnElement[bool]:
    """Says in SQL that an open incident has a cause, whether or not it was noted yet."""
    kind, _, subject = cause.dedup_key.partition(":")
    failing = and_(col(IncidentRow.dedup_key).startswith("fail:"), text("status = 'open'"))
    if kind == "conn":
        return and_(failing, col(IncidentRow.location_id) == subject)
    return and_(failing, col(IncidentRow.error_fingerprint) == subject, literal(kind == "err"))
