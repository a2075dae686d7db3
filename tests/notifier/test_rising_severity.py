"""An incident that becomes more severe is told again, whoever heard of it before."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    SECONDS,
    a_low_score,
    act,
    caught,
    configure,
    deeds_of,
    deliveries_of,
    report,
    the_incident,
)
from tests.notifier.silences import expire, silence
from tests.notifier.targets import add_target
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
RISEN = "[CRITICAL] Now critical: Lead follow-up has a health score of 20"


@pytest.fixture
async def clock(notifier_url):
    set_clock(notifier_url, NOON)
    yield lambda passed: set_clock(notifier_url, NOON + passed)
    release_clock(notifier_url)


@pytest.fixture
async def warned(notifier, clock):
    """A notifier that told of a low score."""
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_low_score(score=45))
    await mails(notifier, 1)
    return notifier


async def mails(notifier, number):
    """The subjects, once it is written down that they were sent: a clock that jumps ends leases."""

    async def there():
        found = [each.subject for each in await caught(notifier)]
        waiting = await deliveries_of(notifier, status=pb.DELIVERY_STATUS_PENDING)
        return found if len(found) == number and not waiting else None

    return await eventually(there)


async def occasions(notifier):
    return [(each.occasion, each.suppressed_because) for each in await deliveries_of(notifier)]


async def test_it_is_told_at_once_and_once(warned):
    await report(warned, a_low_score(score=30))
    await report(warned, a_low_score(score=20))
    await report(warned, a_low_score(score=10), a_low_score(score=40))

    assert (await mails(warned, 2))[0] == RISEN
    assert (await the_incident(warned)).severity == pb.SEVERITY_CRITICAL
    assert await occasions(warned) == [("raised", ""), ("opened", "")]


async def test_what_is_critical_at_once_does_not_rise(notifier, clock):
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_low_score(score=24), a_low_score(score=3))

    (subject,) = await mails(notifier, 1)
    assert subject.startswith("[CRITICAL]")
    assert await occasions(notifier) == [("opened", "")]


async def test_who_looks_after_it_is_told_and_goes_on_looking_after_it(warned, clock):
    incident_id = (await the_incident(warned)).incident_id
    await act(warned, "Acknowledge", incident_id)

    await report(warned, a_low_score(score=20))
    await mails(warned, 2)
    clock(5 * HOUR)
    await report(warned, a_low_score(score=10))

    incident = await the_incident(warned)
    assert (incident.acknowledged_by, incident.severity) == ("Owner", pb.SEVERITY_CRITICAL)
    assert await occasions(warned) == [("raised", ""), ("opened", "")]


async def test_a_snooze_until_it_gets_worse_ends(warned, clock):
    incident_id = (await the_incident(warned)).incident_id
    await act(warned, "Snooze", incident_id, until_worse=True)

    await report(warned, a_low_score(score=20))
    assert (await mails(warned, 2))[0] == RISEN
    clock(4 * HOUR)
    newest, *_ = await mails(warned, 3)

    assert newest.startswith("[CRITICAL] Still open for 4 hours")
    deeds = [each[0] for each in await deeds_of(warned, incident_id)]
    assert deeds == ["snoozed", "woken", "reminded"]


async def test_a_snooze_until_a_time_lasts_until_then(warned, clock):
    incident_id = (await the_incident(warned)).incident_id
    await act(warned, "Snooze", incident_id, until=timestamp(NOON + HOUR))

    await report(warned, a_low_score(score=20))
    assert await occasions(warned) == [("opened", "")]
    clock(HOUR)

    newest, _ = await mails(warned, 2)
    assert newest.startswith("[CRITICAL] Still open for 1 hour")


async def test_from_then_on_reminders_come_as_often_as_of_what_is_critical(warned, clock):
    clock(HOUR)
    await report(warned, a_low_score(score=20))
    await mails(warned, 2)

    clock(5 * HOUR)

    assert (await mails(warned, 3))[0].startswith("[CRITICAL] Still open for 5 hours")


async def test_each_target_hears_what_it_wants(notifier, clock):
    wishes = {
        "severe": {"severity_floor": pb.SEVERITY_CRITICAL},
        "beginnings": {"occasions": ["opened"]},
        "endings": {"occasions": ["resolved"]},
    }
    for name, wish in wishes.items():
        await add_target(notifier, "email", f"{name}@agency.example", **wish)

    await report(notifier, a_low_score(score=45))
    await mails(notifier, 1)
    await report(notifier, a_low_score(score=20))
    await mails(notifier, 3)

    told = {(each.recipient.partition("@")[0], each.subject) for each in await caught(notifier)}
    begun = "[WARNING] Lead follow-up has a health score of 45"
    assert told == {("severe", RISEN), ("beginnings", RISEN), ("beginnings", begun)}


async def test_what_still_waited_is_not_told_any_more(start):
    notifier = await start(group_wait=timedelta(hours=1))
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_low_score(score=45))
    await report(notifier, a_low_score(score=20))

    assert await mails(notifier, 1) == [RISEN]
    assert await occasions(notifier) == [("raised", ""), ("opened", "superseded_by_raised")]


async def test_what_is_under_way_is_not_taken_back(notifier, clock):
    await configure(notifier, webhook_url=NOBODY)
    await report(notifier, a_low_score(score=45))

    async def tried():
        return (await deliveries_of(notifier))[0].attempts

    await eventually(tried)
    await report(notifier, a_low_score(score=20))

    assert await occasions(notifier) == [("raised", ""), ("opened", "")]


async def test_a_silence_over_warnings_does_not_cover_it(notifier, clock):
    await configure(notifier, alert_email=EMAIL)
    await silence(notifier, up_to_severity=pb.SEVERITY_WARNING)

    await report(notifier, a_low_score(score=45))
    await report(notifier, a_low_score(score=20))

    assert await mails(notifier, 1) == [RISEN]
    assert await occasions(notifier) == [("raised", ""), ("opened", "silenced")]


async def test_what_a_silence_keeps_back_of_it_is_told_when_the_silence_ends(warned):
    made = await silence(warned)

    await report(warned, a_low_score(score=20))
    assert await occasions(warned) == [("raised", "silenced"), ("opened", "")]
    await expire(warned, made.silence_id)

    assert (await mails(warned, 2))[0].startswith("[CRITICAL] Still open")


async def test_the_explanation_says_so(warned):
    rise = a_low_score(score=20)
    await report(warned, rise)

    request = pb.ExplainDecisionRequest(location_id="loc-1", event_id=rise.event_id)
    found = await warned.ExplainDecision(request, timeout=SECONDS)

    assert (found.outcome, found.severity, found.told) == ("raised", pb.SEVERITY_CRITICAL, True)
    assert found.answer.startswith("It was more severe than what the incident was open for")
    assert all(each.passed for each in found.checks)
