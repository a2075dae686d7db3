"""An open incident that gets worse says so, seldom; its repeats say nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_failing_event,
    a_recovery,
    act,
    caught,
    configure,
    deeds_of,
    deliveries_of,
    incidents_of,
    report,
    the_incident,
)
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def alerting(notifier, notifier_url):
    set_clock(notifier_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(new_failures=3))
    await eventually(lambda: caught(notifier))
    yield notifier
    release_clock(notifier_url)


async def told(notifier, *occasions):
    async def there():
        found = [each.occasion for each in reversed(await deliveries_of(notifier))]
        return found == ["opened", *occasions] or None

    return await eventually(there)


async def fail(notifier, times):
    for _ in range(0, times, 100):
        await report(notifier, *(a_failing_event() for _ in range(min(times, 100))))


async def test_a_thousand_more_failures_in_ten_minutes_tell_nobody(alerting, notifier_url):
    for minute in range(10):
        set_clock(notifier_url, NOON + minute * MINUTE)
        await fail(alerting, 100)

    incident = await the_incident(alerting)
    assert incident.failure_count == 1003
    assert len(await deliveries_of(alerting)) == 1


async def test_that_it_got_worse_is_told_once_after_the_interval(alerting, notifier_url):
    await fail(alerting, 100)

    set_clock(notifier_url, NOON + 60 * MINUTE)
    await told(alerting, "update")
    await fail(alerting, 50)
    set_clock(notifier_url, NOON + 150 * MINUTE)
    await report(alerting, a_completed_scan(scan_id="", location_id="loc-elsewhere"))

    await told(alerting, "update")
    update, _ = await deliveries_of(alerting)
    assert update.subject == (
        "[CRITICAL] Getting worse: Lead follow-up failed 3× in 24 h (103 failures by now)"
    )
    assert ("updated", "", "") in await deeds_of(alerting, update.incident_id)


async def test_a_little_more_is_not_worse(alerting, notifier_url):
    await report(alerting, a_failing_event(new_failures=2))
    set_clock(notifier_url, NOON + 239 * MINUTE)
    await report(alerting, a_completed_scan(scan_id="", location_id="loc-elsewhere"))

    await told(alerting)
    set_clock(notifier_url, NOON + 240 * MINUTE)
    await told(alerting, "reminder")


async def test_who_looks_after_it_is_not_told_that_it_got_worse(alerting, notifier_url):
    incident = await the_incident(alerting)
    await fail(alerting, 100)
    await act(alerting, "Acknowledge", incident.incident_id)
    await fail(alerting, 400)

    set_clock(notifier_url, NOON + 300 * MINUTE)
    await report(alerting, a_completed_scan(scan_id="", location_id="loc-elsewhere"))

    await told(alerting)


async def test_without_an_interval_nothing_is_told_of_it(alerting, notifier_url):
    await configure(alerting, update_interval_minutes=0)
    await fail(alerting, 100)
    set_clock(notifier_url, NOON + 239 * MINUTE)

    await told(alerting)


async def test_an_end_is_told_once_to_who_heard_more_than_once(alerting, notifier_url):
    await fail(alerting, 100)
    set_clock(notifier_url, NOON + 60 * MINUTE)
    await told(alerting, "update")

    await report(alerting, a_recovery())

    await told(alerting, "update", "resolved")


async def test_reminders_come_as_often_as_the_workflow_says(alerting, notifier_url):
    await configure(alerting, workflow_id="wf-often", critical_reminder_minutes=30)
    await configure(alerting, workflow_id="wf-never", critical_reminder_minutes=0)
    await report(alerting, a_failing_event("wf-often"), a_failing_event("wf-never"))

    set_clock(notifier_url, NOON + 30 * MINUTE)

    async def reminded():
        found = [each for each in await deliveries_of(alerting) if each.occasion == "reminder"]
        return found or None

    (one,) = await eventually(reminded)
    set_clock(notifier_url, NOON + timedelta(days=40))
    incident_ids = {each.incident_id for each in await eventually(reminded)}
    assert one.incident_id in incident_ids
    never = await the_incident_of(alerting, "wf-never")
    assert never not in incident_ids


async def the_incident_of(notifier, workflow_id):
    (found,) = [each for each in await incidents_of(notifier) if each.workflow_id == workflow_id]
    return found.incident_id
