import base64
import json
from datetime import timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import datetime_from
from tests.notifier.builders import (
    NOW,
    SECONDS,
    a_critical_finding,
    a_failed_scan,
    a_failing_event,
    a_low_score,
    a_recovery,
    incidents_of,
    refused_as,
    report,
)


async def test_an_incident_tells_what_it_is_about(notifier):
    await report(notifier, a_failing_event(new_failures=3, at=NOW - timedelta(minutes=5)))
    await report(notifier, a_failing_event(new_failures=2, failure_count=5))

    (incident,) = await incidents_of(notifier)

    assert incident.dedup_key == "fail:wf-1"
    assert incident.status == pb.INCIDENT_STATUS_OPEN
    assert incident.severity == pb.SEVERITY_CRITICAL
    assert incident.title == "Lead follow-up failed 5× in 24 h"
    assert (incident.workflow_id, incident.workflow_name) == ("wf-1", "Lead follow-up")
    assert (incident.event_count, incident.failure_count) == (2, 5)
    assert datetime_from(incident.opened_at, "") == NOW - timedelta(minutes=5)
    assert datetime_from(incident.last_event_at, "") == NOW
    assert not incident.HasField("resolved_at")


@pytest.mark.parametrize(
    ("event", "dedup_key", "severity"),
    [
        (a_failing_event("wf-9"), "fail:wf-9", pb.SEVERITY_CRITICAL),
        (a_critical_finding("fp-9"), "issue:fp-9", pb.SEVERITY_CRITICAL),
        (a_critical_finding(""), "issue:wf-1:GHL402", pb.SEVERITY_CRITICAL),
        (a_low_score("wf-9"), "score:wf-9", pb.SEVERITY_WARNING),
        (a_failed_scan(), "scan:loc-1", pb.SEVERITY_WARNING),
    ],
)
async def test_each_kind_has_its_key_and_its_severity(notifier, event, dedup_key, severity):
    await report(notifier, event)

    (incident,) = await incidents_of(notifier)

    assert (incident.dedup_key, incident.severity) == (dedup_key, severity)


async def test_incidents_can_be_told_by_status(notifier):
    await report(notifier, a_failing_event("wf-1"), a_failing_event("wf-2"), a_recovery("wf-2"))

    open_ones = await incidents_of(notifier, status=pb.INCIDENT_STATUS_OPEN)
    resolved = await incidents_of(notifier, status=pb.INCIDENT_STATUS_RESOLVED)

    assert [each.workflow_id for each in open_ones] == ["wf-1"]
    assert [each.workflow_id for each in resolved] == ["wf-2"]
    assert resolved[0].HasField("resolved_at")


async def test_pages_hold_every_incident_once_the_one_with_the_newest_event_first(notifier):
    ages = [3, 1, 4, 0, 2]
    await report(
        notifier,
        *(a_failing_event(f"wf-{age}", at=NOW - timedelta(minutes=age)) for age in ages),
    )

    seen, token = [], ""
    while True:
        request = pb.ListIncidentsRequest(location_id="loc-1", page_size=2, page_token=token)
        page = await notifier.ListIncidents(request, timeout=SECONDS)
        seen += [each.workflow_id for each in page.incidents]
        token = page.next_page_token
        if not token:
            break

    assert seen == ["wf-0", "wf-1", "wf-2", "wf-3", "wf-4"]


async def test_incidents_of_another_location_are_not_seen(notifier):
    await report(notifier, a_failing_event(location_id="loc-2"))

    assert not await incidents_of(notifier)


async def test_requests_that_cannot_be_answered_are_refused(notifier):
    await report(notifier, a_failing_event("wf-1"), a_failing_event("wf-2"))
    request = pb.ListIncidentsRequest(location_id="loc-1", page_size=1)
    token = (await notifier.ListIncidents(request, timeout=SECONDS)).next_page_token

    with refused_as("LOCATION_MISSING"):
        await incidents_of(notifier, "")
    with refused_as("PAGE_SIZE_NEGATIVE"):
        await incidents_of(notifier, page_size=-1)
    with refused_as("PAGE_TOKEN_WRONG"):
        await incidents_of(notifier, "loc-2", page_token=token)
    for position in ([], ["x", "y"], ["2026-01-01", "i"], [1, 2], ["2026-01-01T00:00Z", "\0"]):
        with refused_as("PAGE_TOKEN_WRONG"):
            await incidents_of(notifier, page_token=forged(token, position))


def forged(token, position):
    digest, _ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    return base64.urlsafe_b64encode(json.dumps([digest, position]).encode()).decode()
