from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from gateway.access import Access
from libs.clock import FixedClock
from libs.db.database import Database
from tests.support.database_clock import set_clock

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
def one_url(databases):
    return databases.new("gateway")


@pytest.fixture
def url(one_url):
    """The gateway's database with nothing in it, at nine o'clock. Emptying is faster than making."""
    with psycopg.connect(one_url) as connection:
        connection.execute("TRUNCATE api_keys, locations, sessions, audit_log")
    set_clock(one_url, NOW)
    return one_url


@pytest.fixture
async def database(url):
    async with Database.open(url, name="tests") as database:
        yield database


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def access(database, clock):
    return Access(database, clock)


@pytest.fixture
def pass_time(url, clock):
    """Moves both clocks: the machine's and the database's."""

    def pass_time(by: timedelta) -> None:
        clock.move(by)
        set_clock(url, clock.now())

    return pass_time
