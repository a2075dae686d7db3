"""Reads and writes `alert_settings`: what is set at each level."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import func, literal_column, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db import arrays
from libs.db.exchange import Question, Rows, exchange, text_of
from services.notifier.domain.quiet_hours import QuietWindow
from services.notifier.domain.scope import INSTALLATION, Scope
from services.notifier.domain.settings import Layer, ScanSummary, SettingsPosition
from services.notifier.store.rows import named
from services.notifier.store.tables import AlertSettingsRow

UNTOUCHED = 0
EARLIEST = "-infinity"
PLACE = (col(AlertSettingsRow.location_id), col(AlertSettingsRow.workflow_id))
"""Also the order in which rows are locked: a level after the one above it."""

_COLUMNS = AlertSettingsRow.__table__.columns  # type: ignore[attr-defined]
_AMONG = text("""
    (location_id, workflow_id) IN (
        SELECT * FROM unnest(CAST($1 AS text[]), CAST($2 AS text[]))
    )
""")
_DECIDING = text_of(select(*_COLUMNS).where(_AMONG))
_CHANGED = text_of(
    select(*_COLUMNS)
    .where(
        PLACE[0] != "",
        text("effective_at >= $1 AND (effective_at, location_id, workflow_id) > ($2, $3, $4)"),
    )
    .order_by(col(AlertSettingsRow.effective_at), *PLACE)
    .limit(literal_column("CAST($5 AS integer)"))
)
HOLD_STILL = text_of(select(*_COLUMNS).where(_AMONG).order_by(*PLACE).with_for_update(read=True))


async def layers(session: AsyncSession, scopes: Collection[Scope]) -> dict[Scope, Layer]:
    """Gives what is set in scopes and in those above them."""
    return by_scope((await exchange(session, [_deciding(scopes)]))[_DECIDING])


async def location_names(session: AsyncSession, location_ids: Collection[str]) -> Mapping[str, str]:
    """Gives the names of those locations that have one."""
    name = col(AlertSettingsRow.chosen)["location_name"].astext
    query = select(col(AlertSettingsRow.location_id), name).where(
        col(AlertSettingsRow.location_id).in_(list(location_ids)),
        col(AlertSettingsRow.workflow_id) == "",
        name != "",
    )
    return {row.location_id: row[1] for row in await session.execute(query)}


async def held_still(session: AsyncSession, scopes: Collection[Scope]) -> dict[Scope, Layer]:
    """Gives the same, and keeps it from changing until the commit.

    So no delivery is written for a target that is being removed.
    """
    return by_scope((await exchange(session, [holding_still(scopes)]))[HOLD_STILL])


def holding_still(scopes: Collection[Scope]) -> Question:
    """Gives the statement of `held_still`."""
    return Question(HOLD_STILL, _levels(scopes))


def by_scope(rows: Rows) -> dict[Scope, Layer]:
    """Gives what `HOLD_STILL` found."""
    found = [_from_row(named(_COLUMNS, each)) for each in rows]
    return {each.scope: each for each in found}


async def held_alone(session: AsyncSession, scope: Scope) -> Layer:
    """Gives what is set in a scope to the one who changes it; makes the row if there is none."""
    await session.execute(
        insert(AlertSettingsRow)
        .values(
            location_id=scope.location_id,
            workflow_id=scope.workflow_id,
            version=UNTOUCHED,
            created_at=func.clock_now(),
            updated_at=func.clock_now(),
            effective_at=func.clock_now(),
        )
        .on_conflict_do_nothing(constraint="alert_settings_pkey")
    )
    query = select(AlertSettingsRow).where(tuple_(*PLACE) == _place(scope)).with_for_update()
    return _from_row((await session.scalars(query)).one())


async def write(session: AsyncSession, layer: Layer) -> Layer:
    """Writes what was held, and gives it as it is now; below it something else may hold from now on."""
    # Never earlier than before: a change that waited for another began before it.
    now = func.greatest(AlertSettingsRow.updated_at, func.clock_now())
    statement = (
        update(AlertSettingsRow)
        .where(tuple_(*PLACE) == _place(layer.scope))
        .values(
            version=AlertSettingsRow.version + 1,
            updated_at=now,
            effective_at=now,
            chosen=packed(layer.values),
        )
        .returning(AlertSettingsRow)
        .execution_options(populate_existing=True)
    )
    written = _from_row((await session.scalars(statement)).one())
    await _touch_below(session, layer.scope)
    return written


async def changed_since(
    session: AsyncSession, since: datetime | None, after: SettingsPosition | None, limit: int
) -> tuple[Sequence[Scope], dict[Scope, Layer]]:
    """Gives locations and workflows for which something changed at or after a time, oldest first.

    Also gives what is set there, above them, and for the whole installation.

    The time is when the change began. One that began earlier may be committed
    later, by seconds, so whoever follows the changes asks from a minute before
    the last one seen.
    """
    from_when = since.isoformat() if since else EARLIEST
    at, scope = (after.effective_at.isoformat(), after.scope) if after else (EARLIEST, INSTALLATION)
    changed = Question(_CHANGED, [from_when, at, *_place(scope), str(limit)])
    answers = await exchange(session, [changed, _deciding([INSTALLATION])])
    there = by_scope(answers[_DECIDING])
    found = by_scope(answers[_CHANGED])
    above = {level for each in found for level in each.path} - found.keys() - {INSTALLATION}
    return list(found), there | found | (await layers(session, above) if above else {})


def _deciding(scopes: Collection[Scope]) -> Question:
    return Question(_DECIDING, _levels(scopes))


def _levels(scopes: Collection[Scope]) -> list[str]:
    levels = {each for scope in scopes for each in scope.path}
    given = ([each.location_id for each in levels], [each.workflow_id for each in levels])
    return [arrays.texts(each) for each in given]


async def _touch_below(session: AsyncSession, scope: Scope) -> None:
    if scope.workflow_id:
        return
    below = PLACE[0] != "" if scope == INSTALLATION else PLACE[0] == scope.location_id
    now = func.greatest(AlertSettingsRow.effective_at, func.clock_now())
    await session.execute(
        update(AlertSettingsRow)
        .where(below, tuple_(*PLACE) != _place(scope))
        .values(effective_at=now)
        .execution_options(synchronize_session=False)
    )


def _place(scope: Scope) -> tuple[str, str]:
    return scope.location_id, scope.workflow_id


def packed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Gives values of settings as JSON can hold them."""
    chosen = dict(values)
    if "quiet_hours" in chosen:
        chosen["quiet_hours"] = [
            {"start": f"{each.start:%H:%M}", "end": f"{each.end:%H:%M}", "weekdays": each.weekdays}
            for each in values["quiet_hours"]
        ]
    return chosen


def unpacked(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Gives values of settings that were kept."""
    values = dict(chosen)
    if "quiet_hours" in values:
        values["quiet_hours"] = tuple(_window(each) for each in chosen["quiet_hours"])
    if "scan_summary" in values:
        values["scan_summary"] = ScanSummary(chosen["scan_summary"])
    return values


def _window(kept: Mapping[str, Any]) -> QuietWindow:
    start, end = time.fromisoformat(kept["start"]), time.fromisoformat(kept["end"])
    return QuietWindow(start, end, tuple(kept["weekdays"]))


def _from_row(row: AlertSettingsRow) -> Layer:
    return Layer(
        scope=Scope(row.location_id, row.workflow_id),
        values=unpacked(row.chosen),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        effective_at=row.effective_at,
    )
