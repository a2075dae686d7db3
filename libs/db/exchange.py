"""Statements that travel together: one way to PostgreSQL and one way back.

psycopg's pipeline makes a cursor of each statement and turns to the socket after
each; with a dozen small statements that was most of the work of a batch.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from msgspec import Struct
from psycopg import abc, pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db.bare import Connection
from libs.db.database import driver_connection

Rows = Sequence[tuple[Any, ...]]
Answers = Mapping[str, Rows]
"""The rows that each statement gave, by its text; of a repeated one the last."""
Transaction = AsyncSession | Connection

_prepared: "WeakKeyDictionary[Connection, dict[str, bytes]]" = WeakKeyDictionary()
"""The names under which connections know statements."""
_numbers = count()
"""A name is never used again: who was cut off while preparing does not know what came of it."""


class Question(Struct, frozen=True):
    """A statement with `$1`, `$2` … and what stands there, as text or NULL.

    The text must be one of few: connections keep it prepared.
    """

    statement: str
    given: Sequence[str | None] = ()


_BEGIN, _COMMIT = Question("BEGIN"), Question("COMMIT")


def text_of(statement: ClauseElement) -> str:
    """Gives the text of a statement, its values in it; literal columns may say `$1` in it.

    Once for each statement: SQLAlchemy takes longer to build one than PostgreSQL to run it.
    """
    dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


async def exchange(
    transaction: Transaction, questions: Sequence[Question], *, commit: bool = False
) -> Answers:
    """Runs statements in a transaction, that of a session or of a bare connection, in their order.

    Begins the transaction when it has not begun, and ends it if wanted. Raises
    psycopg's error of the first statement that fails; none runs after it.
    """
    if isinstance(transaction, AsyncSession):
        connection = await driver_connection(transaction)
    else:
        connection = transaction
    idle = connection.pgconn.transaction_status == pq.TransactionStatus.IDLE
    asked = [*([_BEGIN] if idle else ()), *questions, *([_COMMIT] if commit else ())]
    if not asked:
        return {}
    results = await _exchanged(connection, asked)
    transformer = Transformer(connection)
    return {
        each.statement: _rows(transformer, _checked(result))
        for each, result in zip(asked, results, strict=True)
    }


async def _exchanged(connection: Connection, asked: Sequence[Question]) -> Sequence[PGresult]:
    """Gives the result of each, good or bad."""
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    try:
        new = _send(connection, asked)
        pgconn.pipeline_sync()
        results = await connection.wait(_traffic(pgconn))
    finally:
        _leave_pipeline(pgconn)
    for (statement, name), result in zip(new.items(), results, strict=False):
        _checked(result)
        _prepared[connection][statement] = name
    return results[len(new) :]


def _send(connection: Connection, asked: Sequence[Question]) -> Mapping[str, bytes]:
    """Hands statements to libpq; gives those it must prepare before the first runs, with names."""
    pgconn = connection.pgconn
    if connection.prepare_threshold is not None:
        # psycopg prepares statements here, and drops all, ours too, as it sees fit.
        for each in asked:
            pgconn.send_query_params(each.statement.encode(), _encoded(each))
        return {}
    known = _prepared.setdefault(connection, {})
    new = {
        statement: b"exchange_%d" % next(_numbers)
        for statement in {each.statement for each in asked} - known.keys()
    }
    for statement, name in new.items():
        pgconn.send_prepare(name, statement.encode())
    names = known | new if new else known
    for each in asked:
        pgconn.send_query_prepared(names[each.statement], _encoded(each))
    return new


def _encoded(question: Question) -> list[bytes | None]:
    return [None if value is None else value.encode() for value in question.given]


def _traffic(pgconn: PGconn) -> Generator[Wait, Ready | int | None, list[PGresult]]:
    """Sends what libpq holds and receives until all is answered; made for psycopg's `wait`."""
    results: list[PGresult] = []
    waits = Wait.R if pgconn.flush() == 0 else Wait.RW
    while True:
        # Nothing is told when psycopg goes on with a cancelled wait, to see the end of it.
        ready = (yield waits) or 0
        if ready & Ready.W and pgconn.flush() == 0:
            waits = Wait.R
        if ready & Ready.R:
            pgconn.consume_input()
            for result in _received(pgconn):
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    return results
                results.append(result)


def _received(pgconn: PGconn) -> Iterator[PGresult]:
    ended = False
    while not pgconn.is_busy():
        result = pgconn.get_result()
        if result is not None:
            yield result
        elif ended:
            return
        # One nothing stands behind each statement, two at the end.
        ended = result is None


def _leave_pipeline(pgconn: PGconn) -> None:
    if pgconn.status == pq.ConnStatus.BAD:
        return
    try:
        pgconn.exit_pipeline_mode()
    except psycopg.OperationalError:
        pgconn.finish()  # cut off in the middle: nobody knows what it would answer next


def _checked(result: PGresult) -> PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    raise error_from_result(result)


def _rows(transformer: abc.Transformer, result: PGresult) -> Rows:
    if not result.ntuples:
        return ()
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)
