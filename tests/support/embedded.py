"""What the tests of our own PostgreSQL runner share."""

import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from tests.support.databases import ROOT

# Waits for no disk, and yet has every commit when PostgreSQL alone is killed.
COMMITTING = {"fsync": "off"}


@contextmanager
def passable_folder() -> Iterator[Path]:
    """Gives a folder that does not exist yet, in one that others may pass, unlike pytest's own."""
    above = Path(tempfile.mkdtemp(prefix="runwarden-embedded-"))
    above.chmod(0o711)
    try:
        yield above / "database"
    finally:
        shutil.rmtree(above)


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
    import signal, psycopg
    from pathlib import Path
    from libs.db.embedded import running_postgres
    with running_postgres(Path({str(folder)!r}), settings={COMMITTING}) as cluster:
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
