import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from libs import problems
from libs.db.database import Database, DatabaseUnavailable, constraint_of


@pytest.fixture
def url(databases):
    made = databases.new_empty()
    with psycopg.connect(made) as connection:
        connection.execute("CREATE TABLE things (id int CONSTRAINT things_pkey PRIMARY KEY, n int)")
        connection.execute("INSERT INTO things VALUES (1, 0), (2, 0)")
    yield made
    databases.drop(made)


@pytest.fixture
async def database(url):
    async with Database.open(url, name="test") as opened:
        yield opened


async def count(database):
    async with database.transaction() as session:
        return await session.scalar(text("SELECT count(*) FROM things"))


async def test_a_block_that_fails_leaves_nothing_behind(database):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO things VALUES (3, 0)"))
            1 / 0  # noqa: B018

    assert await count(database) == 2


async def test_all_statements_of_a_snapshot_see_the_same_moment(url, database):
    async with database.snapshot() as session:
        before = await session.scalar(text("SELECT count(*) FROM things"))
        with psycopg.connect(url) as other:
            other.execute("DELETE FROM things")
        assert await session.scalar(text("SELECT count(*) FROM things")) == before == 2
    assert await count(database) == 0


async def test_a_cancelled_block_leaves_nothing_behind(database):
    inside = asyncio.Event()

    async def work():
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO things VALUES (3, 0)"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await count(database) == 2


async def test_a_broken_constraint_can_be_told_by_its_name(database):
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO things VALUES (1, 0)"))

    assert constraint_of(caught.value) == "things_pkey"


async def test_a_deadlock_is_a_lost_race(database):
    first_locks = [asyncio.Event(), asyncio.Event()]

    async def work(me, mine, other):
        async with database.transaction() as session:
            await session.execute(text(f"UPDATE things SET n = n + 1 WHERE id = {mine}"))
            first_locks[me].set()
            await first_locks[1 - me].wait()
            await session.execute(text(f"UPDATE things SET n = n + 1 WHERE id = {other}"))

    results = await asyncio.gather(work(0, 1, 2), work(1, 2, 1), return_exceptions=True)

    assert [type(each) for each in results if each] == [problems.Overtaken]


async def test_a_database_that_is_not_there_is_unavailable():
    async with Database.open("postgresql://x:y@127.0.0.1:1/none", name="test") as nowhere:
        with pytest.raises(DatabaseUnavailable):
            await nowhere.ping()


async def test_after_its_connections_were_cut_it_is_back_within_two_calls(database, url):
    await asyncio.gather(*(count(database) for _ in range(4)))
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    with pytest.raises(DatabaseUnavailable):
        await count(database)
    assert await count(database) == 2


async def test_several_hosts_may_be_given(url):
    password, place = url.removeprefix("postgresql://").split("@")
    several = f"postgresql://{password}@127.0.0.1:1,{place}?target_session_attrs=read-write"

    async with Database.open(several, name="test") as opened:
        assert await count(opened) == 2
