"""A hundred messages that nobody takes, from the first attempt to the dead letter."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import stdev

import psycopg
import pytest

from services.notifier.domain.retry import JITTER, POSTED
from tests.notifier.builders import EMAIL, NOBODY, a_completed_scan, a_notifier, caught, report
from tests.notifier.targets import add_target
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

MESSAGES = 100
LOCATIONS = [f"loc-{number}" for number in range(MESSAGES)]
NOON = datetime.now(UTC).replace(microsecond=0)


async def ask(url, query):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(query)).fetchall()


async def given_targets(notifier):
    """Gives each location a webhook where nobody listens, and a mailbox that hears only news."""
    for location in LOCATIONS:
        await add_target(notifier, "webhook", NOBODY, location)
        await add_target(notifier, "email", EMAIL, location, occasions=["opened"])


async def tried(url, times):
    """Waits until every message was tried so often."""

    async def so_often():
        query = "SELECT message_id FROM delivery_attempts WHERE verdict = 'later'"
        found = Counter(message for (message,) in await ask(url, query))
        return len(found) == MESSAGES and set(found.values()) == {times}

    await eventually(so_often, within=30)


async def waits(url, since):
    query = (
        "SELECT next_attempt_at FROM deliveries WHERE channel = 'webhook' AND status = 'pending'"
    )
    return [(at - since).total_seconds() for (at,) in await ask(url, query)]


@pytest.fixture
def database_url(new_database):
    return new_database("notifier")


@pytest.fixture
async def notifier(database_url):
    async with a_notifier(database_url) as stub:
        yield stub


async def test_every_wait_is_that_of_the_table_with_jitter_and_the_end_is_told_once(
    notifier, database_url
):
    at = NOON
    set_clock(database_url, at)
    await given_targets(notifier)
    await report(notifier, *(a_completed_scan(location_id=each) for each in LOCATIONS))

    for number, wait in enumerate(POSTED[1:], start=1):
        await tried(database_url, number)
        told = await waits(database_url, at)
        middle = wait.total_seconds()
        assert len(told) == MESSAGES
        assert all(abs(each - middle) <= JITTER * middle + 0.001 for each in told)
        assert stdev(told) > 0.03 * middle
        at += wait * (1 + JITTER) + timedelta(seconds=1)
        set_clock(database_url, at)
        await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))

    await tried(database_url, len(POSTED))
    await told_once_each(notifier)
    query = "SELECT status, attempts FROM deliveries WHERE channel = 'webhook'"
    assert Counter(await ask(database_url, query)) == {("failed", 11): MESSAGES}


async def told_once_each(notifier):
    async def all_told():
        mails = await caught(notifier)
        assert len(mails) >= MESSAGES
        return mails

    mails = await eventually(all_told)
    assert Counter(each.location_id for each in mails) == dict.fromkeys(LOCATIONS, 1)
    assert all("could not be delivered" in each.subject for each in mails)
