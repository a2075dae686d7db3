"""Another time for everything that the SQL of one test database calls now."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql


def set_clock(url: str, now: datetime) -> None:
    """Stops the clock of a database at a time; sessions that are open see it too."""
    if now.tzinfo is None:
        raise ValueError("A time without a zone means another moment on another machine.")
    _replace(url, sql.SQL("{}::timestamptz").format(now.isoformat()))


class MovingClock:
    """The clock of a database, for a test that moves it often.

    It changes a row and not the function: sessions need not plan their statements anew.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        """Autocommits; good for looking what there is at this time."""

    def move_to(self, now: datetime) -> None:
        self.connection.execute("UPDATE moved_clock SET now = %s", [now])


@contextmanager
def moving_clock(url: str) -> Iterator[MovingClock]:
    """Gives the clock of a database, which stands still until it is moved."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE moved_clock AS SELECT clock_now() AS now")
        _replace(url, sql.SQL("(SELECT now FROM moved_clock)"))
        yield MovingClock(connection)


def release_clock(url: str) -> None:
    """Gives a database the machine's time back."""
    _replace(url, sql.SQL("now()"))


def _replace(url: str, expression: sql.Composable) -> None:
    """Sets another time for transactions that begin from now on.

    Those that run keep theirs, as they do with `now()`: it must not change in their middle.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute("SELECT clock_now(), clock_timestamp()").fetchone()
        assert before is not None
        old, moment = (sql.SQL("{}::timestamptz").format(each.isoformat()) for each in before)
        body = sql.SQL("SELECT CASE WHEN now() >= {} THEN {} ELSE {} END").format(
            moment, expression, old
        )
        connection.execute(
            sql.SQL(
                "CREATE OR REPLACE FUNCTION clock_now() RETURNS timestamptz"
                " LANGUAGE sql STABLE AS {}"
            ).format(body.as_string(connection))
        )


def shift_clock(url: str, by: timedelta) -> None:
    """Lets the clock of a database run ahead of the machine's."""
    _replace(url, sql.SQL("now() + {}::interval").format(f"{by.total_seconds()} seconds"))
