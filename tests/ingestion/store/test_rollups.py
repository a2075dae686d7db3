"""The roll-ups are the log in numbers: always, whatever came late, twice or at the same moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.db.database import Database
from services.ingestion.actions.tidying import Tidying
from services.ingestion.store import rollups
from tests.ingestion.builders import ago, an_execution, an_ingestion, record
from tests.support.database_clock import set_clock
from tests.support.recount import differences

NOW = datetime(2026, 3, 10, 1, 20, tzinfo=UTC)
STATUSES = (1, 2, 3)

runs = st.lists(
    st.builds(
        dict,
        workflow_id=st.sampled_from(["wf-1", "wf-2", "wf-3"]),
        status=st.sampled_from(STATUSES),
        age=st.one_of(st.integers(-200, 7200), st.integers(0, 5 * 86400)),
        execution_time_ms=st.none() | st.integers(0, 100_000),
        error_message=st.sampled_from(["", "unsubscribed", "timeout"]),
        idempotency_key=st.sampled_from(["", "", "k-1", "k-2"]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
async def replicas(databases, notifier_address):
    url = databases.new("ingestion")
    set_clock(url, NOW)
    async with (
        an_ingestion(url, notifier_address) as one,
        an_ingestion(url, notifier_address) as other,
        Database.open(url, name="test") as database,
    ):
        yield url, (one, other), Tidying(database, timedelta(days=90))
    databases.drop(url)


def executions(batch):
    for run in batch:
        fields = dict(run)
        executed_at = NOW - timedelta(seconds=fields.pop("age"))
        yield an_execution("l", executed_at=executed_at, **fields)


def asked(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(runs, min_size=2, max_size=4), close=st.booleans())
async def test_the_sum_over_the_roll_up_is_a_recount_of_the_log(replicas, batches, close):
    url, stubs, tidying = replicas
    calls = [record(stubs[place % 2], *executions(batch)) for place, batch in enumerate(batches)]
    await asyncio.gather(*calls, *([tidying.close_days()] if close else []))

    assert differences(url) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE hourly_rollups SET failed = failed + 1",
        "DELETE FROM hourly_rollups",
        "UPDATE daily_rollups SET total_time_ms = total_time_ms - 1",
        "DELETE FROM execution_logs",
    ],
)
async def test_a_difference_would_be_noticed(new_database, notifier_address, change):
    url = new_database("ingestion")
    async with (
        an_ingestion(url, notifier_address) as stub,
        Database.open(url, name="test") as database,
    ):
        await record(stub, an_execution("l", execution_time_ms=3, executed_at=ago(days=3)))
        await Tidying(database, timedelta(days=90)).close_days()
    assert differences(url) == []
    with psycopg.connect(url) as connection:
        connection.execute(change)
    assert differences(url) != []


async def test_only_days_that_ended_an_hour_ago_are_closed(replicas):
    url, (stub, _), tidying = replicas
    await record(stub, *executions([{"workflow_id": "wf-9", "age": age} for age in (0, 5000)]))
    await tidying.close_days()
    closed = asked(url, "SELECT day FROM daily_rollups WHERE workflow_id = 'wf-9'")
    assert closed == [(datetime(2026, 3, 9, tzinfo=UTC),)]


@pytest.mark.parametrize(
    ("since", "split"),
    [
        (timedelta(days=4, minutes=13), timedelta(days=2)),
        (timedelta(hours=50, minutes=20), timedelta(hours=25, minutes=20)),
        (timedelta(hours=1), timedelta(minutes=30)),
        (timedelta(minutes=40), timedelta(minutes=20)),
        (timedelta(minutes=10), timedelta(minutes=5)),
        (timedelta(days=3, minutes=20), timedelta(days=1, hours=1, minutes=20)),
    ],
)
async def test_windows_are_exact_wherever_they_begin(replicas, since, split):
    url, (stub, _), tidying = replicas
    every_quarter = range(0, 5 * 86400, 900)
    many = [
        {"workflow_id": "wf-w", "age": age, "idempotency_key": f"{age}"} for age in every_quarter
    ]
    await record(stub, *executions(many[:300]))
    await record(stub, *executions(many[300:]))
    await tidying.close_days()
    async with Database.open(url, name="test") as database, database.transaction() as session:
        found = await rollups.windows(
            session, "l", ["wf-w", "wf-?"], since=NOW - since, split=NOW - split
        )

    ages = [timedelta(seconds=age) for age in every_quarter]
    later = sum(age <= split for age in ages)
    assert found["wf-w", True].total == later
    earlier = found.get(("wf-w", False))
    assert (earlier.total if earlier else 0) == sum(split < age <= since for age in ages)


async def test_what_is_older_than_400_days_is_removed(new_database, notifier_address):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address) as stub:
        await record(stub, an_execution("l"))
        with psycopg.connect(url) as connection:
            for table in ("hourly_rollups", "daily_rollups"):
                connection.execute(
                    f"INSERT INTO {table} SELECT 'l', 'old', now() - interval '401 days',"
                    " 1, 0, 0, 0, 0, 0, 0, now(), NULL, NULL, NULL"
                )
        async with Database.open(url, name="test") as database:
            await Tidying(database, timedelta(days=90)).forget_expired()
        left = (
            "SELECT workflow_id FROM hourly_rollups UNION ALL SELECT workflow_id FROM daily_rollups"
        )
        assert asked(url, left) == [("wf",)]
