"""Removes whatever a database holds of one location.

Which rows those are the tables say themselves, so a table that is added later
is not forgotten.
"""

from collections.abc import Container
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, MetaData, Table, delete, or_, select, tuple_

from libs.db import outbox
from libs.db.database import Database

AT_ONCE = 5000
"""More would hold its locks for too long."""


async def remove_location(
    database: Database, metadata: MetaData, location_id: str, *, kept: Container[str] = ()
) -> int:
    """Removes the rows of a location from all tables but those `kept`; gives how many there were.

    They are the rows with its `location_id`, what waits in the outbox about it,
    and the rows that refer to such rows. Each transaction is short, so a removal
    that is cut off has begun; the next one goes on.
    """
    removed = 0
    for table in reversed(metadata.sorted_tables):  # those that refer to others first
        belongs = _belongs(table, location_id)
        if belongs is not None and table.name not in kept:
            removed += await _remove(database, table, belongs)
    return removed


def _belongs(table: Table, location_id: str) -> ColumnElement[bool] | None:
    """Says in SQL which rows are the location's; None for a table that knows no locations."""
    if "location_id" in table.columns:
        return table.columns["location_id"] == location_id
    if table.name in outbox.EVENT_TABLES:
        named: ColumnElement[str] = table.columns["payload"]["location_id"].astext
        return named == location_id
    referring = []
    for each in table.foreign_keys:
        belongs = _belongs(each.column.table, location_id)
        if belongs is not None:
            referring.append(each.parent.in_(select(each.column).where(belongs)))
    return or_(*referring) if referring else None


async def _remove(database: Database, table: Table, belongs: ColumnElement[bool]) -> int:
    # Locked in the order of the key, as everywhere else.
    key = tuple_(*table.primary_key)
    some = select(*table.primary_key).where(belongs).order_by(*table.primary_key)
    statement = delete(table).where(key.in_(some.limit(AT_ONCE).with_for_update()))
    removed, last = 0, AT_ONCE
    while last == AT_ONCE:
        async with database.transaction() as session:
            last = cast("CursorResult[Any]", await session.execute(statement)).rowcount
        removed += last
    return removed
