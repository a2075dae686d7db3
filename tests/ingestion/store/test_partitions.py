"""Every run that is accepted has a partition to go to, and old ones go away."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs import problems
from libs.db.database import Database
from services.ingestion.actions.tidying import Tidying
from services.ingestion.store import partitions
from tests.support.database_clock import set_clock

RETENTION = timedelta(days=90)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def url(new_database):
    return new_database("ingestion")


@pytest.fixture
async def tidying(url):
    async with Database.open(url, name="test") as database:
        yield Tidying(database, RETENTION)


def rows(url, query, *values):
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()


def names(url):
    return sorted(
        row[0].removeprefix("execution_logs_") for row in rows(url, str(partitions.NAMES))
    )


def add_run(url, executed_at):
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO execution_logs SELECT gen_random_uuid(), %s, now(), null, false, false,"
            " 'l', 'wf', 'success', 'grpc', '', '', '', '', '', '', ''",
            [executed_at],
        )


@pytest.mark.parametrize(
    ("now", "made"),
    [
        # A Monday, a Sunday, and a year's end.
        ("2026-11-23T00:00:00", ("20261019", "20261221", 10)),
        ("2026-11-29T23:59:59.999999", ("20261026", "20261221", 9)),
        ("2026-12-31T12:00:00", ("20261130", "20270125", 9)),
    ],
)
async def test_weeks_reach_from_30_days_back_to_4_weeks_ahead(url, tidying, now, made):
    set_clock(url, at(now))
    await tidying.make_partitions()

    assert (names(url)[0], names(url)[-1], len(names(url))) == made
    for moment in (timedelta(days=-30), timedelta(0), timedelta(minutes=5), timedelta(weeks=4)):
        add_run(url, at(now) + moment)


async def test_making_them_again_and_at_the_same_moment_makes_each_once(url, tidying):
    await asyncio.gather(*[tidying.make_partitions() for _ in range(4)])
    made = names(url)
    await tidying.make_partitions()
    assert names(url) == made
    assert len(made) >= 9


async def test_each_partition_has_its_own_statistics_and_all_indexes(url, tidying):
    await tidying.make_partitions()
    statistics = rows(
        url,
        "SELECT stxrelid::regclass::text FROM pg_statistic_ext WHERE 'd' = ANY (stxkind)"
        " AND 'f' = ANY (stxkind) AND cardinality(stxkeys::int2[]) = 2",
    )
    indexes = defaultdict(int)
    for (table,) in rows(url, "SELECT indrelid::regclass::text FROM pg_index"):
        indexes[table] += 1

    partition_names = {f"execution_logs_{name}" for name in names(url)}
    assert {row[0] for row in statistics} == partition_names
    assert {indexes[name] for name in partition_names} == {indexes["execution_logs"]} == {6}


async def test_partitions_go_when_their_last_day_is_beyond_the_retention(url, tidying):
    start = at("2026-11-23T12:00:00")  # a Monday
    set_clock(url, start)
    await tidying.make_partitions()
    add_run(url, start - timedelta(seconds=1))
    add_run(url, start + timedelta(days=7))

    end_of_week = start.replace(hour=0) + timedelta(days=7)
    set_clock(url, end_of_week + RETENTION - timedelta(microseconds=1))
    await tidying.renew_partitions()
    assert "20261123" in names(url)

    set_clock(url, end_of_week + RETENTION)
    await tidying.renew_partitions()
    assert "20261123" not in names(url)
    assert "20261130" in names(url)
    assert rows(url, "SELECT executed_at FROM execution_logs") == [(start + timedelta(days=7),)]
    add_run(url, end_of_week + RETENTION)


async def test_the_log_as_a_whole_is_analyzed(url, tidying):
    await tidying.make_partitions()
    add_run(url, datetime.now(UTC))
    await tidying.renew_partitions()
    analyzed = rows(url, "SELECT count(*) FROM pg_stats WHERE tablename = 'execution_logs'")
    assert analyzed[0][0] > 0


async def test_a_drop_that_would_wait_for_a_long_query_gives_way(url, tidying):
    set_clock(url, at("2026-01-05T00:00:00"))
    await tidying.make_partitions()
    set_clock(url, at("2026-06-01T00:00:00"))
    async with await psycopg.AsyncConnection.connect(url) as reader:
        await reader.execute("SELECT count(*) FROM execution_logs")
        with pytest.raises(problems.OutOfTime):
            await tidying.renew_partitions()
    await tidying.renew_partitions()
    assert names(url)[0] == "20260427"
