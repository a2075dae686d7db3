import asyncio
import uuid
from datetime import timedelta

import psycopg
import pytest
from standardwebhooks import Webhook

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import datetime_from
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    NOW,
    SECONDS,
    a_completed_scan,
    a_critical_finding,
    a_failed_scan,
    a_failing_event,
    a_low_score,
    a_stuck_workflow,
    an_event,
    an_expired_connection,
    an_overdue_schedule,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
)
from tests.support.waiting import eventually

ACCEPTED = pb.EventResult.OUTCOME_ACCEPTED
DUPLICATE = pb.EventResult.OUTCOME_DUPLICATE
REJECTED = pb.EventResult.OUTCOME_REJECTED


async def suppressed(notifier):
    deliveries = await deliveries_of(notifier)
    assert all(each.status == pb.DELIVERY_STATUS_SUPPRESSED for each in deliveries)
    return [each.suppressed_because for each in deliveries]


async def test_three_failing_events_of_one_workflow_make_one_mail_and_one_signed_webhook(
    delivering, mailbox, hook
):
    updated = await configure(delivering, alert_email=EMAIL, webhook_url=hook.url)

    outcomes = await report(delivering, a_failing_event(new_failures=3, failure_count=3))
    for count in (4, 5):
        outcomes += await report(delivering, a_failing_event(failure_count=count))
    await eventually(lambda: mailbox.mails and hook.requests)

    assert outcomes == [ACCEPTED] * 3
    (mail,) = mailbox.mails
    assert mail.tls
    assert mail.authenticated
    assert mail.recipients == [EMAIL]
    assert mail.message["Subject"] == "[CRITICAL] Lead follow-up failed 3× in 24 h"
    (request,) = hook.requests
    told = Webhook(updated.webhook_secret).verify(request.body, dict(request.headers))
    assert told["type"] == "incident.opened"
    assert told["data"]["workflow"] == {"id": "wf-1", "name": "Lead follow-up"}
    assert len(await deliveries_of(delivering)) == 2
    (incident,) = await incidents_of(delivering)
    assert (incident.event_count, incident.failure_count) == (3, 5)


async def test_an_event_that_is_told_again_changes_nothing(notifier):
    await configure(notifier, alert_email=EMAIL)
    event = a_failing_event()

    first = await report(notifier, event)
    again = await report(notifier, event)
    in_one = await report(notifier, other := a_failing_event(), other)

    assert (first, again, in_one) == ([ACCEPTED], [DUPLICATE], [ACCEPTED, DUPLICATE])
    (incident,) = await incidents_of(notifier)
    assert incident.event_count == 2


async def test_another_spelling_of_an_id_is_the_same_id(notifier):
    event_id = uuid.uuid4()

    await report(notifier, a_failing_event(event_id=str(event_id)))

    assert await report(notifier, a_failing_event(event_id=event_id.hex.upper())) == [DUPLICATE]


async def test_one_bad_event_is_rejected_alone(notifier):
    bad = [
        (a_failing_event(event_id="4711"), "EVENT_ID_MALFORMED"),
        (a_failing_event(location_id=""), "LOCATION_MISSING"),
        (a_failing_event(workflow_id=""), "WORKFLOW_MISSING"),
        (an_event(), "EVENT_KIND_MISSING"),
    ]
    late = a_failing_event()
    late.occurred_at.seconds = 10**15
    bad.append((late, "TIME_OUT_OF_RANGE"))
    request = pb.ReportEventsRequest(
        events=[a_failing_event("wf-1"), *(event for event, _ in bad), a_failing_event("wf-2")]
    )

    results = (await notifier.ReportEvents(request, timeout=SECONDS)).results

    assert [each.outcome for each in results] == [ACCEPTED, *[REJECTED] * len(bad), ACCEPTED]
    assert [each.reason for each in results[1:-1]] == [reason for _, reason in bad]
    assert all(each.message for each in results[1:-1])
    assert len(await incidents_of(notifier)) == 2


async def test_a_report_without_events_or_with_too_many_is_refused_as_a_whole(notifier):
    with refused_as("NO_EVENTS"):
        await report(notifier)
    with refused_as("TOO_MANY_EVENTS"):
        await report(notifier, *[a_failing_event()] * 501)


async def test_a_report_may_hold_500_events(notifier):
    outcomes = await report(notifier, *[a_failing_event()] * 500)

    assert outcomes == [ACCEPTED] + [DUPLICATE] * 499


@pytest.mark.parametrize(
    ("settings", "event", "reason"),
    [
        ({"enabled": False, "alert_email": EMAIL}, a_failing_event(), "alerts_disabled"),
        ({"enabled": False, "alert_email": EMAIL}, a_completed_scan(), "alerts_disabled"),
        (
            {"alert_on_critical": False, "alert_email": EMAIL},
            a_critical_finding(),
            "critical_alerts_disabled",
        ),
        ({"failure_threshold": 5}, a_failing_event(), "no_target"),
        ({}, a_low_score(), "no_target"),
        ({}, a_completed_scan(), "no_target"),
    ],
)
async def test_who_is_not_told_can_see_why(notifier, settings, event, reason):
    if settings:
        await configure(notifier, **settings)

    await report(notifier, event)

    assert await suppressed(notifier) == [reason]


