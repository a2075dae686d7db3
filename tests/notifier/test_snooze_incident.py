from datetime import UTC, datetime, timedelta

import pytest

from libs.rpc.times import timestamp
from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    a_recovery,
    act,
    caught,
    configure,
    deeds_of,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
    the_incident,
)
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture
async def incident(notifier, notifier_url):
    """An incident whose target was told, on a clock that stands still."""
    set_clock(notifier_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(new_failures=3))
    await eventually(lambda: caught(notifier))
    yield await the_incident(notifier)
    release_clock(notifier_url)


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


async def test_at_its_end_what_still_fails_is_told_once(notifier, notifier_url, incident):
    until = timestamp(NOON + HOUR)
    now = await act(notifier, "Snooze", incident.incident_id, until=until, note="Lunch.")
    assert now.snoozed_until == until
    assert not await incidents_of(notifier, needs_attention=True)

    set_clock(notifier_url, NOON + HOUR)
    newest, _ = await mails(notifier, 2)

    assert newest.subject == ("[CRITICAL] Still open for 1 hour: Lead follow-up failed 3× in 24 h")
    assert not (await the_incident(notifier)).HasField("snoozed_until")
    deeds = await deeds_of(notifier, incident.incident_id)
    assert [each[0] for each in deeds] == ["snoozed", "woken"]
    assert deeds[0][2].startswith("Until 2")
    assert deeds[0][2].endswith(": Lunch.")


async def test_what_recovers_meanwhile_is_not_told_again(notifier, notifier_url, incident):
    await act(notifier, "Snooze", incident.incident_id, until=timestamp(NOON + HOUR))
    await report(notifier, a_recovery())
    await mails(notifier, 2)

    set_clock(notifier_url, NOON + HOUR)
    await report(notifier, a_failing_event("wf-2"))
    await mails(notifier, 3)

    assert "reminder" not in {each.occasion for each in await deliveries_of(notifier)}


async def test_a_snooze_until_worse_ends_when_the_failures_have_doubled(notifier, incident):
    await act(notifier, "Snooze", incident.incident_id, until_worse=True)

    await report(notifier, a_failing_event(new_failures=2))
    quiet = await the_incident(notifier)
    await report(notifier, a_failing_event(new_failures=1))
    newest, _ = await mails(notifier, 2)

    assert quiet.snoozed_until_worse
    assert newest.subject.startswith("[CRITICAL] Still open")
    assert not (await the_incident(notifier)).snoozed_until_worse
    assert await deeds_of(notifier, incident.incident_id) == [
        ("snoozed", "Owner", "Until it gets worse"),
        ("woken", "", "It got worse."),
        ("reminded", "", ""),
    ]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, "SNOOZE_WITHOUT_END"),
        ({"until": timestamp(NOON)}, "SNOOZE_OUT_OF_RANGE"),
        ({"until": timestamp(NOON + timedelta(days=30, seconds=1))}, "SNOOZE_OUT_OF_RANGE"),
        ({"until_worse": True, "actor": ""}, "ACTOR_MISSING"),
    ],
)
async def test_a_snooze_must_have_an_end_and_an_owner(notifier, incident, asked, reason):
    with refused_as(reason):
        await act(notifier, "Snooze", incident.incident_id, **asked)


async def test_what_is_over_cannot_be_snoozed(notifier, incident):
    await report(notifier, a_recovery())

    with refused_as("INCIDENT_OVER"):
        await act(notifier, "Snooze", incident.incident_id, until_worse=True)
