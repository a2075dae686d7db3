"""How incidents end, and who hears of it."""

import json

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    a_completed_scan,
    a_critical_finding,
    a_failed_scan,
    a_failing_event,
    a_finished_run,
    a_fixed_finding,
    a_good_score,
    a_low_score,
    a_recovery,
    a_removed_connection,
    a_restored_connection,
    a_stuck_workflow,
    an_expired_connection,
    an_overdue_schedule,
    caught,
    configure,
    deeds_of,
    deliveries_of,
    incidents_of,
    report,
)
from tests.support.receivers import Answer
from tests.support.waiting import eventually


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


@pytest.mark.parametrize(
    ("opening", "ending", "subject"),
    [
        (
            a_failing_event(new_failures=3),
            a_recovery(),
            "[RESOLVED] Lead follow-up succeeded again after 3 failures",
        ),
        (
            a_low_score(),
            a_good_score(),
            "[RESOLVED] Lead follow-up has a health score of 72 again",
        ),
        (
            a_critical_finding("fp-7"),
            a_fixed_finding("fp-7"),
            "[RESOLVED] Lead follow-up: fixed: Webhook without a timeout",
        ),
        (
            a_critical_finding("fp-7"),
            a_fixed_finding("fp-7", ignored_because="The client wants it so."),
            "[RESOLVED] Lead follow-up: ignored: Webhook without a timeout",
        ),
        (
            a_stuck_workflow(),
            a_finished_run(),
            "[RESOLVED] Lead follow-up finishes its runs again",
        ),
        (
            an_expired_connection(),
            a_restored_connection(),
            "[RESOLVED] The connection to GoHighLevel works again",
        ),
        (
            an_expired_connection(),
            a_removed_connection(),
            "[RESOLVED] The location is not connected to GoHighLevel any more",
        ),
    ],
)
async def test_who_was_told_that_it_began_is_told_that_it_is_over(
    notifier, opening, ending, subject
):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, opening)
    await mails(notifier, 1)

    await report(notifier, ending)

    over, began = await mails(notifier, 2)
    assert over.subject == subject
    assert began.subject != over.subject
    (incident,) = await incidents_of(notifier)
    assert incident.status == pb.INCIDENT_STATUS_RESOLVED


@pytest.mark.parametrize(
    ("opening", "ending", "deeds"),
    [
        (an_expired_connection(), a_restored_connection(), []),
        (
            an_expired_connection(),
            a_removed_connection("Owner"),
            [("resolved", "Owner", "The location is not connected to GoHighLevel any more.")],
        ),
        (
            a_critical_finding("fp-7"),
            a_fixed_finding("fp-7", ignored_because="The client wants it so."),
            [("resolved", "", "The finding is ignored: The client wants it so.")],
        ),
    ],
)
async def test_an_incident_says_why_it_ended_where_nothing_was_mended(
    notifier, opening, ending, deeds
):
    await report(notifier, opening)

    await report(notifier, ending)

    (incident,) = await incidents_of(notifier)
    assert incident.status == pb.INCIDENT_STATUS_RESOLVED
    assert await deeds_of(notifier, incident.incident_id) == deeds


async def test_a_target_that_was_not_told_of_the_beginning_is_not_told_of_the_end(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await mails(notifier, 1)
    await configure(notifier, webhook_url=NOBODY)

    await report(notifier, a_recovery())

    deliveries = await deliveries_of(notifier)
    assert [(each.channel, each.occasion) for each in deliveries] == [
        ("email", "resolved"),
        ("email", "opened"),
    ]


async def test_an_opening_that_is_not_delivered_yet_is_folded_into_the_end(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(Answer(503, {"Retry-After": "600"}))
    await report(delivering, a_failing_event())

    async def waits():
        (delivery,) = await deliveries_of(delivering)
        return delivery.attempts == 1

    await eventually(waits)

    await report(delivering, a_recovery())

    over, began = await deliveries_of(delivering)
    assert (began.status, began.suppressed_because) == (
        pb.DELIVERY_STATUS_SUPPRESSED,
        "folded_into_resolved",
    )
    assert over.occasion == "resolved"


async def test_what_arrives_while_it_is_folded_counts_as_delivered_and_the_end_follows(
    delivering, hook
):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(Answer(delay=0.3))
    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)

    await report(delivering, a_recovery())

    await eventually(lambda: len(hook.requests) == 2)
    types = [json.loads(each.body)["type"] for each in hook.requests]
    assert types == ["incident.opened", "incident.resolved"]

    async def both_delivered():
        deliveries = await deliveries_of(delivering)
        return {each.status for each in deliveries} == {pb.DELIVERY_STATUS_DELIVERED}

    assert await eventually(both_delivered)


async def test_an_end_that_waits_is_superseded_when_it_begins_again(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)
    hook.answer_next(Answer(503, {"Retry-After": "600"}))

    async def newest_was_tried():
        return (await deliveries_of(delivering))[0].attempts == 1

    await eventually(newest_was_tried)
    await report(delivering, a_recovery())
    await eventually(newest_was_tried)
    await report(delivering, a_failing_event())

    again, over, _ = await deliveries_of(delivering)
    assert (again.occasion, over.occasion) == ("opened", "resolved")
    assert over.suppressed_because == "superseded_by_opened"


async def test_a_recovery_where_nothing_is_open_is_written_down(notifier):
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_recovery())

    (delivery,) = await deliveries_of(notifier)
    assert delivery.suppressed_because == "no_open_incident"


