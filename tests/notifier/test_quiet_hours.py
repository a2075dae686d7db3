"""In quiet hours what is not critical waits, and comes as one message in the morning."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_failing_event,
    a_good_score,
    a_low_score,
    a_recovery,
    act,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    report,
)
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

BERLIN = ZoneInfo("Europe/Berlin")
# The night in which clocks there are put forward: it is an hour shorter.
EVENING = datetime(2027, 3, 27, 23, 30, tzinfo=BERLIN).astimezone(UTC)
MORNING = datetime(2027, 3, 28, 7, 0, tzinfo=BERLIN).astimezone(UTC)
NIGHT = pb.QuietHours(windows=[pb.QuietWindow(start="22:00", end="07:00")])


@pytest.fixture
async def quiet(notifier, notifier_url):
    set_clock(notifier_url, EVENING)
    await configure(notifier, alert_email=EMAIL, timezone="Europe/Berlin", quiet_hours=NIGHT)
    yield notifier
    release_clock(notifier_url)


async def look_at(notifier, url, at):
    set_clock(url, at)
    await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


async def test_what_is_not_critical_waits_until_the_morning(quiet, notifier_url):
    await report(quiet, a_low_score())
    (delivery,) = await deliveries_of(quiet)

    await look_at(quiet, notifier_url, MORNING - timedelta(seconds=1))
    assert not await caught(quiet)
    await look_at(quiet, notifier_url, MORNING)

    (mail,) = await mails(quiet, 1)
    assert mail.subject == "[WARNING] Lead follow-up has a health score of 41"
    assert delivery.held_until.ToDatetime(UTC) == MORNING
    assert delivery.held_because == "quiet_hours"
    assert timedelta(hours=6, minutes=30) == MORNING - EVENING


async def test_what_is_critical_passes(quiet):
    await report(quiet, a_failing_event())

    (mail,) = await mails(quiet, 1)
    assert mail.subject.startswith("[CRITICAL]")


async def test_what_is_critical_waits_where_that_is_wanted(quiet, notifier_url):
    await configure(quiet, quiet_hours_hold_critical=True)
    await report(quiet, a_failing_event())
    (held,) = await deliveries_of(quiet)

    await look_at(quiet, notifier_url, MORNING)

    await mails(quiet, 1)
    assert held.held_because == "quiet_hours"


async def test_the_morning_says_what_fired_and_what_is_over_by_now(quiet, notifier_url):
    await report(quiet, a_low_score("wf-1"), a_low_score("wf-2"), a_completed_scan())
    await report(quiet, a_good_score("wf-2"))

    await look_at(quiet, notifier_url, MORNING)

    summary, catch_up = sorted(await mails(quiet, 2), key=lambda each: each.subject)
    assert catch_up.subject == "[WARNING] After quiet hours: 2 alerts, 1 over by now"
    assert "Began" in catch_up.text
    assert "Over" in catch_up.text
    assert summary.subject.startswith("[INFO] Scan complete")
    folded = [each for each in await deliveries_of(quiet) if each.suppressed_because]
    assert [each.suppressed_because for each in folded] == ["folded_into_resolved"]


async def test_that_something_critical_is_over_waits_until_the_morning(quiet, notifier_url):
    await report(quiet, a_failing_event())
    await mails(quiet, 1)

    await report(quiet, a_recovery())
    over, _ = await deliveries_of(quiet)
    await look_at(quiet, notifier_url, MORNING)

    assert over.held_because == "quiet_hours"
    mail, _ = await mails(quiet, 2)
    assert mail.subject.startswith("[RESOLVED]")


async def test_who_looked_at_it_in_the_night_is_told_in_the_morning_all_the_same(
    quiet, notifier_url
):
    await report(quiet, a_low_score())
    (incident,) = await incidents_of(quiet)
    await act(quiet, "Acknowledge", incident.incident_id)

    await look_at(quiet, notifier_url, MORNING)

    await mails(quiet, 1)


async def test_quiet_hours_that_are_cleared_let_go_what_they_hold(quiet):
    await report(quiet, a_low_score())

    await configure(quiet, quiet_hours=None)

    (mail,) = await mails(quiet, 1)
    assert mail.subject.startswith("[WARNING]")


async def test_quiet_hours_that_become_longer_hold_longer(quiet):
    await report(quiet, a_low_score())
    longer = pb.QuietHours(windows=[pb.QuietWindow(start="22:00", end="09:00")])

    await configure(quiet, quiet_hours=longer)

    (held,) = await deliveries_of(quiet)
    assert held.held_until.ToDatetime(UTC) == MORNING + timedelta(hours=2)


async def test_a_workflow_may_have_quiet_hours_of_its_own(quiet):
    await configure(quiet, workflow_id="wf-loud", quiet_hours=pb.QuietHours())

    await report(quiet, a_low_score("wf-loud"), a_low_score("wf-quiet"))

    (mail,) = await mails(quiet, 1)
    assert "wf-loud" in mail.text


async def test_what_still_waits_is_not_told_again(quiet, notifier_url):
    await configure(quiet, reminder_minutes=60)
    await report(quiet, a_low_score())

    set_clock(notifier_url, EVENING + timedelta(minutes=61))

    async def reminder():
        return [each for each in await deliveries_of(quiet) if each.occasion == "reminder"]

    (again,) = await eventually(reminder)
    assert again.suppressed_because == "already_waiting"
