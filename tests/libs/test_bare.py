"""Connections without a session: all or nothing, and never one that somebody else broke."""

import asyncio

import psycopg
import pytest

from libs import problems
from libs.db.database import Database, DatabaseUnavailable
from libs.db.exchange import Question, exchange

ADD = "INSERT INTO things VALUES (CAST($1 AS int))"
ALL = "SELECT id FROM things ORDER BY id"
WHO = "SELECT pg_backend_pid()"


@pytest.fixture
def url(databases):
    made = databases.new_empty()
    with psycopg.connect(made) as connection:
        connection.execute("CREATE TABLE things (id int PRIMARY KEY)")
    yield made
    databases.drop(made)


@pytest.fixture
async def database(url):
    async with Database.open(url, name="test", pool_size=2, exchanging=True) as opened:
        yield opened


async def added(database, number, *, commit=True):
    async with database.bare() as connection:
        await exchange(connection, [Question(ADD, [str(number)])], commit=commit)


async def kept(database):
    async with database.bare() as connection:
        return [row[0] for row in (await exchange(connection, [Question(ALL)]))[ALL]]


async def who(database):
    async with database.bare() as connection:
        return (await exchange(connection, [Question(WHO)]))[WHO][0][0]


async def test_what_is_committed_stays_and_the_rest_is_gone(database):
    await added(database, 1)
    await added(database, 2, commit=False)
    assert await kept(database) == [1]


async def test_a_connection_is_used_again_unless_its_block_failed(database):
    first = await who(database)
    assert await who(database) == first
    with pytest.raises(ZeroDivisionError):
        async with database.bare() as connection:
            await exchange(connection, [Question(ADD, ["1"])])
            1 / 0  # noqa: B018
    assert await who(database) != first
    assert await kept(database) == []


async def test_a_block_that_is_cancelled_keeps_nothing_and_hurts_nobody(database):
    inside = asyncio.Event()

    async def work():
        async with database.bare() as connection:
            await exchange(connection, [Question(ADD, ["1"])])
            inside.set()
            await exchange(connection, [Question("SELECT pg_sleep(60)")])

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await kept(database) == []


async def test_a_server_that_went_away_costs_one_transaction(url, database):
    async with database.bare() as one, database.bare() as other:
        for each in (one, other):
            await exchange(each, [Question(WHO)])
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(DatabaseUnavailable):
        await added(database, 1)
    await added(database, 2)
    assert await kept(database) == [2]


async def test_no_more_are_lent_than_there_are(database):
    async with database.bare(), database.bare():
        waiting = asyncio.create_task(kept(database))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
    assert await waiting == []


async def test_an_error_of_the_database_is_told_as_a_problem(url, database):
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE things")
        with pytest.raises(problems.OutOfTime):
            async with database.bare() as connection:
                await exchange(connection, [Question("SET LOCAL lock_timeout = '50ms'")])
                await exchange(connection, [Question(ALL)])
