from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    SECONDS,
    a_completed_scan,
    a_critical_finding,
    a_failing_event,
    a_low_score,
    a_recovery,
    act,
    an_expired_connection,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
    the_incident,
)
from tests.notifier.silences import silence
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL_DAY_BUT = [
    pb.QuietWindow(start="00:00", end="00:00", weekdays=range(6)),
    pb.QuietWindow(start="00:00", end="23:59", weekdays=[6]),
]


async def explain(notifier, location_id="loc-1", **subject):
    request = pb.ExplainDecisionRequest(location_id=location_id, **subject)
    return await notifier.ExplainDecision(request, timeout=SECONDS)


async def imagine(notifier, kind, workflow_id="wf-1"):
    return await explain(notifier, imagined=pb.ImaginedEvent(kind=kind, workflow_id=workflow_id))


async def reported(notifier, event):
    await report(notifier, event)
    return await explain(notifier, event_id=event.event_id)


def stopped_by(found):
    return [each.name for each in found.checks if not each.passed]


def decisions(found):
    return [each.decision for each in found.targets]


async def all_delivered(notifier):
    async def done():
        found = await deliveries_of(notifier)
        pending = [each for each in found if each.status == pb.DELIVERY_STATUS_PENDING]
        return found if not pending else None

    return await eventually(done)


async def test_what_was_told_says_to_whom_when_and_what_the_other_side_said(notifier):
    await configure(notifier, alert_email=EMAIL, failure_threshold=5)
    event = a_failing_event()
    await report(notifier, event)
    (delivery,) = await all_delivered(notifier)

    found = await explain(notifier, event_id=event.event_id)

    assert found.told
    assert (found.outcome, found.kind, found.dedup_key) == (
        "opened",
        "workflow_failing",
        "fail:wf-1",
    )
    (target,) = found.targets
    assert (target.decision, target.target, target.channel) == (
        "send",
        "o…@agency.example",
        "email",
    )
    assert target.delivery == delivery
    assert [each.verdict for each in target.attempts] == ["delivered"]
    assert "o…@agency.example: Told at" in found.answer
    assert all(each.passed for each in found.checks)


async def test_the_settings_are_those_that_held_then_with_the_level_of_each(notifier):
    await configure(notifier, installation=True, time_window_hours=12)
    await configure(notifier, workflow_id="wf-1", failure_threshold=1)
    event = a_failing_event()
    await report(notifier, event)
    await configure(notifier, workflow_id="wf-1", failure_threshold=9)

    found = await explain(notifier, event_id=event.event_id)

    assert (found.settings.failure_threshold, found.settings.time_window_hours) == (1, 12)
    levels = {each.field: each.level for each in found.settings.origins}
    assert levels["failure_threshold"] == pb.SETTINGS_LEVEL_WORKFLOW
    assert levels["time_window_hours"] == pb.SETTINGS_LEVEL_INSTALLATION
    assert levels["enabled"] == pb.SETTINGS_LEVEL_BUILT_IN
    assert "alert_email" not in levels
    assert not found.settings.HasField("alert_email")


