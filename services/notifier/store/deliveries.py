"""Reads and writes `deliveries`: what was decided, and what became of it."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs import metrics
from libs.db.exchange import Question, exchange, text_of
from services.notifier.domain.decision import Hold, Suppression
from services.notifier.domain.delivery import (
    Delivery,
    DeliveryFilter,
    DeliveryNotFound,
    DeliveryStatus,
    Draft,
)
from services.notifier.domain.folding import packed
from services.notifier.domain.incident import IncidentStatus
from services.notifier.domain.message import Occasion
from services.notifier.domain.pace import lane_of
from services.notifier.domain.scope import Scope
from services.notifier.store.incidents import AMONG
from services.notifier.store.tables import DeliveryRow, IncidentRow

ADD = """
INSERT INTO deliveries
    (delivery_id, location_id, incident_id, event_id, target_id, channel, sent_to, occasion,
     subject, lane, content, status, suppressed_because, attempts, last_error, created_at,
     next_attempt_at, held_until, held_because, suppressed_by)
SELECT delivery_id, location_id, incident_id, event_id, target_id, channel, sent_to, occasion,
       subject, lane, content, status, suppressed_because, 0, '', clock_now(),
       CASE WHEN status = 'pending' THEN clock_now() + wait END,
       CASE WHEN held_because <> '' THEN clock_now() + wait END, held_because,
       suppressed_by
FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS decided
    (delivery_id text, location_id text, incident_id text, event_id text, target_id text,
     channel text, sent_to text, occasion text, subject text, lane smallint, content jsonb,
     status text, suppressed_because text, wait interval, held_because text,
     suppressed_by text)
