"""Lets a finding neither count nor alert: for ever, until a date, until the version changes."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import timestamp
from tests.scheduler.asking import LOCATION, SECONDS, at, history, refusal, scanned
from tests.scheduler.knowing import EMPTY_WAIT, upload, workflow
from tests.scheduler.living import FAULTY, finding_of, found, ignore, scanned_with_faults
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

HOUR = timedelta(hours=1)
OUTAGE = "F" * 20


def soon():
    return datetime.now(UTC) + HOUR


async def score_of(stub, workflow_id) -> int:
    request = pb.ListScanResultsRequest(location_id=LOCATION)
    answer = await stub.ListScanResults(request, timeout=SECONDS)
    return next(
        each.workflow.score for each in answer.results if each.workflow.workflow_id == workflow_id
    )


async def test_it_says_why_who_and_when(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A")
    finding = await finding_of(scheduler, "A")

    ignored = await ignore(scheduler, finding.finding_id, reason="A test account.", actor="ops")

    assert (ignored.state, ignored.finding_id) == (pb.FINDING_STATE_IGNORED, finding.finding_id)
    assert (ignored.ignored.reason, ignored.ignored.ignored_by) == ("A test account.", "ops")
    assert datetime.now(UTC) - at(ignored.ignored.ignored_at) < HOUR
    assert not ignored.ignored.HasField("until")
    assert not ignored.ignored.HasField("workflow_version")
    assert not ignored.HasField("points_if_fixed")


async def test_it_is_listed_as_ignored_at_once(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "AB")
    finding = await finding_of(scheduler, "A")

    ignored = await ignore(scheduler, finding.finding_id)

    assert ignored in await found(scheduler)
    assert await found(scheduler, state=pb.FINDING_STATE_IGNORED) == [ignored]
    assert [each.workflow_id for each in await found(scheduler, state=pb.FINDING_STATE_NEW)] == [
        "B"
    ]


async def test_it_counts_in_no_number_of_the_next_scan_and_is_listed(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A", of="A")
    finding = await finding_of(scheduler, "A")
    before = await score_of(scheduler, "A")
    await ignore(scheduler, finding.finding_id)

    done = await scanned(scheduler)

    assert (done.issues_found, done.summary.ignored_count) == (0, 1)
    assert (done.summary.warning_count, done.summary.known_count) == (0, 0)
    assert done.summary.fixed_count == 0, "ignoring is not fixing"
    assert await score_of(scheduler, "A") == before + finding.points_if_fixed == 90
    [listed] = await found(scheduler)
    assert (listed.state, listed.first_seen_at) == (
        pb.FINDING_STATE_IGNORED,
        finding.first_seen_at,
    )


async def test_its_incident_ends_at_once_and_it_does_not_alert_again(
    scheduler, ingestion, notifier
):
    ingestion.knows("A", history(*OUTAGE), name="Reminder")
    await scanned(scheduler)
    for finding in await found(scheduler):
        await ignore(scheduler, finding.finding_id, reason="The client knows.")

    await eventually(lambda: len(notifier.told("finding_fixed")) == 2)
    ended = [each.finding_fixed for each in notifier.told("finding_fixed")]
    assert {each.fingerprint for each in ended} == {
        each.fingerprint for each in await found(scheduler)
    }
    assert {(each.ignored_because, each.workflow_name) for each in ended} == {
        ("The client knows.", "Reminder")
    }
    notifier.events.clear()
    await scanned(scheduler)
    [completed] = await eventually(lambda: notifier.told("scan_completed"))
    assert completed.scan_completed.critical_issues == 0
    assert notifier.told("critical_finding") == notifier.told("finding_fixed") == []


async def test_of_a_warning_nothing_is_told(scheduler, ingestion, notifier):
    await scanned_with_faults(scheduler, ingestion, "A")
    await eventually(lambda: notifier.told("scan_completed"))
    notifier.events.clear()

    await ignore(scheduler, (await finding_of(scheduler, "A")).finding_id)
    await scanned(scheduler)

    await eventually(lambda: notifier.told("scan_completed"))
    assert notifier.told("finding_fixed") == []


async def test_a_date_ends_it_and_the_finding_is_new(scheduler, ingestion, url):
    await scanned_with_faults(scheduler, ingestion, "A", of="A")
    finding = await finding_of(scheduler, "A")
    until = soon()
    ignored = await ignore(scheduler, finding.finding_id, until=timestamp(until))
    assert at(ignored.ignored.until) == until
    await scanned(scheduler)

    set_clock(url, until)

    assert (await finding_of(scheduler, "A")).HasField("ignored") is False
    done = await scanned(scheduler)
    assert (done.issues_found, done.summary.new_count, done.summary.ignored_count) == (1, 1, 0)


async def test_another_version_of_the_workflow_ends_it(scheduler):
    async def scanned_in_version(version):
        await upload(scheduler, workflow("wf-1", EMPTY_WAIT, version=version, status="published"))
        return await scanned(scheduler, scan_scope=pb.SCAN_SCOPE_ALL)

    await scanned_in_version(7)
    finding = await finding_of(scheduler, "wf-1")
    ignored = await ignore(scheduler, finding.finding_id, until_version_changes=True)
    same = await scanned_in_version(7)
    other = await scanned_in_version(8)

    assert ignored.ignored.workflow_version == 7
    assert (same.summary.ignored_count, same.issues_found) == (1, 0)
    assert (other.summary.ignored_count, other.issues_found) == (0, 1)
    now = await finding_of(scheduler, "wf-1")
    assert (now.state, now.HasField("ignored")) == (pb.FINDING_STATE_NEW, False)


async def test_said_again_it_replaces_what_was_said(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A")
    finding = await finding_of(scheduler, "A")
    await ignore(scheduler, finding.finding_id, reason="At first.", until=timestamp(soon()))

    await ignore(scheduler, finding.finding_id, reason="For ever.")

    now = (await finding_of(scheduler, "A")).ignored
    assert (now.reason, now.HasField("until")) == ("For ever.", False)


async def test_another_location_is_left_alone(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A")
    finding = await finding_of(scheduler, "A")

    refused = await refusal(ignore(scheduler, finding.finding_id, location="loc-2"))

    assert refused.reason == "FINDING_NOT_FOUND"
    assert (await finding_of(scheduler, "A")).state == pb.FINDING_STATE_NEW


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"reason": ""}, "IGNORE_REASON_MISSING"),
        ({"reason": "  "}, "IGNORE_REASON_MISSING"),
        ({"reason": "x" * 1001}, "FIELD_TOO_LONG"),
        ({"actor": ""}, "ACTOR_MISSING"),
        ({"until": timestamp(datetime(2020, 1, 1, tzinfo=UTC))}, "IGNORE_ENDS_IN_THE_PAST"),
        ({"until_version_changes": True}, "WORKFLOW_VERSION_UNKNOWN"),
    ],
)
async def test_what_is_wrong_is_refused(scheduler, ingestion, wrong, reason):
    ingestion.knows("A", history(*FAULTY))
    await scanned(scheduler)
    finding = await finding_of(scheduler, "A")

    assert (await refusal(ignore(scheduler, finding.finding_id, **wrong))).reason == reason
    assert not (await finding_of(scheduler, "A")).HasField("ignored")
