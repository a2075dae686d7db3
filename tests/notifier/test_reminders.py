"""Whoever does not look after an incident is told again."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.notifier.builders import (
    EMAIL,
    a_critical_finding,
    a_failing_event,
    a_low_score,
    a_recovery,
    act,
    caught,
    configure,
    deliveries_of,
    report,
    the_incident,
)
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def alerting(notifier, notifier_url):
    set_clock(notifier_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    yield notifier
    release_clock(notifier_url)


async def reminders(notifier, number):
    async def there():
        found = [each for each in await deliveries_of(notifier) if each.occasion == "reminder"]
        return len(found) == number and found

    return await eventually(there)


@pytest.mark.parametrize(
    ("event", "hours"), [(a_failing_event(), 4), (a_low_score(), 24)], ids=["critical", "warning"]
)
async def test_nobody_who_looks_after_it_is_told_again_and_again(
    alerting, notifier_url, event, hours
):
    await report(alerting, event)

    set_clock(notifier_url, NOON + timedelta(hours=hours))
    await reminders(alerting, 1)
    set_clock(notifier_url, NOON + timedelta(hours=2 * hours))
    newest, _ = await reminders(alerting, 2)

    assert f"Still open for {2 * hours} hours: " in newest.subject


async def test_what_somebody_looks_after_or_what_is_over_is_not_told_again(alerting, notifier_url):
    await report(alerting, a_failing_event("wf-1"))
    await act(alerting, "Acknowledge", (await the_incident(alerting)).incident_id)
    await report(alerting, a_failing_event("wf-2"), a_recovery("wf-2"), a_failing_event("wf-3"))

    set_clock(notifier_url, NOON + timedelta(hours=4))
    (reminder,) = await reminders(alerting, 1)

    assert reminder.channel == "email"

    async def the_reminders():
        return [each for each in await caught(alerting) if "Still open" in each.subject]

    (mail,) = await eventually(the_reminders)
    assert "(wf-3)" in mail.text


async def test_what_nobody_wants_to_hear_of_is_not_told_again(alerting, notifier_url):
    await report(alerting, a_critical_finding())
    await configure(alerting, alert_on_critical=False)
    await report(alerting, a_failing_event())

    set_clock(notifier_url, NOON + timedelta(hours=4))

    (reminder,) = await reminders(alerting, 1)
    assert "failed" in reminder.subject
