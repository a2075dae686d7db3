"""Statements that travel together: one way to PostgreSQL and one way back.

psycopg's pipeline makes a cursor of each statement and turns to the socket after
each; with a dozen small statements that was most of the work of a batch.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import abc, pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db.database import driver_connection

Rows = Sequence[tuple[Any, ...]]
Answers = Mapping[str, Rows]
"""The rows that each statement gave, by its text; of a repeated one the last."""
Connection = psycopg.AsyncConnection[Any]

_names: dict[str, bytes] = {}
_prepared: "WeakKeyDictionary[Connection, set[str]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Question:
    """A statement with `$1`, `$2` … and what stands there, as text or NULL.

    The text must be one of few: connections keep it prepared.
    """

    statement: str
    given: Sequence[str | None] = ()


_BEGIN, _COMMIT = Question("BEGIN"), Question("COMMIT")


async def exchange(
    session: AsyncSession, questions: Sequence[Question], *, commit: bool = False
) -> Answers:
    """Runs statements in the session's transaction, in their order.

    Begins the transaction when it has not begun, and ends it if wanted. Raises
    psycopg's error of the first statement that fails; none runs after it.
    """
    connection = await driver_connection(session)
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
    for statement, result in zip(new, results, strict=False):
        _checked(result)
        _prepared[connection].add(statement)
    return results[len(new) :]


def _send(connection: Connection, asked: Sequence[Question]) -> Sequence[str]:
    """Hands statements to libpq; gives those it must prepare before the first runs."""
    pgconn = connection.pgconn
    if connection.prepare_threshold is not None:
        # psycopg prepares statements here, and drops all, ours too, as it sees fit.
        for each in asked:
            pgconn.send_query_params(each.statement.encode(), _encoded(each))
        return ()
    known = _prepared.setdefault(connection, set())
    new = list({each.statement for each in asked} - known)
    for statement in new:
        pgconn.send_prepare(_name(statement), statement.encode())
    for each in asked:
        pgconn.send_query_prepared(_name(each.statement), _encoded(each))
    return new


def _name(statement: str) -> bytes:
    return _names.setdefault(statement, b"exchange_%d" % len(_names))


def _encoded(question: Question) -> list[bytes | None]:
    return [None if value is None else value.encode() for value in question.given]


def _traffic(pgconn: PGconn) -> Generator[Wait, Ready | int | None, list[PGresult]]:
    """Sends what libpq holds and receives until all is answered; made for psycopg's `wait`."""
    results: list[PGresult] = []
    waits = Wait.RW
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