async def test_failure_alerts_do_not_depend_on_critical_alerts(notifier):
    await configure(notifier, alert_on_critical=False, alert_email=EMAIL)

    await report(notifier, a_failing_event())

    assert await eventually(lambda: caught(notifier))


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (a_failing_event(), "[CRITICAL] Lead follow-up failed 3× in 24 h"),
        (a_critical_finding(), "[CRITICAL] Lead follow-up: Webhook without a timeout"),
        (a_low_score(), "[WARNING] Lead follow-up has a health score of 41"),
        (a_failed_scan(), "[WARNING] A scan failed"),
        (a_completed_scan(), "[INFO] Scan complete: 2 new, 1 fixed, 5 known"),
        (a_stuck_workflow(), "[WARNING] Lead follow-up: 2 runs never finished"),
        (an_expired_connection(), "[CRITICAL] The connection to GoHighLevel has expired"),
        (an_overdue_schedule(), "[WARNING] A scan is overdue"),
    ],
)
async def test_each_kind_goes_to_all_targets_with_its_severity(notifier, event, subject):
    await configure(notifier, alert_email=EMAIL, webhook_url=NOBODY)

    await report(notifier, event)

    deliveries = await deliveries_of(notifier)
    assert {each.channel for each in deliveries} == {"email", "webhook"}
    assert {each.subject for each in deliveries} == {subject}


async def test_a_repeat_is_counted_and_tells_nobody_again(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(new_failures=3, failure_count=3))

    await report(notifier, *(a_failing_event(new_failures=50) for _ in range(20)))

    (incident,) = await incidents_of(notifier)
    assert (incident.event_count, incident.failure_count) == (21, 1003)
    assert len(await deliveries_of(notifier)) == 1


async def test_an_incident_nobody_was_told_of_is_told_once_there_is_somebody(notifier):
    await report(notifier, a_failing_event(), a_failing_event())
    assert await suppressed(notifier) == ["no_target"]

    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(failure_count=6))
    await report(notifier, a_failing_event(failure_count=7))

    (mail,) = await eventually(lambda: caught(notifier))
    assert mail.subject == "[CRITICAL] Lead follow-up failed 6× in 24 h"
    assert len(await deliveries_of(notifier)) == 2


async def test_a_scan_is_summed_up_once_even_if_two_replicas_finish_it(notifier):
    await configure(notifier, alert_email=EMAIL)

    first = await report(notifier, a_completed_scan("scan-7"))
    second = await report(notifier, a_completed_scan("scan-7"))
    other = await report(notifier, a_completed_scan("scan-8"))

    assert (first, second, other) == ([ACCEPTED], [DUPLICATE], [ACCEPTED])
    assert len(await deliveries_of(notifier)) == 2


async def test_nothing_happens_in_the_future_and_what_has_no_time_happened_now(notifier):
    timeless = a_failing_event("wf-2")
    timeless.ClearField("occurred_at")

    await report(notifier, a_failing_event("wf-1", at=NOW + timedelta(days=9999)), timeless)

    for incident in await incidents_of(notifier):
        opened_at = datetime_from(incident.opened_at, "")
        assert timedelta(0) <= opened_at - NOW < timedelta(minutes=30)


async def test_texts_of_strangers_are_kept_without_what_a_database_or_a_line_cannot_hold(notifier):
    await report(notifier, a_failing_event(workflow_name="a\x00b\r\nc\u202ed" + "x" * 5000))

    (incident,) = await incidents_of(notifier)

    assert incident.workflow_name.startswith("a b cdxxx")
    assert len(incident.workflow_name) == 200


async def test_batches_at_once_count_everything_and_tell_once(start, database_url):
    replicas = [await start(), await start()]
    await configure(replicas[0], webhook_url=NOBODY)
    workflows = [f"wf-{number}" for number in range(10)]

    async def told(number):
        # Each batch in another order: locks must not depend on it.
        events = [a_failing_event(each, new_failures=1) for each in workflows]
        order = events[number:] + events[:number]
        return await report(replicas[number % 2], *order)

    outcomes = await asyncio.gather(*(told(number) for number in range(10)))

    assert outcomes == [[ACCEPTED] * 10] * 10
    incidents = await incidents_of(replicas[0])
    assert len(incidents) == 10
    assert {each.failure_count for each in incidents} == {10}
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await connection.execute("SELECT count(*) FROM deliveries")
        assert await rows.fetchone() == (10,)


async def test_the_same_batch_told_to_two_replicas_at_once_is_taken_in_once(start):
    replicas = [await start(), await start()]
    events = [a_failing_event(f"wf-{number}") for number in range(50)]

    outcomes = await asyncio.gather(
        report(replicas[0], *events), report(replicas[1], *reversed(events))
    )

    taken = [outcome for each in outcomes for outcome in each]
    assert taken.count(ACCEPTED) == taken.count(DUPLICATE) == 50
    incidents = await incidents_of(replicas[0], page_size=100)
    assert [each.event_count for each in incidents] == [1] * 50
