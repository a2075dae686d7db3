"""Sends again what was given up or missed: the same deliveries, with the same ids."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import DeliveryStatus, Replayable, Span
from services.notifier.domain.incident import Incident, IncidentStatus
from services.notifier.domain.message import Occasion
from services.notifier.domain.target import Target
from services.notifier.store import deliveries
from services.notifier.store.incidents import from_row
from services.notifier.store.tables import (
    DeliveryAttemptRow,
    DeliveryRow,
    IncidentRow,
    MessageRow,
    TargetRow,
)
from services.notifier.store.targets import target_from


async def missed(session: AsyncSession, target: Target) -> Sequence[str]:
    """Lets a target have what it missed since it began to fail or was switched off; gives the ids.

    Each message costs as much of the target's pace as when it was new.
    """
    switched_off = and_(
        col(DeliveryRow.status) == DeliveryStatus.SUPPRESSED,
        col(DeliveryRow.suppressed_because) == Suppression.TARGET_DISABLED,
        sendable(),
    )
    return await _again(
        session,
        col(DeliveryRow.target_id) == target.target_id,
        or_(switched_off, _given_up_since_it_failed(target)),
    )


async def given_up(
    session: AsyncSession, location_id: str, span: Span, *, force: bool
) -> Sequence[str]:
    """Sends again what a location's targets did not take in a span of time; gives the ids."""
    taken = [DeliveryStatus.FAILED, *([DeliveryStatus.DELIVERED] if force else [])]
    end = func.clock_now() if span.end is None else span.end
    of_target = col(DeliveryRow.target_id) == span.target_id if span.target_id else true()
    return await _again(
        session,
        col(DeliveryRow.location_id) == location_id,
        col(DeliveryRow.status).in_(taken),
        col(DeliveryRow.created_at) >= span.begin,
        col(DeliveryRow.created_at) < end,
        of_target,
        sendable(),
        _has_open_target(),
    )


async def held(
    session: AsyncSession, location_id: str, delivery_ids: Collection[str]
) -> Mapping[str, Replayable]:
    """Gives what is to be known of deliveries before they are sent again, and holds them."""
    which = (
        col(DeliveryRow.location_id) == location_id,
        col(DeliveryRow.delivery_id).in_(list(delivery_ids)),
    )
    await _hold_incidents(session, *which)
    query = (
        select(DeliveryRow, TargetRow, sendable())
        .outerjoin(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
        .where(*which)
        .order_by(col(DeliveryRow.position))
        .with_for_update(of=DeliveryRow)
    )
    found = await session.execute(query)
    return {row.delivery_id: _replayable(row, at, known=known) for row, at, known in found}


async def named(session: AsyncSession, delivery_ids: Collection[str]) -> Sequence[str]:
    """Sends held deliveries again; gives their ids."""
    return await _again(session, col(DeliveryRow.delivery_id).in_(list(delivery_ids)))


async def untold_ends(
    session: AsyncSession, delivery_ids: Collection[str]
) -> Sequence[tuple[Incident, Target]]:
    """Gives incidents that deliveries tell of and that are over, and the targets not told so."""
    end = aliased(DeliveryRow)
    told = exists().where(
        col(end.incident_id) == DeliveryRow.incident_id,
        col(end.target_id) == DeliveryRow.target_id,
        col(end.occasion) == Occasion.RESOLVED,
        col(end.status) != DeliveryStatus.SUPPRESSED,
    )
    pair = (col(IncidentRow.incident_id), col(TargetRow.target_id))
    query = (
        select(IncidentRow, TargetRow)
        .join(DeliveryRow, col(DeliveryRow.incident_id) == IncidentRow.incident_id)
        .join(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
        .where(
            col(DeliveryRow.delivery_id).in_(list(delivery_ids)),
            deliveries.NEWS,
            col(IncidentRow.status) == IncidentStatus.RESOLVED,
            ~told,
        )
        .ext(distinct_on(*pair))
        .order_by(*pair)
    )
    found = (await session.execute(query)).all()
    return [(from_row(incident), target_from(target)) for incident, target in found]


async def _again(session: AsyncSession, *which: ColumnElement[bool]) -> Sequence[str]:
    """Makes deliveries due once more, as if never tried; gives their ids."""
    await _hold_incidents(session, *which)
    done = await session.scalars(
        update(DeliveryRow)
        .where(*which)
        .values(
            status=DeliveryStatus.PENDING,
            suppressed_because="",
            attempts=0,
            last_error="",
            delivered_at=None,
            next_attempt_at=func.clock_now(),
            held_until=None,
            replayed=True,
        )
        .returning(col(DeliveryRow.delivery_id))
    )
    return done.all()


async def _hold_incidents(session: AsyncSession, *which: ColumnElement[bool]) -> None:
    """Keeps what deliveries tell of from ending meanwhile; before the deliveries, as everybody does."""
    told_of = select(col(DeliveryRow.incident_id)).where(*which)
    await session.execute(
        select(col(IncidentRow.incident_id))
        .where(col(IncidentRow.incident_id).in_(told_of))
        .order_by(col(IncidentRow.location_id), col(IncidentRow.dedup_key))
        .with_for_update(key_share=True)
    )


def sendable() -> ColumnElement[bool]:
    """Says in SQL that what a delivery tells is still known."""
    unmade = col(DeliveryRow.message_id).is_(None)
    whole = exists().where(
        col(MessageRow.message_id) == DeliveryRow.message_id, col(MessageRow.removal) == ""
    )
    return or_(and_(unmade, col(DeliveryRow.content).is_not(None)), whole)


def _has_open_target() -> ColumnElement[bool]:
    return exists().where(
        col(TargetRow.target_id) == DeliveryRow.target_id,
        col(TargetRow.removed_at).is_(None),
        col(TargetRow.disabled_because) == "",
    )


def _replayable(row: DeliveryRow, target: TargetRow | None, *, known: bool) -> Replayable:
    return Replayable(
        status=DeliveryStatus(row.status),
        lost=not known or target is None or target.removed_at is not None,
        switched_off=target is not None and bool(target.disabled_because),
    )


def _given_up_since_it_failed(target: Target) -> ColumnElement[bool]:
    if target.health.failing_since is None:
        return false()
    tried = exists().where(
        col(DeliveryAttemptRow.message_id) == DeliveryRow.message_id,
        col(DeliveryAttemptRow.ended_at) >= target.health.failing_since,
    )
    return and_(col(DeliveryRow.status) == DeliveryStatus.FAILED, tried)
