"""Lets an ignored finding count again."""

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import history, refusal, scanned
from tests.scheduler.living import finding_of, found, ignore, scanned_with_faults, unignore
from tests.support.waiting import eventually


async def test_it_counts_again_and_is_told_as_new(scheduler, ingestion, notifier):
    ingestion.knows("A", history(*"F" * 20))
    await scanned(scheduler)
    [outage] = await found(scheduler, rule_id="GHL402")
    await ignore(scheduler, outage.finding_id)
    await scanned(scheduler)

    shown = await unignore(scheduler, outage.finding_id)
    done = await scanned(scheduler)

    assert not shown.HasField("ignored")
    assert (done.issues_found, done.summary.new_count, done.summary.known_count) == (2, 1, 1)
    [now] = await found(scheduler, rule_id="GHL402")
    assert (now.state, now.first_seen_at) == (pb.FINDING_STATE_NEW, outage.first_seen_at)
    assert await eventually(lambda: len(notifier.told("critical_finding")) == 3)


async def test_before_the_next_scan_it_is_as_it_was(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A")
    finding = await finding_of(scheduler, "A")
    await ignore(scheduler, finding.finding_id)

    await unignore(scheduler, finding.finding_id)
    done = await scanned(scheduler)

    assert (done.summary.new_count, done.summary.known_count) == (0, 1)


async def test_what_is_not_ignored_stays_so(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A")
    finding = await finding_of(scheduler, "A")

    assert await unignore(scheduler, finding.finding_id) == finding


async def test_another_location_does_not_have_it(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A")
    finding = await finding_of(scheduler, "A")
    ignored = await ignore(scheduler, finding.finding_id)

    refused = await refusal(unignore(scheduler, finding.finding_id, location="loc-2"))

    assert refused.reason == "FINDING_NOT_FOUND"
    assert await finding_of(scheduler, "A") == ignored
