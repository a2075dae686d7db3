"""Looks at the notifier itself: what is late, and what was forgotten."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.delivery import DeliveryStatus
from services.notifier.domain.incident import Incident, IncidentStatus
from services.notifier.domain.scope import Scope
from services.notifier.domain.target import Origin
from services.notifier.domain.watch import Watch
from services.notifier.store import claims, holds
from services.notifier.store.incidents import from_row
from services.notifier.store.tables import DeliveryRow, EventRow, IncidentRow, TargetRow

PATIENCE = timedelta(seconds=120)
"""After this time everybody who must be told of an incident has a delivery, or a reason for none."""

DAY = timedelta(days=1)


async def watch(session: AsyncSession) -> Watch:
    """Gives how the notifier is."""
    number, oldest = (await session.execute(claims.late())).one()
    failing = select(func.count()).where(_there(), col(TargetRow.failures) > 0)
    off = select(func.count()).where(_there(), col(TargetRow.disabled_because) != "")
    given_up = select(func.count()).where(
        col(DeliveryRow.status) == DeliveryStatus.FAILED,
        col(DeliveryRow.created_at) > func.clock_now() - DAY,
    )
    counted = (each.scalar_subquery() for each in (failing, off, given_up))
    fail, are_off, ended = (await session.execute(select(*counted))).one()
    return Watch(
        due_count=number,
        oldest_due_age=oldest or timedelta(0),
        failing_targets=fail,
        switched_off_targets=are_off,
        given_up_count=ended,
        closures=await holds.long_ones(session),
    )


async def scopes_with_orphans(session: AsyncSession, most: int) -> Sequence[Scope]:
    """Gives the scopes of incidents that somebody was not told of, for no reason."""
    query = select(col(IncidentRow.location_id), col(IncidentRow.workflow_id)).where(_is_orphan())
    return sorted({Scope(*each) for each in await session.execute(query.limit(most))})


async def held_orphans(session: AsyncSession, scope: Scope, most: int) -> Sequence[Incident]:
    """Gives such incidents of a scope that no other process looks at now."""
    query = (
        select(IncidentRow)
        .where(
            _is_orphan(),
            col(IncidentRow.location_id) == scope.location_id,
            col(IncidentRow.workflow_id) == scope.workflow_id,
        )
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [from_row(row) for row in await session.scalars(query)]


async def accounted_for(session: AsyncSession, incident_id: str) -> Collection[str]:
    """Gives the targets that an incident has a delivery for."""
    query = select(col(DeliveryRow.target_id)).where(col(DeliveryRow.incident_id) == incident_id)
    return {each for each in await session.scalars(query) if each}


def _is_orphan() -> ColumnElement[bool]:
    known = exists().where(
        col(EventRow.incident_id) == IncidentRow.incident_id,
        col(EventRow.received_at) <= func.clock_now() - PATIENCE,
    )
    told = exists().where(col(DeliveryRow.incident_id) == IncidentRow.incident_id)
    of_nobody = exists().where(
        col(DeliveryRow.incident_id) == IncidentRow.incident_id,
        col(DeliveryRow.target_id).is_(None),
    )
    forgotten = exists().where(
        _there(),
        col(TargetRow.location_id) == IncidentRow.location_id,
        col(TargetRow.origin) == Origin.API,
        col(TargetRow.created_at) <= IncidentRow.opened_at,
        not_(
            exists().where(
                col(DeliveryRow.incident_id) == IncidentRow.incident_id,
                col(DeliveryRow.target_id) == TargetRow.target_id,
            )
        ),
    )
    return and_(
        col(IncidentRow.status) == IncidentStatus.OPEN,
        known,
        or_(not_(told), and_(not_(of_nobody), forgotten)),
    )


def _there() -> ColumnElement[bool]:
    return col(TargetRow.removed_at).is_(None)
