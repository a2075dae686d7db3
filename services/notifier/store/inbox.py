"""Writes what people do with incidents, and reads the whole story of one."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    ScalarResult,
    and_,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db.database import constraint_of
from libs.db.exchange import Question, Rows, exchange, text_of
from services.notifier.domain.inbox import (
    Action,
    Attempt,
    Deed,
    IncidentNotFound,
    IncidentOpenAgain,
    Occurrence,
)
from services.notifier.domain.incident import EarlierFix, Incident, IncidentStatus, Key
from services.notifier.domain.scope import Scope
from services.notifier.store.incidents import AMONG, FRESH, among, due_after, from_row
from services.notifier.store.tables import (
    DeliveryAttemptRow,
    DeliveryRow,
    EventRow,
    IncidentActionRow,
    IncidentRow,
)

MOST_ENTRIES = 100
REMEMBERED = or_(col(IncidentRow.fix) != "", col(IncidentRow.cause) != "")
_RANKED = (
    select(
        IncidentRow,
        func.row_number()
        .over(
            partition_by=[col(IncidentRow.location_id), col(IncidentRow.dedup_key)],
            order_by=col(IncidentRow.resolved_at).desc(),
        )
        .label("place"),
    )
    .where(
        AMONG,
        REMEMBERED,
        col(IncidentRow.resolved_at).is_not(None),
        col(IncidentRow.incident_id) != literal_column("$3"),
    )
    .subquery("ranked")
)
EARLIER_FIXES = text_of(
    select(
        _RANKED.c.location_id,
        _RANKED.c.dedup_key,
        _RANKED.c.incident_id,
        _RANKED.c.cause,
        _RANKED.c.fix,
        _RANKED.c.resolved_by,
        _RANKED.c.resolved_at,
    )
    .where(_RANKED.c.place <= literal_column("CAST($4 AS integer)"))
    .order_by(_RANKED.c.place)
)
AWAKE = {"snoozed_until": None, "snoozed_until_worse": False, "wakes_at_count": 0}


async def of(session: AsyncSession, location_id: str, incident_id: str) -> Incident:
    """Gives an incident; raises `IncidentNotFound`."""
    query = select(IncidentRow).where(_is(location_id, incident_id))
    return _found(await session.scalar(query), incident_id)


async def held(session: AsyncSession, location_id: str, incident_id: str) -> Incident:
    """Gives an incident and keeps others from changing it; raises `IncidentNotFound`."""
    query = select(IncidentRow).where(_is(location_id, incident_id))
    return _found(await session.scalar(query.with_for_update(key_share=True)), incident_id)


async def acknowledge(session: AsyncSession, incident_id: str, actor: str) -> Incident:
    """Notes who looks after a held incident; reminders end."""
    return await _changed(
        session,
        incident_id,
        acknowledged_at=func.clock_now(),
        acknowledged_by=actor,
        remind_at=None,
        update_at=None,
        **AWAKE,
    )


async def snooze(
    session: AsyncSession, incident: Incident, until: datetime | None, *, until_worse: bool
) -> Incident:
    """Keeps a held incident quiet; what is due at the end of it is due as a reminder."""
    return await _changed(
        session,
        incident.incident_id,
        snoozed_until=until,
        snoozed_until_worse=until_worse,
        wakes_at_count=2 * incident.weight,
        remind_at=until,
        update_at=None,
        acknowledged_at=None,
        acknowledged_by="",
    )


async def resolve(
    session: AsyncSession, incident_id: str, actor: str, cause: str, fix: str
) -> Incident:
    """Ends a held incident by hand."""
    return await _changed(
        session,
        incident_id,
        status=IncidentStatus.RESOLVED,
        resolved_at=func.greatest(IncidentRow.opened_at, func.clock_now()),
        resolved_by=actor,
        settles_at=None,
        cause=cause,
        fix=fix,
        remind_at=None,
        update_at=None,
        **AWAKE,
    )


async def remember(session: AsyncSession, incident_id: str, cause: str, fix: str) -> Incident:
    """Notes what helped with a held incident that is over."""
    return await _changed(session, incident_id, cause=cause, fix=fix)


async def reopen(
    session: AsyncSession, incident_id: str, remind_after: timedelta | None
) -> Incident:
    """Makes a held incident need attention; raises `IncidentOpenAgain`."""
    try:
        return await _changed(
            session,
            incident_id,
            status=IncidentStatus.OPEN,
            resolved_at=None,
            resolved_by="",
            settles_at=None,
            cause="",
            fix="",
            acknowledged_at=None,
            acknowledged_by="",
            remind_at=due_after(remind_after),
            update_at=None,
            **AWAKE,
        )
    except IntegrityError as error:
        if constraint_of(error) != "incidents_open_idx":
            raise
        raise IncidentOpenAgain(incident_id=incident_id) from error


async def note(session: AsyncSession, incident_id: str, action: Action) -> None:
    """Writes down who did what."""
    await session.execute(
        insert(IncidentActionRow).values(
            incident_id=incident_id,
            deed=action.deed,
            actor=action.actor,
            note=action.note,
            done_at=func.clock_now(),
        )
    )


async def scopes_to_remind(session: AsyncSession, most: int) -> Sequence[Scope]:
    """Gives locations and workflows of which an incident is due to be told again."""
    answers = await exchange(session, [Question(_TO_REMIND, [str(most)])])
    return sorted({Scope(*each) for each in answers[_TO_REMIND]})


async def held_due(session: AsyncSession, scope: Scope, most: int) -> Sequence[Incident]:
    """Gives incidents of a scope that are due to be told again and that no other process tells now."""
    query = (
        select(IncidentRow)
        .where(
            _due(),
            col(IncidentRow.location_id) == scope.location_id,
            col(IncidentRow.workflow_id) == scope.workflow_id,
        )
        .order_by(col(IncidentRow.incident_id))
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [from_row(row) for row in await session.scalars(query)]


async def told_again(
    session: AsyncSession, incident: Incident, again_after: timedelta | None
) -> Incident:
    """Notes that a held incident was told again, and when to do so next."""
    return await _changed(
        session,
        incident.incident_id,
        remind_at=due_after(again_after),
        update_at=None,
        told_count=incident.weight,
        told_at=func.clock_now(),
        **AWAKE,
    )


async def earlier_fixes(
    session: AsyncSession, keys: Collection[Key], *, but: str = "", most: int = 1
) -> dict[Key, list[EarlierFix]]:
    """Gives what helped before, newest first, by location and dedup key."""
    answers = await exchange(session, [asking_fixes(keys, but=but, most=most)])
    return fixes_of(answers[EARLIER_FIXES])


def asking_fixes(keys: Collection[Key], *, but: str = "", most: int = 1) -> Question:
    """Gives the statement of `earlier_fixes`."""
    return Question(EARLIER_FIXES, [*among(keys), but, str(most)])


def fixes_of(rows: Rows) -> dict[Key, list[EarlierFix]]:
    """Gives what `EARLIER_FIXES` found."""
    found: dict[Key, list[EarlierFix]] = {}
    for location_id, dedup_key, *fix in rows:
        found.setdefault((location_id, dedup_key), []).append(EarlierFix(*fix))
    return found


async def events(session: AsyncSession, incident_id: str) -> Sequence[Occurrence]:
    """Gives the newest events that counted in an incident."""
    query = (
        select(EventRow)
        .where(col(EventRow.incident_id) == incident_id)
        .order_by(col(EventRow.received_at).desc())
        .limit(MOST_ENTRIES)
    )
    rows = await session.scalars(query)
    return [
        Occurrence(each.event_id, each.kind, each.occurred_at, each.received_at) for each in rows
    ]


async def attempts(session: AsyncSession, incident_id: str) -> Sequence[Attempt]:
    """Gives the newest attempts to tell of an incident."""
    return await _attempts(session, col(DeliveryRow.incident_id) == incident_id)


async def attempts_at(session: AsyncSession, delivery_id: str) -> Sequence[Attempt]:
    """Gives the newest attempts to make one delivery, the oldest of them first."""
    newest = await _attempts(session, col(DeliveryRow.delivery_id) == delivery_id)
    return list(reversed(newest))


async def _attempts(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[Attempt]:
    query = (
        select(DeliveryAttemptRow, col(DeliveryRow.delivery_id))
        .join(DeliveryRow, col(DeliveryRow.message_id) == DeliveryAttemptRow.message_id)
        .where(which)
        .order_by(col(DeliveryAttemptRow.id).desc())
        .limit(MOST_ENTRIES)
    )
    found = (await session.execute(query)).all()
    return [_attempt(row, delivery_id) for row, delivery_id in found]


async def attempts_of(
    session: AsyncSession, message_ids: Collection[str]
) -> dict[str, list[Attempt]]:
    """Gives the attempts of messages, oldest first."""
    query = (
        select(DeliveryAttemptRow)
        .where(col(DeliveryAttemptRow.message_id).in_({each for each in message_ids if each}))
        .order_by(col(DeliveryAttemptRow.id))
    )
    found: dict[str, list[Attempt]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.message_id, []).append(_attempt(row, row.message_id))
    return found


async def actions(session: AsyncSession, incident_id: str) -> Sequence[Action]:
    """Gives what was done to an incident last, newest first."""
    query = (
        select(IncidentActionRow)
        .where(col(IncidentActionRow.incident_id) == incident_id)
        .order_by(col(IncidentActionRow.id).desc())
        .limit(MOST_ENTRIES)
    )
    rows: ScalarResult[IncidentActionRow] = await session.scalars(query)
    return [Action(Deed(each.deed), each.actor, each.note, each.done_at) for each in rows]


async def _changed(session: AsyncSession, incident_id: str, **values: object) -> Incident:
    statement = (
        update(IncidentRow)
        .where(col(IncidentRow.incident_id) == incident_id)
        .values(**values)
        .returning(IncidentRow)
    )
    return from_row((await session.scalars(statement, execution_options=FRESH)).one())


def _due() -> ColumnElement[bool]:
    return and_(
        or_(
            col(IncidentRow.remind_at) <= func.clock_now(),
            col(IncidentRow.update_at) <= func.clock_now(),
        ),
        col(IncidentRow.status) == IncidentStatus.OPEN,
    )


_TO_REMIND = text_of(
    select(col(IncidentRow.location_id), col(IncidentRow.workflow_id))
    .where(_due())
    .limit(literal_column("CAST($1 AS integer)"))
)
"""Built once, because it is asked every second."""


def _is(location_id: str, incident_id: str) -> ColumnElement[bool]:
    return and_(
        col(IncidentRow.location_id) == location_id, col(IncidentRow.incident_id) == incident_id
    )


def _found(row: IncidentRow | None, incident_id: str) -> Incident:
    if row is None:
        raise IncidentNotFound(incident_id=incident_id)
    return from_row(row)


def _attempt(row: DeliveryAttemptRow, delivery_id: str) -> Attempt:
    return Attempt(delivery_id, row.verdict, row.code, row.detail, row.elapsed_ms, row.ended_at)
