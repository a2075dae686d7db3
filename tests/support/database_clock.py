"""Another time for everything that the SQL of one test database calls now."""

from datetime import datetime, timedelta

import psycopg
from psycopg import sql


def set_clock(url: str, now: datetime) -> None:
    """Stops the clock of a database at a time; sessions that are open see it too.

    A statement that has begun keeps the time it began with.
    """
    if now.tzinfo is None:
        raise ValueError("A time without a zone means another moment on another machine.")
    _replace(url, sql.SQL("SELECT {}::timestamptz").format(now.isoformat()))


def release_clock(url: str) -> None:
    """Gives a database the machine's time back."""
    _replace(url, sql.SQL("SELECT now()"))


def _replace(url: str, body: sql.Composable) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            sql.SQL(
                "CREATE OR REPLACE FUNCTION clock_now() RETURNS timestamptz"
                " LANGUAGE sql STABLE AS {}"
            ).format(body.as_string(connection))
        )


def shift_clock(url: str, by: timedelta) -> None:
    """Lets the clock of a database run ahead of the machine's."""
    _replace(url, sql.SQL("SELECT now() + {}::interval").format(f"{by.total_seconds()} seconds"))