"""

KEPT = (None, Suppression.TARGET_DISABLED)
"""What may be sent later is kept whole."""

NEWS = col(DeliveryRow.occasion).in_(
    [Occasion.OPENED, Occasion.RAISED, Occasion.REMINDER, Occasion.UPDATE]
)
"""Tells that something is wrong."""

TOLD = and_(NEWS, col(DeliveryRow.status) != DeliveryStatus.SUPPRESSED)
PENDING = col(DeliveryRow.status) == DeliveryStatus.PENDING

HEARD_OF = text_of(
    select(col(IncidentRow.incident_id)).where(
        AMONG,
        text("status = 'open'"),
        exists().where(col(DeliveryRow.incident_id) == IncidentRow.incident_id, TOLD),
    )
)
"""Asks for those open incidents of pairs of location and dedup key that somebody was told of."""

WAITING_ENDINGS = text_of(
    select(col(IncidentRow.location_id), col(IncidentRow.dedup_key))
    .join(DeliveryRow, col(DeliveryRow.incident_id) == IncidentRow.incident_id)
    .where(AMONG, PENDING, col(DeliveryRow.occasion) == Occasion.RESOLVED)
)
"""Asks for those pairs of location and dedup key of which a message waits that it is over."""


async def add(session: AsyncSession, drafts: Sequence[Draft]) -> None:
    """Writes what was decided; what is to be sent is due after its wait."""
    await exchange(session, adding(drafts))
    count(drafts)


def adding(drafts: Sequence[Draft]) -> list[Question]:
    """Gives the statement of `add`; none without drafts."""
    rows = [_row(draft) for draft in drafts]
    return [Question(ADD, [json.dumps(rows)])] if rows else []


def count(drafts: Sequence[Draft]) -> None:
    """Shows in the metrics what was decided."""
    for draft in drafts:
        metrics.NOTIFICATIONS.labels(
            channel=draft.target.channel if draft.target else "",
            result=draft.mute.because if draft.mute else DeliveryStatus.PENDING,
        ).inc()


async def heard_of(session: AsyncSession, incident_ids: Collection[str]) -> Collection[str]:
    """Gives those incidents of which somebody was told, or is going to be."""
    query = select(col(DeliveryRow.incident_id)).where(
        col(DeliveryRow.incident_id).in_(list(incident_ids)), TOLD
    )
    return {each for each in await session.scalars(query) if each}


async def waiting_for(session: AsyncSession, incident_id: str) -> Collection[str]:
    """Gives the targets for which it waits that an incident is open."""
    of_incident = col(DeliveryRow.incident_id) == incident_id
    query = select(col(DeliveryRow.target_id)).where(of_incident, NEWS, PENDING)
    return {each for each in await session.scalars(query) if each}


async def close_openings(session: AsyncSession, incident_id: str) -> Sequence[str]:
    """Gives the targets that must hear that an incident is over.

    Those are the ones that were told of it, and those for which that still waits:
    there it is folded into the message that it is over. An attempt that is under
    way may still deliver it; then both arrive, in order.
    """
    opening = (col(DeliveryRow.incident_id) == incident_id, NEWS)
    delivered = select(col(DeliveryRow.target_id)).where(
        *opening, col(DeliveryRow.status) == DeliveryStatus.DELIVERED
    )
    folded = (
        update(DeliveryRow)
        .where(*opening, PENDING)
        .values(**_suppressed(Suppression.FOLDED))
        .returning(col(DeliveryRow.target_id))
    )
    waiting = (await session.scalars(folded)).all()
    told = (await session.scalars(delivered)).all()
    return sorted({each for each in (*told, *waiting) if each})


async def supersede_endings(session: AsyncSession, location_id: str, dedup_key: str) -> None:
    """Suppresses messages that something is over, now that it is not; none may arrive after."""
    earlier = select(col(IncidentRow.incident_id)).where(
        col(IncidentRow.location_id) == location_id, col(IncidentRow.dedup_key) == dedup_key
    )
    await _suppress(
        session,
        Suppression.SUPERSEDED,
        col(DeliveryRow.location_id) == location_id,
        col(DeliveryRow.occasion) == Occasion.RESOLVED,
        col(DeliveryRow.incident_id).in_(earlier),
    )


async def outdate(session: AsyncSession, incident_id: str, target_ids: Collection[str]) -> None:
    """Suppresses what waits for targets of an incident of which they are to be told worse now."""
    await _suppress(
        session,
        Suppression.OUTDATED,
        NEWS,
        col(DeliveryRow.incident_id) == incident_id,
        col(DeliveryRow.target_id).in_(list(target_ids)),
        col(DeliveryRow.message_id).is_(None),
    )


async def inhibit_failures(session: AsyncSession, location_id: str, cause: str) -> Collection[str]:
    """Suppresses what waits of failing workflows of a location; gives their incidents.

    What is under way already is not stopped.
    """
    failing = select(col(IncidentRow.incident_id)).where(
        col(IncidentRow.location_id) == location_id,
        col(IncidentRow.status) == IncidentStatus.OPEN,
        col(IncidentRow.dedup_key).startswith("fail:"),
    )
    suppressed = (
        update(DeliveryRow)
        .where(PENDING, NEWS, col(DeliveryRow.message_id).is_(None))
        .where(col(DeliveryRow.incident_id).in_(failing))
        .values(**_suppressed(Suppression.INHIBITED), suppressed_by=cause)
        .returning(col(DeliveryRow.incident_id))
    )
    return {each for each in await session.scalars(suppressed) if each}


async def take_back_end(session: AsyncSession, incident_id: str) -> None:
    """Suppresses the message that an incident is over, and tells its beginning after all."""
    of_incident = col(DeliveryRow.incident_id) == incident_id
    ending = col(DeliveryRow.occasion) == Occasion.RESOLVED
    await _suppress(session, Suppression.SUPERSEDED, of_incident, ending)
    await session.execute(
        update(DeliveryRow)
        .where(
            of_incident,
            NEWS,
            col(DeliveryRow.suppressed_because) == Suppression.FOLDED,
        )
        .values(
            status=DeliveryStatus.PENDING,
            suppressed_because="",
            next_attempt_at=func.greatest(func.clock_now(), DeliveryRow.held_until),
        )
    )


async def suppress_waiting_for(session: AsyncSession, target_id: str, because: Suppression) -> None:
    """Suppresses what waits for a target."""
    await _suppress(session, because, col(DeliveryRow.target_id) == target_id)


async def scopes_waiting(session: AsyncSession, within: Scope) -> Sequence[Scope]:
    """Gives the locations and workflows of which something waits, within a scope."""
    about = func.coalesce(IncidentRow.workflow_id, "")
    query = (
        select(col(DeliveryRow.location_id), about)
        .join(IncidentRow, col(IncidentRow.incident_id) == DeliveryRow.incident_id, isouter=True)
        .where(PENDING)
        .distinct()
    )
    if within.location_id:
        query = query.where(col(DeliveryRow.location_id) == within.location_id)
    if within.workflow_id:
        query = query.where(about == within.workflow_id)
    return [Scope(*each) for each in await session.execute(query)]


async def release_digest(session: AsyncSession, target_id: str) -> None:
    """Lets go what waits for the digest of a target."""
    await session.execute(
        update(DeliveryRow)
        .where(
            PENDING,
            col(DeliveryRow.target_id) == target_id,
            col(DeliveryRow.held_because) == Hold.DIGEST,
        )
        .values(held_until=None, next_attempt_at=func.clock_now())
    )


async def suppress_waiting_in(session: AsyncSession, scope: Scope, because: Suppression) -> None:
    """Suppresses what waits of exactly a workflow, or of a location and none of its workflows."""
    await _suppress(session, because, *_about(scope))


async def hold_until(session: AsyncSession, scope: Scope, until: datetime) -> None:
    """Gives what is held of exactly a scope by quiet hours another end."""
    of_quiet_hours = col(DeliveryRow.held_because) == Hold.QUIET_HOURS
    await session.execute(
        update(DeliveryRow)
        .where(PENDING, of_quiet_hours, col(DeliveryRow.message_id).is_(None), *_about(scope))
        .values(held_until=until, next_attempt_at=until)
    )


async def readdress(session: AsyncSession, target_id: str, sent_to: str) -> None:
    """Notes that what waits for a target goes to its new address, now."""
    due = func.greatest(func.clock_now(), DeliveryRow.held_until)
    await session.execute(
        update(DeliveryRow)
        .where(col(DeliveryRow.target_id) == target_id, PENDING)
        .values(sent_to=sent_to, next_attempt_at=due)
    )


async def one(session: AsyncSession, location_id: str, delivery_id: str) -> Delivery:
    """Gives a delivery; raises `DeliveryNotFound`."""
    query = select(DeliveryRow).where(
        col(DeliveryRow.location_id) == location_id, col(DeliveryRow.delivery_id) == delivery_id
    )
    row = await session.scalar(query)
    if row is None:
        raise DeliveryNotFound(delivery_id=delivery_id)
    return _from_row(row)


async def of_event(session: AsyncSession, event_id: str, most: int) -> Sequence[Delivery]:
    """Gives what was decided because of an event, newest first."""
    query = (
        select(DeliveryRow)
        .where(col(DeliveryRow.event_id) == event_id)
        .order_by(col(DeliveryRow.position).desc())
        .limit(most)
    )
    return [_from_row(row) for row in await session.scalars(query)]


async def newest(
    session: AsyncSession,
    location_id: str,
    asked: DeliveryFilter,
    before: int | None,
    limit: int,
) -> Sequence[Delivery]:
    """Gives a location's deliveries, newest first."""
    query = (
        select(DeliveryRow)
        .where(col(DeliveryRow.location_id) == location_id)
        .order_by(col(DeliveryRow.position).desc())
        .limit(limit)
    )
    if asked.incident_id:
        query = query.where(col(DeliveryRow.incident_id) == asked.incident_id)
    if asked.status:
        query = query.where(col(DeliveryRow.status) == asked.status)
    if asked.target_id:
        query = query.where(col(DeliveryRow.target_id) == asked.target_id)
    if before is not None:
        query = query.where(col(DeliveryRow.position) < before)
    return [_from_row(row) for row in await session.scalars(query)]


