"""The programs under measurement, each a process of its own, on a PostgreSQL with its real settings."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from libs.db.embedded import Cluster, embedded_postgres
from libs.rpc.health import serves
from tests.bench.naive_store import TABLE
from tests.support.programs import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
WAL_FILES = 480
"""Less than PostgreSQL keeps, and more than the doors' webhooks fill."""


@dataclass(frozen=True)
class Street:
    """Where everything answers."""

    cluster: Cluster
    ingestion_url: str
    ingestion_address: str
    door: str
    naive_door: str
    key: str
    processes: dict[str, int]
    naive_processes: dict[str, int]


@asynccontextmanager
async def program(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs a Python program for as long as the block lasts; it logs as it does by default."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},  # noqa: TID251
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def street(folder: Path) -> AsyncIterator[Street]:
    """Runs the real path and the naive one beside each other on one PostgreSQL."""
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            embedded_postgres(
                folder / "postgres",
                settings={
                    "shared_preload_libraries": "pg_stat_statements",
                    "pg_stat_statements.track_planning": "on",
                },
            )
        )
        _make_wal_files(cluster)
        urls = {
            name: await cluster.ensure_database(name)
            for name in ("ingestion", "notifier", "gateway")
        }
        ports = {
            name: free_port() for name in ("ingestion", "notifier", "gateway", "store", "naive")
        }
        notifier = await stack.enter_async_context(
            program(
                "-m",
                "services.notifier",
                NOTIFIER_PORT=ports["notifier"],
                NOTIFIER_DATABASE_URL=urls["notifier"],
                ENCRYPTION_KEYS="bench",
            )
        )
        ingestion = await stack.enter_async_context(
            program(
                "-m",
                "services.ingestion",
                INGESTION_PORT=ports["ingestion"],
                INGESTION_DATABASE_URL=urls["ingestion"],
                INGESTION_NOTIFIER_ADDRESS=f"127.0.0.1:{ports['notifier']}",
                ENCRYPTION_KEYS="bench",
            )
        )
        gateway = await stack.enter_async_context(
            program(
                "-m",
                "gateway",
                GATEWAY_PORT=ports["gateway"],
                GATEWAY_DATABASE_URL=urls["gateway"],
                GATEWAY_INGESTION_ADDRESS=f"127.0.0.1:{ports['ingestion']}",
                GATEWAY_NOTIFIER_ADDRESS=f"127.0.0.1:{ports['notifier']}",
                GATEWAY_ADMIN_KEY_FILE=str(folder / "admin.key"),
            )
        )
        await eventually(lambda: serves(f"127.0.0.1:{ports['ingestion']}"), within=30, every=0.1)
        with psycopg.connect(urls["ingestion"]) as connection:
            connection.execute(TABLE)
        store = await stack.enter_async_context(
            program("-m", "tests.bench.naive_store", ports["store"], urls["ingestion"])
        )
        naive = await stack.enter_async_context(
            program("-m", "tests.bench.naive_door", ports["naive"], f"127.0.0.1:{ports['store']}")
        )
        for name in ("gateway", "store", "naive"):
            await eventually(lambda port=ports[name]: _listens(port), within=30, every=0.1)
        yield Street(
            cluster,
            urls["ingestion"],
            f"127.0.0.1:{ports['ingestion']}",
            f"http://127.0.0.1:{ports['gateway']}",
            f"http://127.0.0.1:{ports['naive']}",
            (folder / "admin.key").read_text().strip(),
            {"gateway": gateway.pid, "ingestion": ingestion.pid, "notifier": notifier.pid},
            {"naive door": naive.pid, "naive store": store.pid},
        )


def _make_wal_files(cluster: Cluster) -> None:
    """Fills the log and lets it be used again, as it is wherever there was a burst before.

    A new server makes each file of its log when it needs it, for 5 ms, while all commits wait.
    """
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        for _ in range(WAL_FILES):
            admin.execute("SELECT pg_logical_emit_message(false, 'bench', '')")
            admin.execute("SELECT pg_switch_wal()")
        admin.execute("CHECKPOINT")


def _listens(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0
