"""Counts how often a connection waits for PostgreSQL."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from psycopg.pq.abc import PGconn

ANSWERED = "ReadyForQuery"
"""PostgreSQL says so once at the end of each round trip."""


@contextmanager
def round_trips(pgconn: PGconn) -> Iterator[SimpleNamespace]:
    """Gives the number of round trips of the block, after it, as `.number`; libpq writes them down."""
    counted = SimpleNamespace(number=None)
    with tempfile.TemporaryFile("w+") as trace:
        pgconn.trace(trace.fileno())
        try:
            yield counted
        finally:
            pgconn.untrace()
        trace.seek(0)
        counted.number = sum(ANSWERED in line for line in trace)