def _about(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    workflow_id = (
        select(func.coalesce(func.max(IncidentRow.workflow_id), ""))
        .where(col(IncidentRow.incident_id) == DeliveryRow.incident_id)
        .scalar_subquery()
    )
    return col(DeliveryRow.location_id) == scope.location_id, workflow_id == scope.workflow_id


async def _suppress(
    session: AsyncSession, because: Suppression, *where: ColumnElement[bool]
) -> None:
    await session.execute(update(DeliveryRow).where(PENDING, *where).values(**_suppressed(because)))


def _suppressed(because: Suppression) -> dict[str, object]:
    return {
        "status": DeliveryStatus.SUPPRESSED,
        "suppressed_because": because,
        "next_attempt_at": None,
    }


def _row(draft: Draft) -> dict[str, object]:
    target, mute = draft.target, draft.mute
    return {
        "delivery_id": draft.delivery_id,
        "location_id": draft.location_id,
        "incident_id": draft.incident_id,
        "event_id": draft.event_id,
        "target_id": target and target.target_id,
        "channel": target.channel if target else "",
        "sent_to": target.masked if target else "",
        "occasion": draft.message.occasion,
        "subject": draft.message.subject,
        "lane": lane_of(draft.message),
        "content": packed(draft.message) if mute is None or mute.because in KEPT else None,
        "status": DeliveryStatus.SUPPRESSED if mute else DeliveryStatus.PENDING,
        "suppressed_because": mute.because if mute else "",
        "suppressed_by": mute.by if mute else "",
        "wait": f"{draft.wait.total_seconds()} seconds",
        "held_because": draft.held_because or "",
    }


def _from_row(row: DeliveryRow) -> Delivery:
    return Delivery(
        position=row.position,
        delivery_id=row.delivery_id,
        location_id=row.location_id,
        incident_id=row.incident_id,
        event_id=row.event_id,
        channel=row.channel,
        sent_to=row.sent_to,
        occasion=Occasion(row.occasion),
        subject=row.subject,
        status=DeliveryStatus(row.status),
        suppressed_because=row.suppressed_because,
        attempts=row.attempts,
        last_error=row.last_error,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
        message_id=row.message_id or "",
        held_until=row.held_until if row.status == DeliveryStatus.PENDING else None,
        held_because=row.held_because,
        suppressed_by=row.suppressed_by,
        target_id=row.target_id or "",
        last_code=row.last_code,
    )
