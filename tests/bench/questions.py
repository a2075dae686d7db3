"""What PostgreSQL takes to answer the questions of the dashboard, whatever the size of the log."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from libs.db import migrations
from libs.db.database import Database
from libs.db.embedded import Cluster
from services.ingestion.actions.listing import Listing
from services.ingestion.actions.measuring import Measuring
from services.ingestion.domain.contact import ContactRefs
from services.ingestion.domain.execution import ExecutionFilter, WorkflowKey
from services.ingestion.domain.page import PageRequest
from services.ingestion.store import partitions, rollups
from services.ingestion.store.now import now
from services.ingestion.wiring import MIGRATIONS

KEPT = timedelta(days=70)
WINDOW = timedelta(days=30)
TIMES = 30
BUSY = WorkflowKey("loc-0", "wf-0")
"""Has 5 % of all rows."""
# Over 70 days in the order in which they happen, 10 % failures; the busy workflow has every 20th run, 4,000 others share the rest.
RUNS = """
INSERT INTO execution_logs
SELECT gen_random_uuid(), at, at, n %% 3000, false, false,
    CASE WHEN n %% 20 = 0 THEN 'loc-0' ELSE 'loc-' || n %% 40 END,
    CASE WHEN n %% 20 = 0 THEN 'wf-0' ELSE 'wf-' || n %% 4000 END,
    CASE WHEN n %% 10 = n / 20 %% 10 THEN 'failed' ELSE 'success' END, 'webhook', 'Lead flow',
    '', '', '', '', '', 'r-' || n
FROM (
    SELECT n, clock_now() - interval '70 days' * (
        CAST(%(last)s - n AS float8) / (%(last)s - %(first)s + 1)
    ) AS at
    FROM generate_series(CAST(%(first)s AS int), CAST(%(last)s AS int)) AS n
) AS run
"""
WORKFLOWS = """
INSERT INTO workflows (location_id, workflow_id, name, first_seen_at, last_execution_at)
SELECT location_id, workflow_id, '', min(hour), max(last_execution_at)
FROM hourly_rollups GROUP BY location_id, workflow_id
"""
DAYS = f"""
INSERT INTO daily_rollups
SELECT location_id, workflow_id, date_trunc('day', hour, 'UTC') AS day, {rollups.SUMMED}
FROM hourly_rollups WHERE hour < date_trunc('day', clock_now(), 'UTC')
GROUP BY location_id, workflow_id, day ORDER BY day
"""
"""Closes all days that are over, as the job would one after the other."""
SPENT = """
SELECT sum(total_plan_time + total_exec_time) FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'questions')
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """Milliseconds in PostgreSQL for each question, planning included."""

    rows: int
    metrics: float
    threshold: float
    first_page: float
    deep_page: float


@asynccontextmanager
async def _opened(cluster: Cluster) -> AsyncIterator[tuple[Database, psycopg.Connection]]:
    url = await cluster.ensure_database("questions")
    await migrations.apply(url, MIGRATIONS)
    with psycopg.connect(cluster.url("questions"), autocommit=True) as admin:
        admin.execute("CREATE EXTENSION pg_stat_statements")
        admin.execute("SET work_mem = '256MB'")
        async with Database.open(url, name="questions", by_index=True) as database:
            yield database, admin


async def answered(cluster: Cluster, sizes: tuple[int, ...]) -> AsyncIterator[Answered]:
    """Fills a log up to each size, and measures the questions there."""
    async with _opened(cluster) as (database, admin):
        there = 0
        for rows in sizes:
            await _fill(database, admin, there, rows)
            there = rows
            yield await _measured(database, admin, rows)


async def _fill(database: Database, admin: psycopg.Connection, there: int, rows: int) -> None:
    async with database.transaction() as session:
        end = await now(session)
        await partitions.make_for(session, [end - KEPT + timedelta(days=n) for n in range(71)])
    admin.execute(RUNS, {"first": there + 1, "last": rows})
    admin.execute("TRUNCATE hourly_rollups, daily_rollups, workflows")
    admin.execute(rollups.FILL)
    admin.execute(WORKFLOWS)
    admin.execute(DAYS)
    admin.execute("VACUUM ANALYZE")


async def _measured(database: Database, admin: psycopg.Connection, rows: int) -> Answered:
    measuring, listing = Measuring(database, 24), Listing(database, ContactRefs(["key"]))
    wanted = ExecutionFilter(**BUSY._asdict())

    async def page(token: str = "") -> str:
        return (await listing.executions(wanted, PageRequest(50, token))).next_page_token

    deep = ""
    for _ in range(40):
        deep = await page(deep)
    return Answered(
        rows,
        await _spent(admin, lambda: measuring.metrics(BUSY, WINDOW)),
        await _spent(admin, lambda: measuring.tally(BUSY, failures=None, hours=None)),
        await _spent(admin, page),
        await _spent(admin, lambda: page(deep)),
    )


async def _spent(admin: psycopg.Connection, ask: Callable[[], Awaitable[object]]) -> float:
    for _ in range(10):  # until the statement is prepared
        await ask()
    admin.execute("SELECT pg_stat_statements_reset()")
    for _ in range(TIMES):
        await ask()
    ((spent,),) = admin.execute(SPENT).fetchall()
    return float(spent) / TIMES