async def test_a_repeat_says_that_it_counted_and_what_was_told_of_its_incident(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await all_delivered(notifier)

    found = await reported(notifier, a_failing_event())

    assert (found.outcome, stopped_by(found)) == ("counted", ["news"])
    assert found.incident.event_count == 2
    assert decisions(found) == ["send"]
    assert "repeats are not told" in found.answer


@pytest.mark.parametrize(
    ("settings", "event", "check"),
    [
        ({"alert_email": EMAIL, "enabled": False}, a_failing_event, "enabled"),
        (
            {"alert_email": EMAIL, "alert_on_critical": False},
            a_critical_finding,
            "alert_on_critical",
        ),
        ({}, a_failing_event, "targets"),
        (
            {"alert_email": EMAIL, "scan_summary": pb.SCAN_SUMMARY_NEVER},
            a_completed_scan,
            "scan_summary",
        ),
    ],
)
async def test_what_was_not_told_says_what_stopped_it(notifier, settings, event, check):
    if settings:
        await configure(notifier, **settings)

    found = await reported(notifier, event())

    assert not found.told
    assert stopped_by(found) == [check]
    assert found.checks[-1].name == check
    assert decisions(found) == ["suppress"]
    assert "Nobody is told" in found.answer


async def test_a_silence_and_a_cause_are_named(notifier):
    await configure(notifier, alert_email=EMAIL)
    made = await silence(notifier, workflow_id="wf-silent")
    silenced = await reported(notifier, a_failing_event("wf-silent"))
    await report(notifier, an_expired_connection())
    inhibited = await reported(notifier, a_failing_event("wf-caused"))

    cause = next(e for e in await incidents_of(notifier) if e.dedup_key.startswith("conn"))
    assert stopped_by(silenced) == ["silences"]
    assert made.silence_id in silenced.checks[-1].detail
    assert stopped_by(inhibited) == ["cause"]
    assert cause.incident_id in inhibited.checks[-1].detail


async def test_what_is_held_says_until_when(notifier):
    quiet = pb.QuietHours(windows=ALL_DAY_BUT)
    await configure(notifier, alert_email=EMAIL, timezone="UTC", quiet_hours=quiet)

    found = await reported(notifier, a_low_score())

    (target,) = found.targets
    assert (target.decision, found.told) == ("hold", True)
    assert target.until == target.delivery.held_until == found.quiet_until
    assert stopped_by(found) == ["quiet_hours"]


async def test_what_was_held_and_then_not_taken_says_what_the_other_side_said(
    delivering, delivering_url, hook
):
    set_clock(delivering_url, NOON)
    quiet = pb.QuietHours(windows=[pb.QuietWindow(start="11:00", end="13:00")])
    await configure(delivering, webhook_url=hook.url, timezone="UTC", quiet_hours=quiet)
    event = a_low_score()
    held = await reported(delivering, event)
    hook.answer_next(503)

    set_clock(delivering_url, NOON + timedelta(hours=1))

    async def tried():
        found = await explain(delivering, event_id=event.event_id)
        return found if found.targets[0].attempts else None

    found = await eventually(tried)
    (target,) = found.targets
    assert decisions(held) == ["hold"]
    assert (target.decision, target.HasField("until")) == ("send", False)
    assert target.reason == "Tried once; the other side said: HTTP 503"


async def test_what_was_folded_says_so(notifier):
    await configure(notifier, alert_email=EMAIL)
    events = [a_failing_event(f"wf-{number}") for number in range(3)]
    await report(notifier, *events)
    await all_delivered(notifier)

    found = [await explain(notifier, event_id=each.event_id) for each in events]

    assert sorted(decisions(each) for each in found) == [["fold"], ["fold"], ["send"]]


async def test_an_end_says_who_was_told_of_it(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await all_delivered(notifier)

    over = await reported(notifier, a_recovery())
    nothing = await reported(notifier, a_recovery("wf-fine"))

    assert (over.outcome, over.told) == ("resolved", True)
    assert (nothing.outcome, nothing.told, stopped_by(nothing)) == ("nothing_open", False, ["news"])


async def test_an_incident_is_explained_with_all_that_was_told_of_it(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await report(notifier, a_failing_event())
    await all_delivered(notifier)
    incident = await the_incident(notifier)

    found = await explain(notifier, incident_id=incident.incident_id)

    assert (found.outcome, decisions(found)) == ("opened", ["send"])
    assert found.incident == incident


async def test_an_imagined_event_says_what_would_become_of_it_and_does_nothing(notifier):
    await configure(notifier, alert_email=EMAIL, webhook_url=NOBODY, alert_on_critical=False)

    failing = await imagine(notifier, "workflow_failing")
    finding = await imagine(notifier, "critical_finding")
    over = await imagine(notifier, "workflow_recovered")

    assert (failing.told, failing.outcome, decisions(failing)) == (True, "opened", ["send"] * 2)
    assert "Would" in failing.answer
    assert (finding.told, stopped_by(finding)) == (False, ["alert_on_critical"])
    assert (over.outcome, over.told) == ("nothing_open", False)
    assert not await deliveries_of(notifier)
    assert not await incidents_of(notifier)
    assert not await caught(notifier)


async def test_an_imagined_event_meets_what_is_open_and_silenced_now(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event("wf-open"))
    await silence(notifier, workflow_id="wf-silent")

    repeat = await imagine(notifier, "workflow_failing", "wf-open")
    silenced = await imagine(notifier, "workflow_failing", "wf-silent")

    assert (repeat.outcome, repeat.incident.workflow_id) == ("counted", "wf-open")
    assert stopped_by(silenced) == ["silences"]


async def test_an_imagined_event_meets_the_pace_of_the_target(notifier):
    await configure(notifier, alert_email=EMAIL)
    for number in range(5):
        await report(notifier, a_failing_event(f"wf-{number}"))
        await all_delivered(notifier)

    found = await imagine(notifier, "workflow_failing", "wf-sixth")

    (target,) = found.targets
    assert target.decision == "fold"
    assert target.HasField("until")


async def test_what_is_looked_after_is_not_told_again(notifier):
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    await act(notifier, "Acknowledge", (await the_incident(notifier)).incident_id)

    found = await imagine(notifier, "workflow_failing")

    assert (found.outcome, found.incident.acknowledged_by) == ("counted", "Owner")


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ({}, "SUBJECT_MISSING"),
        ({"event_id": "nothing"}, "EVENT_NOT_FOUND"),
        ({"event_id": "no\x00thing"}, "EVENT_NOT_FOUND"),
        ({"incident_id": "nothing"}, "INCIDENT_NOT_FOUND"),
        ({"imagined": pb.ImaginedEvent(kind="doom")}, "KIND_UNKNOWN"),
        ({"imagined": pb.ImaginedEvent(kind="workflow_failing")}, "WORKFLOW_MISSING"),
        ({"location_id": "", "event_id": "x"}, "EVENT_NOT_FOUND"),
        (
            {"location_id": "", "imagined": pb.ImaginedEvent(kind="scan_failed")},
            "LOCATION_MISSING",
        ),
    ],
)
async def test_what_cannot_be_explained_is_refused(notifier, subject, reason):
    with refused_as(reason):
        await explain(notifier, **subject)


async def test_events_of_another_location_are_not_explained(notifier):
    event = a_failing_event(location_id="loc-2")
    await report(notifier, event)

    with refused_as("EVENT_NOT_FOUND"):
        await explain(notifier, event_id=event.event_id)
