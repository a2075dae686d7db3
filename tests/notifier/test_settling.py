"""Attempts that end at about the same time are written together, and do not spoil each other."""

import asyncio

import psycopg
import pytest
from structlog.testing import capture_logs

from libs.db.database import Database
from services.notifier.actions.settling import Settling
from services.notifier.actions.target_news import TargetNews
from services.notifier.domain.delivery import Attempt, DeliveryStatus
from services.notifier.domain.retry import Fate, Outcome, Verdict
from tests.notifier.store.builders import LINKS, a_delivery, a_target, claimed, listed
from tests.support.waiting import eventually

WRITTEN = "SELECT count(*), count(DISTINCT xmin::text) FROM delivery_attempts"
BLOCKED = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
NUMBER = 6


@pytest.fixture
async def database(database_url):
    async with Database.open(database_url, name="test", exchanging=True) as database:
        yield database


async def delivered(database):
    """Makes deliveries to several targets and claims them; gives attempts that arrived."""
    for n in range(NUMBER):
        await a_delivery(database, await a_target(database, location_id=f"loc-{n}"))
    outcome = Outcome(Verdict.DELIVERED, "HTTP 200", 200)
    return [Attempt(each, outcome, Fate(), 1) for each in await claimed(database, NUMBER)]


async def test_what_ends_while_others_are_written_shares_the_next_transaction(
    database, database_url
):
    attempts = await delivered(database)
    settling = Settling(database, TargetNews(LINKS))
    with (
        psycopg.connect(database_url) as other,
        psycopg.connect(database_url, autocommit=True) as watching,
    ):
        other.execute("LOCK TABLE delivery_attempts IN EXCLUSIVE MODE")
        first = asyncio.create_task(settling.settle(attempts[0]))
        await eventually(lambda: watching.execute(BLOCKED).fetchone() is not None)
        rest = [asyncio.create_task(settling.settle(each)) for each in attempts[1:]]
        await asyncio.sleep(0)
        other.rollback()

        assert await asyncio.gather(first, *rest) == [True] * NUMBER
        assert watching.execute(WRITTEN).fetchone() == (NUMBER, 2)


async def test_one_that_cannot_be_written_does_not_keep_the_others_from_it(database):
    attempts = await delivered(database)
    unwritable = Outcome(Verdict.DELIVERED, "no text of PostgreSQL: \0", 200)
    attempts[2] = Attempt(attempts[2].claim, unwritable, Fate(), 1)
    settling = Settling(database, TargetNews(LINKS))

    with capture_logs():
        told = await asyncio.gather(
            *(settling.settle(each) for each in attempts), return_exceptions=True
        )

    assert isinstance(told.pop(2), psycopg.Error)
    assert told == [True] * (NUMBER - 1)
    statuses = [(await listed(database, f"loc-{n}"))[0].status for n in range(NUMBER)]
    assert statuses.count(DeliveryStatus.DELIVERED) == NUMBER - 1
