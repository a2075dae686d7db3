"""A PostgreSQL that does not answer for a while, and goes on where it was."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """Stops all processes of the server in the middle of what they do, for as long as the block."""
    pid = int(next(folder.rglob("postmaster.pid")).read_text().split()[0])
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    for each in processes:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            each.send_signal(signal.SIGCONT)
