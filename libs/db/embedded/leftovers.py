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
    with suppress(OSError, ValueError):
        pid = int(file.read_text().partition("\n")[0])
        if not _is_postgres(_arguments(pid)):
            file.unlink()


def _processes_of(cluster_name: str) -> Iterator[int]:
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):
            arguments = _arguments(int(process.name))
            if _is_postgres(arguments) and _names(arguments, cluster_name):
                yield int(process.name)


def _arguments(pid: int) -> list[str]:
    return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")


def _is_postgres(arguments: list[str]) -> bool:
    return Path(arguments[0]).name == "postgres" or arguments[0].startswith("postgres: ")


def _names(arguments: list[str], cluster_name: str) -> bool:
    # The postmaster has it in its settings, its children in their titles.
    title = f"postgres: {cluster_name}: "
    return arguments[0].startswith(title) or f"--cluster_name={cluster_name}" in arguments
