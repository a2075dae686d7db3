"""What firing costs: schedules claimed a second, the tick that finds nothing, and a scan on demand."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import grpc
import psycopg

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.db import migrations
from libs.db.database import Database
from libs.db.embedded import Cluster, embedded_postgres
from libs.rpc.health import serves
from services.scheduler.actions.firing import Firing
from services.scheduler.domain.zones import TZDATA_VERSION
from services.scheduler.wiring import MIGRATIONS
from tests.bench.programs import ROOT, program
from tests.bench.report import table
from tests.support.programs import free_port
from tests.support.waiting import eventually

WORKERS = (1, 2, 4)
IDLE_TICKS = 200
CALLS = 50

FILL = """
INSERT INTO scan_schedules (
    id, location_id, enabled, frequency, preferred_time, timezone, scan_scope,
    selected_workflow_ids, next_scan_at, tzdata_version, version, created_at, updated_at
)
SELECT 's-' || n, 'loc-' || n, true, (ARRAY['daily', '12h', '6h'])[1 + n %% 3],
       lpad((n %% 24)::text, 2, '0') || ':' || lpad((n %% 4 * 15)::text, 2, '0'),
       (ARRAY['America/Chicago', 'Europe/London', 'Asia/Kolkata', 'Australia/Sydney'])[1 + n %% 4],
       'all', '{}', now() + %s, %s, 1, now(), now()
FROM generate_series(1, %s) n
"""
"""Schedules of a fleet: a few zones, times on the quarter of an hour, due after a while."""


@dataclass(frozen=True)
class Claims:
    """Schedules that were fired, by how many processes, in how many seconds."""

    workers: int
    fired: int
    distinct: int
    seconds: float


async def measured(folder: Path, *, quick: bool) -> str:
    """Gives the report on scheduling."""
    due, idle = (20_000, 100_000) if quick else (100_000, 1_000_000)
    async with embedded_postgres(folder / "postgres") as cluster:
        claims = [
            await claimed(await new_scheduler(cluster, f"claims_{workers}"), due, workers)
            for workers in WORKERS
        ]
        url = await new_scheduler(cluster, "idle")
        filled(url, idle, due_in="1 hour")
        ticks = await idle_ticks(url)
        waits = await waits_on_demand(await new_scheduler(cluster, "demand"))
    rows = [
        [str(each.workers), f"{each.fired:,}", f"{each.fired / each.seconds:,.0f}", _twice(each)]
        for each in claims
    ]
    fired = table(["processes", "due", "fired/s", "fired twice"], rows)
    slow = quantiles(waits, n=20)[-1]
    return (
        f"{fired}\n"
        f"A tick with {idle:,} schedules and none due: median {median(ticks) * 1000:.2f} ms. "
        f"From RunScan to a running scan, {CALLS} calls one after the other: "
        f"p50 {median(waits) * 1000:.0f} ms, p95 {slow * 1000:.0f} ms.\n"
    )


def _twice(claims: Claims) -> str:
    return str(claims.fired - claims.distinct)


async def new_scheduler(cluster: Cluster, name: str) -> str:
    """Gives the url of a scheduler's database, empty."""
    url = await cluster.ensure_database(name)
    await migrations.apply(url, MIGRATIONS)
    return url


def filled(url: str, count: int, *, due_in: str) -> None:
    """Puts schedules into a database that are due after a while, or were before now."""
    with psycopg.connect(url) as connection:
        connection.execute(FILL, (due_in, TZDATA_VERSION, count))
        connection.execute("ANALYZE scan_schedules")


async def claimed(url: str, due: int, workers: int) -> Claims:
    """Lets processes fire all that is due, at once."""
    filled(url, due, due_in="-5 seconds")
    processes = [await _dispatcher(url) for _ in range(workers)]
    for each in processes:
        await each.stdout.readline()
    began = time.perf_counter()
    for each in processes:
        each.stdin.write(b"go\n")
    for each in processes:
        await each.stdout.readline()
    seconds = time.perf_counter() - began
    codes = [await each.wait() for each in processes]
    assert codes == [0] * workers
    with psycopg.connect(url) as connection:
        fired, distinct = connection.execute(
            "SELECT count(*), count(DISTINCT (schedule_id, scheduled_for)) FROM scan_history"
        ).fetchone()
    return Claims(workers, fired, distinct, seconds)


async def _dispatcher(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.dispatcher", url),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},  # noqa: TID251  as a shell would
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def idle_ticks(url: str) -> list[float]:
    """Gives the seconds of ticks that find nothing due."""
    found = []
    async with Database.open(url, name="bench") as database:
        firing = Firing(database, on_queued=lambda: None)
        for _ in range(IDLE_TICKS):
            began = time.perf_counter()
            await firing.tick()
            found.append(time.perf_counter() - began)
    return found[IDLE_TICKS // 10 :]


async def waits_on_demand(url: str) -> list[float]:
    """Gives the seconds from each call to the running scan."""
    async with scheduler(url) as stub:
        return [await _wait_on_demand(stub, f"loc-{number}") for number in range(CALLS)]


async def _wait_on_demand(stub: rpc.SchedulerServiceStub, location_id: str) -> float:
    began = time.perf_counter()
    started = await stub.RunScan(pb.RunScanRequest(location_id=location_id), timeout=5)
    asked = pb.GetScanRequest(location_id=location_id, scan_id=started.scan_id)

    async def begun() -> bool:
        return (await stub.GetScan(asked, timeout=5)).scan.HasField("started_at")

    await eventually(begun, within=30, every=0.005)
    seconds = time.perf_counter() - began
    cancel = pb.CancelScanRequest(location_id=location_id, scan_id=started.scan_id)
    await stub.CancelScan(cancel, timeout=5)
    return seconds


@asynccontextmanager
async def scheduler(url: str) -> AsyncIterator[rpc.SchedulerServiceStub]:
    """Runs a scheduler whose peers are away: a scan begins, and waits for ingestion."""
    port = free_port()
    environment = {
        "SCHEDULER_PORT": port,
        "SCHEDULER_DATABASE_URL": url,
        "SCHEDULER_INGESTION_ADDRESS": "127.0.0.1:1",
        "SCHEDULER_NOTIFIER_ADDRESS": "127.0.0.1:1",
        "ENCRYPTION_KEYS": "bench",
    }
    address = f"127.0.0.1:{port}"
    async with (
        program("-m", "services.scheduler", **environment),
        grpc.aio.insecure_channel(address) as channel,
    ):
        await eventually(lambda: serves(address), within=30, every=0.1)
        yield rpc.SchedulerServiceStub(channel)
