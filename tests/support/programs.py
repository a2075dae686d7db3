"""Programs of ours as real processes, the way a person starts them."""

import asyncio
import json
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
FREE_PORTS = {
    "GATEWAY_PORT": "0",
    "INGESTION_PORT": "0",
    "SCHEDULER_PORT": "0",
    "NOTIFIER_PORT": "0",
}


@dataclass
class Standalone:
    """`python -m services.standalone` in a process of its own."""

    process: Process
    data: Path
    runtime: dict[str, object] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return str(self.runtime["http"])

    @property
    def key(self) -> str:
        return (self.data / "admin.key").read_text().strip()

    def http(self) -> aiohttp.ClientSession:
        """Gives a client that carries the admin key."""
        return aiohttp.ClientSession(
            self.url, headers={"Authorization": f"Bearer {self.key}"}, raise_for_status=False
        )

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    async def serving(self, *, within: float = 30) -> None:
        """Waits until all parts serve."""

        def served() -> bool:
            if self.process.returncode is not None:
                raise RuntimeError("the program ended; its output is above")
            file = self.data / "runtime.json"
            return file.exists() and json.loads(file.read_text())["pid"] == self.process.pid

        await eventually(served, within=within)
        self.runtime = json.loads((self.data / "runtime.json").read_text())

    async def stop(self) -> int:
        """Presses Ctrl-C and gives the exit code."""
        self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), 20)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


def free_port() -> str:
    """Gives a port that nobody listens on, below those the system lends to outgoing connections."""
    while True:
        port = random.randrange(10_000, 20_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return str(port)


async def started(module: str, *, stderr: int | None = None, **environment: str) -> Process:
    """Starts a program of ours as a shell would."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},  # noqa: TID251  as a shell would
        stdin=asyncio.subprocess.DEVNULL,
        stderr=stderr,
    )


@asynccontextmanager
async def program(module: str, **environment: str) -> AsyncIterator[Process]:
    """Runs a program of ours for as long as the block lasts; it may end before."""
    process = await started(module, **environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 20)


async def start(data: Path, *, stderr: int | None = None, **environment: str) -> Standalone:
    """Starts the standalone program on a data folder; it is not yet serving."""
    settings = {"STANDALONE_DATA": str(data), **FREE_PORTS, **environment}
    return Standalone(await started("services.standalone", stderr=stderr, **settings), data)


@asynccontextmanager
async def standalone(data: Path, **environment: str) -> AsyncIterator[Standalone]:
    """Runs the standalone program for as long as the block lasts."""
    running = await start(data, **environment)
    try:
        await running.serving()
        yield running
    finally:
        if running.process.returncode is None:
            await running.stop()
