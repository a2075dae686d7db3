"""Programs of ours as real processes, the way a person starts them."""

import asyncio
import json
import os
import signal
import sys
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

    process: asyncio.subprocess.Process
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


async def start(data: Path, *, stderr: int | None = None, **environment: str) -> Standalone:
    """Starts the program on a data folder; it is not yet serving."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.standalone",
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],  # noqa: TID251  a program is started as a shell would
            "STANDALONE_DATA": str(data),
            **FREE_PORTS,
            **environment,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stderr=stderr,
    )
    return Standalone(process, data)


@asynccontextmanager
async def standalone(data: Path, **environment: str) -> AsyncIterator[Standalone]:
    """Runs the program for as long as the block lasts."""
    program = await start(data, **environment)
    try:
        await program.serving()
        yield program
    finally:
        if program.process.returncode is None:
            await program.stop()
