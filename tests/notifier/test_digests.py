"""A target may hear of what is not urgent once a day; what is critical comes at once."""

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
    caught,
    configure,
    deliveries_of,
    refused_as,
    report,
)
from tests.notifier.targets import change_target, the_target
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2027, 3, 2, 12, 0, tzinfo=BERLIN).astimezone(UTC)
MORNING = datetime(2027, 3, 3, 8, 0, tzinfo=BERLIN).astimezone(UTC)


@pytest.fixture
async def daily(notifier, notifier_url):
    set_clock(notifier_url, NOON)
    await configure(notifier, alert_email=EMAIL, timezone="Europe/Berlin")
    target = await the_target(notifier)
    await change_target(notifier, target.target_id, digest="daily")
    yield notifier
    release_clock(notifier_url)


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


async def look_at(notifier, url, at):
    set_clock(url, at)
    await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))


async def test_what_is_not_urgent_comes_in_one_message_in_the_morning(daily, notifier_url):
    await report(daily, a_low_score("wf-1"), a_low_score("wf-2"), a_completed_scan())
    await report(daily, a_good_score("wf-2"))
    held = [each for each in await deliveries_of(daily) if not each.suppressed_because]

    await look_at(daily, notifier_url, MORNING - timedelta(seconds=1))
    assert not await caught(daily)
    await look_at(daily, notifier_url, MORNING)

    (mail,) = await mails(daily, 1)
    assert mail.subject == "[WARNING] Digest: 3 alerts, 1 over by now"
    assert "Scan complete" in mail.text
    assert {each.held_because for each in held} == {"digest"}
    assert {each.held_until.ToDatetime(UTC) for each in held} == {MORNING}


async def test_what_is_critical_and_its_end_come_at_once(daily):
    await report(daily, a_failing_event())
    await mails(daily, 1)
    await report(daily, a_recovery())

    over, _ = await mails(daily, 2)
    assert over.subject.startswith("[RESOLVED]")


async def test_a_digest_waits_for_the_end_of_quiet_hours(daily):
    quiet = pb.QuietHours(windows=[pb.QuietWindow(start="22:00", end="09:30")])
    await configure(daily, quiet_hours=quiet)

    await report(daily, a_low_score())

    (held,) = await deliveries_of(daily)
    assert held.held_until.ToDatetime(UTC) == MORNING + timedelta(minutes=90)


async def test_without_a_digest_what_waits_for_it_goes_out(daily):
    await report(daily, a_low_score())
    target = await the_target(daily)

    changed = await change_target(daily, target.target_id, digest="off")

    await mails(daily, 1)
    assert (target.digest, changed.digest) == ("daily", "off")


async def test_there_are_two_kinds_of_digest(daily):
    target = await the_target(daily)
    with refused_as("DIGEST_UNKNOWN"):
        await change_target(daily, target.target_id, digest="hourly")