async def test_a_recovery_while_alerts_are_disabled_ends_the_incident_and_tells_nobody(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await mails(notifier, 1)
    await configure(notifier, enabled=False)

    await report(notifier, a_recovery())

    assert (await deliveries_of(notifier))[0].suppressed_because == "alerts_disabled"
    (incident,) = await incidents_of(notifier)
    assert incident.status == pb.INCIDENT_STATUS_RESOLVED


async def test_who_was_told_and_has_been_removed_is_not_told_of_the_end(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await mails(notifier, 1)
    await configure(notifier, alert_email=None)

    await report(notifier, a_recovery())

    assert (await deliveries_of(notifier))[0].suppressed_because == "target_removed"


async def test_a_complete_scan_ends_the_incident_of_failed_scans_and_is_summed_up(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failed_scan("scan-1"))
    await mails(notifier, 1)

    await report(notifier, a_completed_scan("scan-2"))

    found = await mails(notifier, 3)
    assert {each.subject for each in found} == {
        "[WARNING] A scan failed",
        "[RESOLVED] Scans work again",
        "[INFO] Scan complete: 2 new, 1 fixed, 5 known",
    }
    (incident,) = await incidents_of(notifier)
    assert incident.status == pb.INCIDENT_STATUS_RESOLVED


async def test_an_overdue_scan_and_a_failed_one_are_one_incident_that_a_complete_one_ends(notifier):
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, an_overdue_schedule(), a_failed_scan())
    (incident,) = await incidents_of(notifier)
    await report(notifier, a_completed_scan())
    (ended,) = await incidents_of(notifier)

    assert (incident.dedup_key, incident.event_count) == ("scan:loc-1", 2)
    assert ended.status == pb.INCIDENT_STATUS_RESOLVED


async def test_a_fixed_finding_ends_only_the_incident_of_its_fingerprint(notifier):
    await report(notifier, a_critical_finding("fp-1"), a_critical_finding("fp-2"))

    await report(notifier, a_fixed_finding("fp-1"))

    still_open = await incidents_of(notifier, status=pb.INCIDENT_STATUS_OPEN)
    assert [each.dedup_key for each in still_open] == ["issue:fp-2"]


async def test_a_workflow_that_fails_again_opens_a_new_incident(notifier):
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_failing_event(), a_recovery(), a_failing_event())

    newest, first = await incidents_of(notifier)
    assert (newest.status, first.status) == (
        pb.INCIDENT_STATUS_OPEN,
        pb.INCIDENT_STATUS_RESOLVED,
    )
    assert newest.incident_id != first.incident_id


async def test_all_mails_of_an_incident_are_one_thread(delivering, mailbox):
    await configure(delivering, alert_email=EMAIL)
    await report(delivering, a_failing_event("wf-1"))
    await eventually(lambda: len(mailbox.mails) == 1)
    await report(delivering, a_recovery("wf-1"), a_failing_event("wf-2"))
    await eventually(lambda: len(mailbox.mails) == 3)

    opened, *rest = [mail.message["References"] for mail in mailbox.mails]
    assert sorted(each == opened for each in rest) == [False, True]
    assert len({mail.message["Message-ID"] for mail in mailbox.mails}) == 3
