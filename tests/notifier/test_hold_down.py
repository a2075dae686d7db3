"""An end is told when it has lasted, and a flapping workflow is one incident."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_failing_event,
    a_recovery,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    report,
    the_incident,
)
from tests.support.database_clock import moving_clock, set_clock
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
HOLD = timedelta(minutes=10)


@pytest.fixture
async def alerting(start, database_url):
    set_clock(database_url, NOON)
    notifier = await start(hold_down=HOLD)
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await eventually(lambda: caught(notifier))
    return notifier


async def look_at(notifier, url, at):
    set_clock(url, at)
    await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))


def nothing_is_due(connection):
    rows = connection.execute(
        "SELECT count(*) FROM deliveries"
        " WHERE status = 'pending' AND next_attempt_at <= clock_now()"
    )
    return rows.fetchone() == (0,)


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


async def test_an_end_is_told_when_it_has_lasted(alerting, database_url):
    await report(alerting, a_recovery())
    incident = await the_incident(alerting)
    over, _ = await deliveries_of(alerting)

    await look_at(alerting, database_url, NOON + HOLD)
    mail, _ = await mails(alerting, 2)

    assert incident.status == pb.INCIDENT_STATUS_RESOLVED
    assert over.status == pb.DELIVERY_STATUS_PENDING
    assert over.next_attempt_at.ToDatetime(UTC) == NOON + HOLD
    assert mail.subject.startswith("[RESOLVED]")


async def test_what_fails_again_meanwhile_is_the_same_incident_and_tells_nobody(
    alerting, database_url
):
    with moving_clock(database_url) as clock:
        for flip in range(1, 51):
            clock.move_to(NOON + flip * timedelta(minutes=7))
            await report(alerting, a_failing_event() if flip % 2 == 0 else a_recovery())

    await look_at(alerting, database_url, NOON + timedelta(hours=7))

    incident = await the_incident(alerting)
    assert (incident.status, incident.event_count) == (pb.INCIDENT_STATUS_OPEN, 26)
    told = [each for each in await deliveries_of(alerting) if not each.suppressed_because]
    occasions = [each.occasion for each in told]
    assert occasions.count("opened") == 1
    assert "resolved" not in occasions


async def test_two_hundred_flips_in_a_day_are_at_most_thirty_messages(alerting, database_url):
    # Over for longer than the hold, each time, until the hold has grown.
    cycle = timedelta(minutes=14.4)
    with moving_clock(database_url) as clock:
        for number in range(100):
            clock.move_to(NOON + number * cycle + timedelta(minutes=1))
            await report(alerting, a_recovery())
            clock.move_to(NOON + (number + 1) * cycle)
            await report(alerting, a_failing_event())
            await eventually(lambda: nothing_is_due(clock.connection))

    assert len(await caught(alerting)) <= 30


async def test_the_more_often_it_ended_the_longer_an_end_must_last(alerting, database_url):
    at = NOON
    for times in range(3):
        await report(alerting, a_recovery())
        over = (await deliveries_of(alerting))[0]
        at += 2**times * HOLD
        assert over.held_until.ToDatetime(UTC) == at
        assert over.held_because == "settling"
        await look_at(alerting, database_url, at)
        await mails(alerting, 2 * times + 2)
        await report(alerting, a_failing_event())
        await mails(alerting, 2 * times + 3)


async def test_a_flip_within_one_batch_is_no_end(alerting, database_url):
    await report(alerting, a_recovery(), a_failing_event(), a_recovery(), a_failing_event())

    incident = await the_incident(alerting)
    assert (incident.status, incident.event_count) == (pb.INCIDENT_STATUS_OPEN, 3)
    assert [each.suppressed_because for each in await deliveries_of(alerting)] == [
        "superseded_by_opened",
        "superseded_by_opened",
        "",
    ]


async def test_a_beginning_that_was_folded_into_an_end_is_told_when_that_was_none(
    start, database_url
):
    set_clock(database_url, NOON)
    notifier = await start(hold_down=HOLD)
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_failing_event(), a_recovery())
    await report(notifier, a_failing_event())

    (mail,) = await mails(notifier, 1)
    assert mail.subject.startswith("[CRITICAL]")


async def test_after_the_hold_a_new_failure_is_a_new_incident(alerting, database_url):
    await report(alerting, a_recovery())
    await look_at(alerting, database_url, NOON + HOLD)
    await mails(alerting, 2)

    await report(alerting, a_failing_event())

    assert len(await incidents_of(alerting)) == 2
    await mails(alerting, 3)
