from datetime import UTC, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_critical_finding,
    a_failing_event,
    a_low_score,
    a_recovery,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
    the_incident,
)
from tests.notifier.silences import HOUR, NOON, silence
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually


@pytest.fixture
async def alerting(notifier, notifier_url):
    set_clock(notifier_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    yield notifier
    release_clock(notifier_url)


async def reasons(notifier, location_id="loc-1"):
    return sorted(each.suppressed_because for each in await deliveries_of(notifier, location_id))


async def test_what_a_silence_covers_is_suppressed_and_says_by_which(alerting):
    made = await silence(alerting)

    await report(alerting, a_failing_event())

    (delivery,) = await deliveries_of(alerting)
    assert (delivery.suppressed_because, delivery.suppressed_by) == ("silenced", made.silence_id)
    assert (made.reason, made.created_by, made.active) == ("Moving the forms", "Owner", True)
    assert made.ends_at.ToDatetime(UTC) == NOON + HOUR


async def test_repeats_of_what_is_silenced_write_nothing(alerting):
    await silence(alerting)

    await report(alerting, *(a_failing_event() for _ in range(5)))

    assert await reasons(alerting) == ["silenced"]
    assert (await the_incident(alerting)).event_count == 5


@pytest.mark.parametrize(
    ("cover", "silenced"),
    [
        ({}, 3),
        ({"workflow_id": "wf-1"}, 2),
        ({"kinds": ["workflow_failing"]}, 1),
        ({"kinds": ["workflow_failing", "score_low"]}, 2),
        ({"up_to_severity": pb.SEVERITY_WARNING}, 1),
        ({"workflow_id": "wf-1", "kinds": ["score_low"]}, 0),
        ({"installation": True}, 3),
        ({"location_id": "loc-2"}, 0),
    ],
)
async def test_it_covers_what_it_names_and_nothing_else(alerting, cover, silenced):
    await silence(alerting, **cover)

    await report(
        alerting, a_failing_event("wf-1"), a_critical_finding(workflow_id="wf-1"),
        a_low_score("wf-2"),
    )  # fmt: skip

    assert (await reasons(alerting)).count("silenced") == silenced


async def test_an_end_is_told_all_the_same_to_who_heard_of_the_beginning(alerting):
    await report(alerting, a_failing_event())
    await eventually(lambda: caught(alerting))
    await silence(alerting)

    await report(alerting, a_recovery())

    async def two():
        found = await caught(alerting)
        return found if len(found) == 2 else None

    mail, _ = await eventually(two)
    assert mail.subject.startswith("[RESOLVED]")


async def test_when_it_ends_what_is_still_open_is_told_and_later_its_end(alerting, notifier_url):
    await silence(alerting)
    await report(alerting, a_failing_event("wf-open"), a_failing_event("wf-over"))
    await report(alerting, a_recovery("wf-over"))

    set_clock(notifier_url, NOON + HOUR)
    (mail,) = await eventually(lambda: caught(alerting))
    await report(alerting, a_recovery("wf-open"))

    assert mail.subject.startswith("[CRITICAL] Still open for 1 hour")
    assert "wf-open" in mail.text

    async def ended():
        found = await caught(alerting)
        return found[0] if len(found) == 2 else None

    assert (await eventually(ended)).subject.startswith("[RESOLVED]")


async def test_a_failure_after_its_end_is_told_at_once(alerting, notifier_url):
    await silence(alerting)
    await report(alerting, a_failing_event())

    set_clock(notifier_url, NOON + HOUR)
    await report(alerting, a_failing_event())

    assert await eventually(lambda: caught(alerting))
    assert len(await incidents_of(alerting)) == 1


async def test_summaries_are_silenced_too(alerting):
    await silence(alerting, up_to_severity=pb.SEVERITY_INFO)

    await report(alerting, a_completed_scan())

    assert await reasons(alerting) == ["silenced"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"location_id": ""}, "LOCATION_MISSING"),
        ({"actor": ""}, "ACTOR_MISSING"),
        ({"reason": "  "}, "REASON_MISSING"),
        ({"kinds": ["everything"]}, "KIND_UNKNOWN"),
        ({"ends_at": NOON}, "SILENCE_OUT_OF_RANGE"),
        ({"ends_at": NOON + timedelta(days=90, seconds=1)}, "SILENCE_OUT_OF_RANGE"),
    ],
)
async def test_what_cannot_be_silenced_is_refused(alerting, request_, reason):
    with refused_as(reason):
        await silence(alerting, **request_)
