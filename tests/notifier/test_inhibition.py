"""One cause, one alert: an expired connection stands for the workflows that fail because of it."""

from datetime import timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_failing_event,
    a_low_score,
    a_recovery,
    a_restored_connection,
    an_expired_connection,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    report,
    story_of,
)
from tests.notifier.silences import NOON
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

FORTY = [f"wf-{number:02}" for number in range(40)]


@pytest.fixture
async def alerting(notifier, notifier_url):
    set_clock(notifier_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    yield notifier
    release_clock(notifier_url)


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


async def the_cause(notifier):
    (found,) = [each for each in await incidents_of(notifier) if each.dedup_key.startswith("conn")]
    return found


def failing(names):
    return [a_failing_event(each, workflow_name=each) for each in names]


async def test_forty_failing_workflows_are_one_alert_that_lists_forty(alerting):
    await report(alerting, *failing(FORTY), an_expired_connection())

    (mail,) = await mails(alerting, 1)
    assert "connection to GoHighLevel has expired" in mail.subject
    assert all(each in mail.text for each in FORTY)
    assert "40 workflows" in mail.text
    cause = await the_cause(alerting)
    suppressed = [each for each in await deliveries_of(alerting) if each.suppressed_because]
    assert len(suppressed) == 40
    assert {(each.suppressed_because, each.suppressed_by) for each in suppressed} == {
        ("inhibited", cause.incident_id)
    }


async def test_the_incident_lists_them_too(alerting):
    await report(alerting, an_expired_connection(), *failing(FORTY))

    cause = await the_cause(alerting)
    affected = (await story_of(alerting, cause.incident_id)).affected

    assert sorted(each.workflow_id for each in affected) == FORTY
    assert {each.caused_by for each in affected} == {cause.incident_id}


async def test_those_that_come_later_come_with_an_update(alerting, notifier_url):
    await report(alerting, an_expired_connection())
    await mails(alerting, 1)
    for each in FORTY:
        await report(alerting, *failing([each]))

    set_clock(notifier_url, NOON + timedelta(minutes=5))

    update, _ = await mails(alerting, 2)
    assert update.subject.startswith("[CRITICAL] Getting worse: The connection")
    assert all(each in update.text for each in FORTY)


async def test_what_waits_to_be_told_when_it_expires_is_kept_back(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(503)
    await report(delivering, a_failing_event("wf-told"))
    await eventually(lambda: hook.requests)
    await report(delivering, a_failing_event("wf-waits"))

    await report(delivering, an_expired_connection())

    by_subject = {each.occasion: each for each in await deliveries_of(delivering)}
    assert by_subject
    because = {
        each.incident_id: each.suppressed_because for each in await deliveries_of(delivering)
    }
    (waits,) = [
        each.incident_id
        for each in await incidents_of(delivering)
        if each.workflow_id == "wf-waits"
    ]
    assert because[waits] == "inhibited"


async def test_what_has_another_cause_is_told(alerting):
    await report(alerting, an_expired_connection(), a_low_score())
    await report(alerting, a_failing_event(location_id="loc-2"))

    told = [each for each in await deliveries_of(alerting) if not each.suppressed_because]
    elsewhere = await deliveries_of(alerting, "loc-2")
    assert len(told) == 2
    assert elsewhere[0].suppressed_because == "no_target"


async def test_after_it_works_again_what_still_fails_is_told(alerting):
    await report(alerting, an_expired_connection(), *failing(["wf-1", "wf-2"]))
    await mails(alerting, 1)
    await report(alerting, a_restored_connection())
    await mails(alerting, 2)

    await report(alerting, *failing(["wf-1"]))

    mail, *_ = await mails(alerting, 3)
    assert "wf-1 failed" in mail.subject
    (still,) = [each for each in await incidents_of(alerting) if each.workflow_id == "wf-1"]
    assert still.caused_by == ""


async def test_what_never_was_told_is_not_told_to_be_over(alerting):
    await report(alerting, an_expired_connection(), *failing(["wf-1"]))
    await mails(alerting, 1)

    await report(alerting, a_recovery("wf-1"))

    occasions = {each.occasion for each in await deliveries_of(alerting)}
    assert occasions == {"opened"}


async def test_reminders_of_it_are_kept_back_too(alerting, notifier_url):
    await report(alerting, *failing(["wf-1"]))
    await mails(alerting, 1)
    await report(alerting, an_expired_connection())
    await mails(alerting, 2)

    set_clock(notifier_url, NOON + timedelta(hours=4))
    await report(alerting, a_completed_scan(scan_id="", location_id="loc-elsewhere"))

    newest, *_ = await mails(alerting, 3)
    assert "connection" in newest.subject
    assert (await the_cause(alerting)).status == pb.INCIDENT_STATUS_OPEN
