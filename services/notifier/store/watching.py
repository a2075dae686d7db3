"""Looks at the notifier itself: what is late, and what was forgotten."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db.exchange import Question, exchange, text_of
from services.notifier.domain.delivery import DeliveryStatus
from services.notifier.domain.incident import Incident, IncidentStatus
from services.notifier.domain.scope import Scope
from services.notifier.domain.target import ADDRESSES, Origin
from services.notifier.domain.watch import Watch
from services.notifier.store import claims, holds
from services.notifier.store.incidents import from_row
from services.notifier.store.tables import (
    AlertSettingsRow,
    DeliveryRow,
    EventRow,
    IncidentRow,
    TargetRow,
)

PATIENCE = timedelta(seconds=120)
"""After this time everybody who must be told of an incident has a delivery, or a reason for none."""

DAY = timedelta(days=1)


async def watch(session: AsyncSession) -> Watch:
    """Gives how the notifier is."""
    asked = [Question(each) for each in (_LATE, _BROKEN, _LONG_CLOSED)]
    answers = await exchange(session, asked)
    ((number, oldest),) = answers[_LATE]
    ((fail, are_off, ended),) = answers[_BROKEN]
    return Watch(
        due_count=number,
        oldest_due_age=oldest or timedelta(0),
        failing_targets=fail,
        switched_off_targets=are_off,
        given_up_count=ended,
        closures=holds.closures(answers[_LONG_CLOSED]),
    )


async def scopes_with_orphans(session: AsyncSession, most: int) -> Sequence[Scope]:
    """Gives the scopes of incidents that somebody was not told of, for no reason."""
    query = select(col(IncidentRow.location_id), col(IncidentRow.workflow_id)).where(_is_orphan())
    return sorted({Scope(*each) for each in await session.execute(query.limit(most))})


async def held_orphans(session: AsyncSession, scope: Scope, most: int) -> Sequence[Incident]:
    """Gives such incidents of a scope that no other process looks at now.

    They are looked at again once they are held: whoever held them until a
    moment ago may have told of them, and a lock does not show that.
    """
    held = (
        select(col(IncidentRow.incident_id))
        .where(
            _is_orphan(),
            col(IncidentRow.location_id) == scope.location_id,
            col(IncidentRow.workflow_id) == scope.workflow_id,
        )
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    ids = list(await session.scalars(held))
    still = select(IncidentRow).where(_is_orphan(), col(IncidentRow.incident_id).in_(ids))
    return [from_row(row) for row in await session.scalars(still)]


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
        col(TargetRow.created_at) <= IncidentRow.opened_at,
        *_decides(TargetRow.location_id, TargetRow.workflow_id),
        or_(_is_of_the_location(), _is_the_address_that_held()),
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


def _is_of_the_location() -> ColumnElement[bool]:
    return and_(
        col(TargetRow.origin) == Origin.API,
        col(TargetRow.location_id) == IncidentRow.location_id,
    )


def _is_the_address_that_held() -> ColumnElement[bool]:
    """Says in SQL that a target is what the settings say, and said when the incident was opened."""
    field = case(
        {channel: literal(name) for channel, name in ADDRESSES.items()},
        value=col(TargetRow.channel),
    )
    nearer = exists().where(
        *_decides(AlertSettingsRow.location_id, AlertSettingsRow.workflow_id),
        tuple_(AlertSettingsRow.location_id, AlertSettingsRow.workflow_id)
        > tuple_(TargetRow.location_id, TargetRow.workflow_id),
        col(AlertSettingsRow.chosen).bool_op("?")(field),
    )
    changed = exists().where(
        *_decides(AlertSettingsRow.location_id, AlertSettingsRow.workflow_id),
        col(AlertSettingsRow.updated_at) > IncidentRow.opened_at,
    )
    return and_(
        col(TargetRow.origin) == Origin.SETTINGS,
        not_(nearer),
        not_(changed),
    )


def _decides(location_id: Any, workflow_id: Any) -> tuple[ColumnElement[bool], ...]:
    """Says in SQL that a level is that of the incident, or above it."""
    return (
        location_id.in_(["", IncidentRow.location_id]),
        workflow_id.in_(["", IncidentRow.workflow_id]),
    )


def _there() -> ColumnElement[bool]:
    return col(TargetRow.removed_at).is_(None)


def _broken() -> Select[Any]:
    failing = select(func.count()).where(_there(), col(TargetRow.failures) > 0)
    off = select(func.count()).where(_there(), col(TargetRow.disabled_because) != "")
    given_up = select(func.count()).where(
        col(DeliveryRow.status) == DeliveryStatus.FAILED,
        col(DeliveryRow.created_at) > func.clock_now() - DAY,
    )
    return select(*(each.scalar_subquery() for each in (failing, off, given_up)))


_LATE, _BROKEN = text_of(claims.late()), text_of(_broken())
_LONG_CLOSED = text_of(holds.long_ones())
