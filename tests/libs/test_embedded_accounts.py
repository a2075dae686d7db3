import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from libs.db.embedded import Cluster, FolderOutOfReach, embedded_postgres, running_postgres
from libs.db.embedded.placing import place_for
from libs.db.embedded.programs import find_programs, major_version
from libs.db.embedded.server import Server
from tests.support.databases import FORGETFUL
from tests.support.embedded import kill, lives, passable_folder, postmaster, program, query, started
from tests.support.waiting import eventually

AS_ROOT = os.geteuid() == 0
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
NOBODY = {"user": 65534, "group": 65534, "extra_groups": ()}


@pytest.fixture
def folder():
    with passable_folder() as folder:
        yield folder


@pytest.fixture
def remains(folder):
    """The folder of a database of which only the version is left."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text(f"{major_version(find_programs())}\n")
    return folder


async def test_secrets_are_the_owners_alone_and_folders_above_stay_as_they_are(folder):
    above = folder.parent
    above.chmod(0o751)
    deep = above / "new" / "database"
    async with embedded_postgres(deep, settings=FORGETFUL) as cluster:
        await cluster.ensure_database("ingestion", "ingestion")

        assert mode(above) == 0o751
        assert (mode(deep.parent), mode(deep)) == (0o711, 0o711)
        assert mode(deep / "data") == 0o700
        files = {path.name: mode(path) for path in deep.iterdir() if path.is_file()}
    assert files == dict.fromkeys(
        ["ingestion.password", "lock", "postgres.log", "postgres.password"], 0o600
    )


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.skipif(not AS_ROOT, reason="only root has to be somebody else")
def test_roots_data_follow_whoever_can_pass_the_folders_above(folder):
    open_to_others, closed = 0o711, 0o700
    turns = [open_to_others, closed, open_to_others] if works(*NAMESPACE) else [open_to_others]
    for turn in turns:
        folder.parent.chmod(turn)
        with running_postgres(folder, settings=FORGETFUL) as cluster:
            query(cluster.url(), "CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS n")
            assert query(cluster.url(), "SELECT n FROM kept") == [(1,)]
            assert (postmaster(folder).uids().real == 0) == (turn == closed)
        assert mode(folder.parent) == turn


@pytest.mark.skipif(not AS_ROOT, reason="a normal user runs this whole file")
async def test_a_normal_user_runs_it_in_a_folder_of_their_own(folder):
    folder.mkdir()
    wrapper, who = a_normal_user(folder)
    process = started([*wrapper, *program(folder, "connection.execute('SELECT 6')")], **who)
    server = postmaster(folder)
    assert server.uids() == psutil.Process(process.pid).uids()
    kill(process)
    await eventually(lambda: not lives(server), within=5)


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
