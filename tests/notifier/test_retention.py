"""What is older than it is kept disappears, and nothing else."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs.db.database import Database
from libs.db.retention import Forgetting
from services.notifier.store import retention
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    a_completed_scan,
    a_failing_event,
    a_recovery,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    report,
)
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

KEPT = timedelta(days=90)


@pytest.fixture
async def forget(notifier_url):
    """Forgets what is old when so much time has passed."""
    async with Database.open(notifier_url, name="test") as database:

        async def forget(passed, step=retention.STEP):
            set_clock(notifier_url, datetime.now(UTC) + passed)
            await Forgetting(database, retention.forget_some, KEPT, step).forget()

        yield forget
    release_clock(notifier_url)


async def counts(url):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await connection.execute(
            "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM deliveries),"
            " (SELECT count(*) FROM delivery_attempts), (SELECT count(*) FROM messages)"
        )
        return await rows.fetchone()


async def test_what_is_old_goes_with_its_deliveries_and_attempts(notifier, notifier_url, forget):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(), a_recovery(), a_completed_scan())
    await eventually(lambda: attempted(notifier_url, 2))

    await forget(KEPT - timedelta(hours=1))
    kept = await counts(notifier_url)
    await forget(KEPT + timedelta(hours=1))

    assert kept[:2] == (3, 3)
    assert await counts(notifier_url) == (0, 0, 0, 0)
    assert len(await incidents_of(notifier)) == 1


async def attempted(url, number):
    return (await counts(url))[2] == number


async def test_what_an_open_incident_needs_for_its_end_stays(notifier, notifier_url, forget):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await eventually(lambda: caught(notifier))
    await eventually(lambda: attempted(notifier_url, 1))

    await forget(KEPT * 2)
    await report(notifier, a_recovery())

    # So much later it was told again as well.
    occasions = [each.occasion for each in await deliveries_of(notifier)]
    assert [each for each in occasions if each != "reminder"] == ["resolved", "opened"]


async def test_what_still_waits_is_not_forgotten(notifier, notifier_url, forget):
    await configure(notifier, webhook_url=NOBODY)
    await report(notifier, a_completed_scan())

    await forget(KEPT * 2)

    assert (await counts(notifier_url))[:2] == (1, 1)


async def test_many_old_rows_go_in_steps(notifier, notifier_url, forget):
    await report(notifier, *(a_failing_event(f"wf-{number}") for number in range(5)))
    await report(notifier, *(a_recovery(f"wf-{number}") for number in range(5)))

    await forget(KEPT + timedelta(hours=1), step=2)

    assert await counts(notifier_url) == (0, 0, 0, 0)
