"""Keys go after 7 days, unread deliveries after 30."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs.db.database import Database
from services.ingestion.actions.tidying import Tidying
from services.ingestion.store import forgetting
from tests.support.database_clock import set_clock

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def url(new_database):
    url = new_database("ingestion")
    set_clock(url, NOW)
    return url


async def tidy(url):
    async with Database.open(url, name="test") as database:
        await Tidying(database, timedelta(days=90)).forget_expired()


def add_key(connection, name, recorded_at):
    connection.execute(
        "INSERT INTO execution_keys VALUES ('l', 'wf', 'finished', %s, gen_random_uuid(), %s)",
        [str(name), recorded_at],
    )


async def test_keys_are_kept_for_7_days(url):
    with psycopg.connect(url) as connection:
        add_key(connection, "old", NOW - timedelta(days=7))
        add_key(connection, "young", NOW - timedelta(days=7) + TICK)
    await tidy(url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT key FROM execution_keys").fetchall() == [("young",)]


async def test_deliveries_are_kept_for_30_days(url):
    with psycopg.connect(url) as connection:
        for workflow, age in (("old", timedelta(days=30)), ("young", timedelta(days=30) - TICK)):
            connection.execute(
                "INSERT INTO quarantined_deliveries"
                " SELECT gen_random_uuid(), 'l', %s, %s, '', '', '', '', 0, false, ''",
                [workflow, NOW - age],
            )
    await tidy(url)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT workflow_id FROM quarantined_deliveries").fetchall()
    assert found == [("young",)]


async def test_all_of_many_go_and_what_another_replica_holds_is_left(url):
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO execution_keys SELECT 'l', 'wf', 'finished', number::text,"
            " gen_random_uuid(), 'epoch' FROM generate_series(0, %s) AS number",
            [2 * forgetting.AT_ONCE],
        )
    with psycopg.connect(url) as other:
        other.execute("SELECT FROM execution_keys WHERE key = '7' FOR UPDATE")
        await tidy(url)
        assert other.execute("SELECT key FROM execution_keys").fetchall() == [("7",)]
    await tidy(url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT key FROM execution_keys").fetchall() == []
