"""A row of every table for each of several locations, and what is left after one is removed.

Whatever is text in a row is the location's id, so that rows refer to each other
and every trace of a location can be found.
"""

from collections import Counter
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Boolean, Date, DateTime, LargeBinary, MetaData, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

GONE, STAYING = "loc-that-goes", "loc-that-stays"
VALUES = {
    Uuid: lambda location: uuid5(NAMESPACE_URL, location),
    ARRAY: lambda _: [],
    JSONB: lambda location: Jsonb({"location_id": location}),
    DateTime: lambda _: datetime.now(UTC),
    Date: lambda _: datetime.now(UTC).date(),
    Boolean: lambda _: False,
    LargeBinary: str.encode,
    Text: str,
    Numeric: lambda _: 0,
}
"""What is put into a column of a type."""
CHECKS = """
    SELECT conrelid::regclass::text, conname FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype = 'c' AND NOT relispartition AND connamespace = 'public'::regnamespace
"""
TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""


def fill(url: str, metadata: MetaData, *, but: frozenset[str]) -> None:
    """Adds a row for each of both locations to all tables but those that know no locations."""
    with psycopg.connect(url) as connection:
        # What may stand in a column does not matter here; who may refer to whom does.
        for table, name in connection.execute(CHECKS).fetchall():
            connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for table in metadata.sorted_tables:
            if table.name in but:
                continue
            columns = [each for each in table.columns if not each.identity]
            names = ", ".join(each.name for each in columns)
            places = ", ".join("%s" for _ in columns)
            for location in (GONE, STAYING):
                values = [_value(each.type, location) for each in columns]
                connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({places})", values)


def traces(url: str, location: str) -> Counter[str]:
    """Every row in which the location stands, as text, whichever table it is in."""
    found: Counter[str] = Counter()
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            query = f"SELECT kept::text FROM {table} AS kept WHERE kept::text LIKE %s"
            rows = connection.execute(query, [f"%{location}%"]).fetchall()
            found.update(f"{table}: {row}" for (row,) in rows)
    return found


def _value(kind, location):
    for type_, value in VALUES.items():
        if isinstance(kind, type_):
            return value(location)
    return 1 + [GONE, STAYING].index(location)  # a whole number, which may be a key
