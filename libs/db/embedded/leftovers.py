"""PostgreSQL's processes that outlived the program or the server they belonged to."""

import os
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

PATIENCE = 5.0
PROC = Path("/proc")


def ending_leftovers(cluster_name: str) -> Generator[float]:
    """Ends what is left of a cluster, in steps that each say how long to wait.

    A server ends its last queries before it notices that its parent or its
    postmaster is gone, and a new one cannot start before. Where there is no
    /proc, PostgreSQL's own checks refuse the start.
    """
    mercy_ends = time.monotonic() + PATIENCE
    while pids := list(_processes_of(cluster_name)):
        last = time.monotonic() > mercy_ends
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if last else signal.SIGQUIT)
        yield 0.05


def forget_reused_pid(data: Path) -> None:
    """Removes the pid file of a server that is gone when its pid is another program's now.

    PostgreSQL would believe that the other program is a server. Only for who
    holds the folder's lock and has ended the leftovers.
    """
    file = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError):
        pid = int(file.read_text().partition("\n")[0])
        if b"postgres" not in (PROC / str(pid) / "cmdline").read_bytes():
            file.unlink()


def _processes_of(cluster_name: str) -> Iterator[int]:
    marks = (f"cluster_name={cluster_name}\0".encode(), f"postgres: {cluster_name}: ".encode())
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):
            line = (process / "cmdline").read_bytes()
            if line.startswith(marks[1]) or (b"postgres\0" in line and marks[0] in line):
                yield int(process.name)
