"""Connections to one service's own database, and what becomes of the driver's errors."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any, Self, cast

import psycopg
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from libs import problems
from libs.db.bare import BareConnections, Connection

SERVER_SETTINGS = (
    "-c TimeZone=UTC "
    # A process that was frozen inside a transaction gives its rows back.
    "-c idle_in_transaction_session_timeout=10s "
    "-c lock_timeout=10s -c statement_timeout=30s "
    # No statement is so long that compiling it would pay.
    "-c jit=off"
)
# One plan for whatever is asked: for few values PostgreSQL would plan anew each
# time, and what counts failures takes longer to plan, a millisecond, than to run.
BY_INDEX = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan"
RETRY_AFTER = timedelta(seconds=1)
PATIENCE_SECONDS = 5.0
"""How long a transaction waits for a free connection."""


class DatabaseUnavailable(problems.Unavailable):
    """The database does not answer; the same call will work when it is back."""

    reason = "DATABASE_UNAVAILABLE"


class Database:
    """A pool of connections to one service's own database."""

    def __init__(self, engine: AsyncEngine, bare: BareConnections) -> None:
        self._engine = engine
        self._bare = bare

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        name: str,
        pool_size: int = 8,
        by_index: bool = False,
        exchanging: bool = False,
    ) -> AsyncIterator[Self]:
        """Opens the pool; `url` is anything libpq reads, several hosts included.

        `name` is what `pg_stat_activity` shows. No connection is made yet. With
        `by_index` a prepared statement keeps to the indexes though its tables
        were still empty, and cheap to read as a whole, when it was planned; and
        it is planned once. With `exchanging` only `libs.db.exchange` prepares
        statements.
        """
        settings = f"{SERVER_SETTINGS} {BY_INDEX}" if by_index else SERVER_SETTINGS

        async def connect(*_: object, **__: object) -> Connection:
            connection = await connected(url, application_name=name, options=settings)
            if exchanging:
                connection.prepare_threshold = None
            return connection

        engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=PATIENCE_SECONDS,
            # The URL says nothing about the server; what SQLAlchemy would ask it
            # on the first connection is not used.
            pool_use_lifo=True,
            hide_parameters=True,  # they hold what callers sent, and errors are logged
        )
        bare = BareConnections(connect, pool_size)
        try:
            yield cls(engine, bare)
        finally:
            await bare.close()
            await engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Gives a session whose work is committed at the end of the block, all or nothing.

        READ COMMITTED. Driver errors come out as problems; a broken constraint
        comes out as SQLAlchemy's IntegrityError (see `constraint_of`).
        """
        with _told_as_problems():
            async with (
                AsyncSession(self._engine, expire_on_commit=False, autoflush=False) as session,
                session.begin(),
            ):
                yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """Gives a session whose statements all see the same moment, for answers that take several."""
        async with self.transaction() as session:
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            yield session

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[Connection]:
        """Gives a connection on which only `libs.db.exchange` runs statements, and commits.

        What was not committed at the end of the block is gone. Driver errors come
        out as problems. There are as many of these connections as of the others.
        """
        with _told_as_problems():
            async with self._bare.lent(PATIENCE_SECONDS) as connection:
                yield connection

    async def ping(self) -> None:
        """Asks the database for a sign of life; `DatabaseUnavailable` when there is none."""
        async with self.transaction() as session:
            await session.execute(text("SELECT 1"))


async def connected(url: str, **options: Any) -> Connection:
    """Opens a connection of its own; `options` are those of psycopg."""
    connecting = asyncio.ensure_future(
        psycopg.AsyncConnection.connect(url, connect_timeout=5, **options)
    )
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        # Cut off in the middle, psycopg leaves a half-open connection behind: the
        # server keeps a place for it for a minute, and cannot drop its database.
        with suppress(psycopg.Error, OSError):
            await (await connecting).close()
        raise


async def driver_connection(session: AsyncSession) -> Connection:
    """Gives psycopg's own connection of the session's transaction."""
    kept: Connection | None = session.info.get("driver_connection")
    if kept is None:
        connection = await session.connection()
        raw = await connection.get_raw_connection()
        kept = cast("Connection", raw.driver_connection)
        session.info["driver_connection"] = kept  # a session has one transaction here
    return kept


@contextmanager
def _told_as_problems() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _problem_of(error.orig, lost=error.connection_invalidated) or error from error
    except psycopg.Error as error:
        raise _problem_of(error) or error from error
    except (PoolTimeoutError, OSError) as error:
        raise DatabaseUnavailable(retry_after=RETRY_AFTER) from error


def constraint_of(error: DBAPIError) -> str | None:
    """Names the constraint that was broken; None when it was something else."""
    cause = error.orig
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None


def _problem_of(cause: BaseException | None, *, lost: bool = False) -> problems.Problem | None:
    if isinstance(cause, errors.DeadlockDetected | errors.SerializationFailure):
        return problems.Overtaken()
    if isinstance(cause, errors.LockNotAvailable | errors.QueryCanceled):
        return problems.OutOfTime("The database was too busy; try again.")
    if lost or isinstance(cause, psycopg.OperationalError):
        return DatabaseUnavailable(retry_after=RETRY_AFTER)
    return None
