"""Statements that travel together run in order, all or none, and leave a connection that works."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import literal, literal_column, select, text

from libs import problems
from libs.db.database import Database
from libs.db.exchange import Question, exchange, text_of
from tests.support.waiting import eventually

ADD = "INSERT INTO things VALUES (CAST($1 AS int), $2) RETURNING id"
ALL = "SELECT id, name, at FROM things ORDER BY id"
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def url(databases):
    made = databases.new_empty()
    with psycopg.connect(made) as connection:
        connection.execute(
            "CREATE TABLE things (id int PRIMARY KEY, name text, "
            "at timestamptz DEFAULT '2026-03-01T00:00Z')"
        )
    yield made
    databases.drop(made)


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
async def database(request, url):
    async with Database.open(url, name="test", pool_size=1, exchanging=request.param) as opened:
        yield opened


async def everything(database):
    async with database.transaction() as session:
        return list((await exchange(session, [Question(ALL)]))[ALL])


async def test_statements_run_in_order_and_give_their_rows(database):
    async with database.transaction() as session:
        answers = await exchange(
            session,
            [Question(ADD, ["1", "ä\\'\""]), Question(ALL), Question("SELECT 1 WHERE false")],
        )

    assert answers == {
        ADD: [(1,)],
        ALL: [(1, "ä\\'\"", AT)],
        "SELECT 1 WHERE false": (),
        "BEGIN": (),
    }
    assert await everything(database) == [(1, "ä\\'\"", AT)]


async def test_the_text_of_a_statement_has_its_values_in_it_and_takes_others(database):
    values = select(
        literal("it's 100% :so"), literal(timedelta(minutes=1)), literal_column("CAST($1 AS int)")
    )
    async with database.transaction() as session:
        answers = await exchange(session, [Question(text_of(values), ["7"])])

    assert list(answers[text_of(values)]) == [("it's 100% :so", timedelta(minutes=1), 7)]


async def test_a_repeated_statement_gives_its_last_rows(database):
    async with database.transaction() as session:
        answers = await exchange(session, [Question(ADD, ["1", None]), Question(ADD, ["2", "b"])])

    assert answers[ADD] == [(2,)]
    assert [row[:2] for row in await everything(database)] == [(1, None), (2, "b")]


async def test_it_is_one_transaction_with_what_the_session_does(database):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO things VALUES (1, 'session')"))
            await exchange(session, [Question(ADD, ["2", "exchange"])])
            assert await session.scalar(text("SELECT count(*) FROM things")) == 2
            1 / 0  # noqa: B018

    assert await everything(database) == []


async def test_a_commit_on_the_way_is_final(database):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await exchange(session, [Question(ADD, ["1", "kept"])], commit=True)
            1 / 0  # noqa: B018

    assert [row[:2] for row in await everything(database)] == [(1, "kept")]


async def test_after_a_failure_nothing_runs_and_the_connection_is_good(database):
    for _ in range(3):  # one connection: what it has prepared outlives a rollback
        with pytest.raises(psycopg.errors.UniqueViolation, match="things_pkey"):
            async with database.transaction() as session:
                twice = [Question(ADD, ["1", "a"]), Question(ADD, ["1", "b"]), Question(ALL)]
                await exchange(session, twice, commit=True)

        assert await everything(database) == []


async def test_a_statement_that_cannot_be_prepared_is_told(database):
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with database.transaction() as session:
            await exchange(session, [Question(ADD, ["1", "a"]), Question("SELECT FROM nothing")])

    assert await everything(database) == []


async def test_a_cancelled_exchange_leaves_nothing_behind(database, url):
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE things")

        async def waits():
            async with database.transaction() as session:
                await exchange(session, [Question(ADD, ["1", "a"])], commit=True)

        task = asyncio.create_task(waits())
        with psycopg.connect(url, autocommit=True) as watching:
            waiting = "SELECT FROM pg_locks WHERE NOT granted"
            await eventually(lambda: watching.execute(waiting).fetchone() is not None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert await everything(database) == []


async def test_a_server_that_went_away_is_a_problem_and_the_next_call_works(database, url):
    with pytest.raises(problems.Unavailable):
        async with database.transaction() as session:
            await exchange(session, [Question(ADD, ["1", "a"])])
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'test'"
                )
            await exchange(session, [Question(ADD, ["2", "b"])])

    assert await everything(database) == []


async def test_more_than_a_socket_holds_goes_both_ways(database):
    large = "x" * 3_000_000
    async with database.transaction() as session:
        questions = [Question(ADD, [str(n), large]) for n in range(5)]
        answers = await exchange(session, [*questions, Question(ALL), Question(ADD, ["9", large])])

    assert [len(row[1]) for row in answers[ALL]] == [3_000_000] * 5
