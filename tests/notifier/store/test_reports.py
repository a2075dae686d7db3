from datetime import UTC, datetime, timedelta

import pytest

from libs.db.database import Database, driver_connection
from libs.ids import new_id
from services.notifier.actions.addressing import Addressing
from services.notifier.actions.deciding import Deciding
from services.notifier.actions.reporting import Reporting
from services.notifier.domain.event import Event, WorkflowFailing, WorkflowRecovered
from services.notifier.domain.incident import IncidentStatus
from services.notifier.domain.pace import Waits
from services.notifier.domain.scope import INSTALLATION
from services.notifier.domain.settings import AlertSettings
from services.notifier.store import incidents
from tests.notifier.store.builders import LINKS, a_target, listed
from tests.support.round_trips import round_trips

AT_ONCE = timedelta(0)
MANY = 40


@pytest.fixture
async def database(new_database):
    url = new_database("notifier")
    # One connection, so that it is known which one is asked.
    async with Database.open(
        url, name="test", pool_size=1, by_index=True, exchanging=True
    ) as database:
        yield database


@pytest.fixture
def woken():
    """What the deliveries were woken for."""
    return []


@pytest.fixture
def reporting(database, woken):
    deciding = Deciding(Addressing(Waits(group=AT_ONCE)), LINKS, AT_ONCE)
    settings = AlertSettings(scope=INSTALLATION)
    return Reporting(database, deciding, settings, lambda: woken.append("deliveries"))


def failing(*numbers):
    return [happened(WorkflowFailing(workflow_id=f"wf-{each}", new_failures=1)) for each in numbers]


def happened(detail):
    return Event(new_id(), "loc-1", datetime.now(UTC), detail)


async def trips(database, reporting, events):
    """Reports events; gives how many round trips that took."""
    async with database.transaction() as transaction:
        connection = await driver_connection(transaction)
    with round_trips(connection.pgconn) as counted:
        assert all(await reporting.report(events))
    return counted.number


async def known(database, status=None):
    async with database.transaction() as transaction:
        found = await incidents.newest(transaction, "loc-1", status, None, 100)
    return {each.workflow_id: each.event_count for each in found}


@pytest.mark.parametrize("number", [1, MANY])
async def test_a_report_of_repeats_is_two_round_trips_however_many_they_are(
    database, reporting, number
):
    await reporting.report(failing(*range(MANY)))
    await trips(database, reporting, failing(*range(MANY)))  # prepares the statements

    taken = await trips(database, reporting, failing(*range(number)))

    assert taken == 2
    assert sum((await known(database)).values()) == 2 * MANY + number


async def test_those_that_open_incidents_take_two_more_however_many_they_are(database, reporting):
    await a_target(database)
    await reporting.report(failing(*range(MANY)))

    taken = await trips(database, reporting, failing(*range(2 * MANY)))

    assert taken == 4
    assert len(await known(database)) == 2 * MANY
    assert len(await listed(database)) == 2 * MANY


async def test_what_was_told_before_is_one_round_trip_and_one_to_end_it(database, reporting):
    await reporting.report(events := failing(*range(MANY)))
    async with database.transaction() as transaction:
        connection = await driver_connection(transaction)

    with round_trips(connection.pgconn) as counted:
        news = await reporting.report(events)

    assert counted.number == 2
    assert not any(news)


async def test_deliveries_are_woken_for_what_is_to_be_sent_and_for_nothing_else(
    database, reporting, woken
):
    await reporting.report(failing(1))
    assert not woken  # nobody is there to be told
    await a_target(database)
    await reporting.report(failing(2, 3))
    assert len(woken) == 1

    await reporting.report([*failing(2), *failing(3)])

    assert len(woken) == 1


async def test_one_report_may_end_an_incident_and_open_the_next(database, reporting):
    recovered = happened(WorkflowRecovered(workflow_id="wf-1"))

    await reporting.report([*failing(1, 1), recovered, *failing(1, 2)])

    assert await known(database, IncidentStatus.OPEN) == {"wf-1": 1, "wf-2": 1}
    assert await known(database, IncidentStatus.RESOLVED) == {"wf-1": 2}


async def test_a_report_that_begins_with_an_end_opens_what_follows(database, reporting):
    recovered = happened(WorkflowRecovered(workflow_id="wf-1"))

    await reporting.report([recovered, *failing(1, 1)])

    assert await known(database) == {"wf-1": 2}
