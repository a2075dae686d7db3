"""Says what changed between two completed scans."""

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, history, refusal, run_now, scanned, sql
from tests.scheduler.living import FAULTY, WELL, finding_of, ignore, scanned_with_faults

KINDS = ("new", "fixed", "still_open", "regressed", "ignored", "not_checked")


async def compare(stub, scan_id="", baseline="", location=LOCATION) -> pb.CompareScansResponse:
    request = pb.CompareScansRequest(
        location_id=location, scan_id=scan_id, baseline_scan_id=baseline
    )
    return await stub.CompareScans(request, timeout=SECONDS)


def told(difference) -> dict[str, str]:
    """The kinds that hold something, with the workflows of their findings."""
    kinds = {kind: getattr(difference, kind) for kind in KINDS}
    assert {kind: len(found) for kind, found in kinds.items()} == {
        kind: getattr(difference.counts, kind) for kind in KINDS
    }
    return {
        kind: "".join(sorted(each.workflow_id for each in found))
        for kind, found in kinds.items()
        if found
    }


async def test_a_failed_scan_in_between_does_not_count(scheduler, ingestion, url):
    first = await scanned_with_faults(scheduler, ingestion, "ABC")
    failed = await scanned_with_faults(scheduler, ingestion, "")
    # As a scan that failed for good leaves things behind: it says nothing of any finding.
    for table, key in (("findings", "scan_id"), ("scan_results", "scan_id")):
        await sql(url, f"DELETE FROM {table} WHERE {key} = %s", failed.scan_id)
    await sql(url, "UPDATE known_findings SET standing = 'open'")
    await sql(url, "UPDATE scan_history SET status = 'failed' WHERE id = %s", failed.scan_id)
    last = await scanned_with_faults(scheduler, ingestion, "BCD")

    difference = await compare(scheduler)

    assert told(difference) == {"new": "D", "fixed": "A", "still_open": "BC"}
    assert (difference.scan.scan_id, difference.baseline.scan_id) == (last.scan_id, first.scan_id)
    summary = last.summary
    assert (summary.new_count, summary.fixed_count, summary.known_count) == (1, 1, 2)


async def test_what_is_back_and_what_is_ignored_are_told_apart(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "AB")
    await ignore(scheduler, (await finding_of(scheduler, "B")).finding_id)
    await scanned_with_faults(scheduler, ingestion, "BC")
    await scanned_with_faults(scheduler, ingestion, "ABCD")

    assert told(await compare(scheduler)) == {
        "new": "D",
        "regressed": "A",
        "still_open": "C",
        "ignored": "B",
    }


async def test_any_two_completed_scans_can_be_compared(scheduler, ingestion):
    first = await scanned_with_faults(scheduler, ingestion, "A")
    await scanned_with_faults(scheduler, ingestion, "B")
    third = await scanned_with_faults(scheduler, ingestion, "AB")

    difference = await compare(scheduler, third.scan_id, first.scan_id)
    backwards = await compare(scheduler, first.scan_id, third.scan_id)

    assert told(difference) == {"new": "B", "still_open": "A"}
    assert told(backwards) == {"fixed": "B", "still_open": "A"}


async def test_all_is_new_in_a_first_scan(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "AB")

    difference = await compare(scheduler)

    assert not difference.HasField("baseline")
    assert told(difference) == {"new": "AB"}
    assert len(difference.appeared) == 4


async def test_scores_that_changed_come_with_the_greatest_fall_first(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A", of="ABC")
    ingestion.knows("B", history(*"F" * 20), name="Reminder")
    ingestion.knows("C", history(*FAULTY))
    ingestion.knows("A", history(*WELL))
    await scanned(scheduler)

    changes = (await compare(scheduler)).score_changes

    assert [(each.workflow_id, each.before, each.after) for each in changes] == [
        ("B", 90, 0),
        ("C", 90, 80),
        ("A", 80, 90),
    ]
    assert changes[0].workflow_name == "Reminder"


async def test_workflows_that_came_and_went_are_named(scheduler, ingestion):
    await scanned_with_faults(scheduler, ingestion, "A", of="AB")
    del ingestion.workflows[LOCATION, "A"]
    done = await scanned_with_faults(scheduler, ingestion, "", of="BC")

    difference = await compare(scheduler)

    assert [each.workflow_id for each in difference.appeared] == ["C"]
    assert [each.workflow_id for each in difference.vanished] == ["A"]
    assert told(difference) == {"not_checked": "A"}, "nobody knows whether it is fixed"
    assert (done.summary.appeared_count, done.summary.vanished_count) == (1, 1)
    assert done.summary.fixed_count == 0


async def test_the_default_is_a_scan_of_the_same_scope(scheduler, ingestion):
    every = await scanned_with_faults(scheduler, ingestion, "AB")
    await scanned(scheduler, scan_scope=pb.SCAN_SCOPE_SELECTED, selected_workflow_ids=["A"])
    await scanned(scheduler)

    assert (await compare(scheduler)).baseline.scan_id == every.scan_id


async def test_a_scan_that_is_not_completed_cannot_be_compared(scheduler, ingestion):
    done = await scanned_with_faults(scheduler, ingestion, "A")
    ingestion.answers.clear()
    running = await run_now(scheduler)

    as_scan = await refusal(compare(scheduler, running.scan_id))
    as_baseline = await refusal(compare(scheduler, done.scan_id, running.scan_id))
    ingestion.answers.set()

    assert (as_scan.reason, as_baseline.reason) == ("SCAN_NOT_COMPLETED", "SCAN_NOT_COMPLETED")


async def test_the_scans_of_another_location_are_not_shown(scheduler, ingestion):
    done = await scanned_with_faults(scheduler, ingestion, "A")

    refused = await refusal(compare(scheduler, done.scan_id, location="loc-2"))

    assert refused.reason == "SCAN_NOT_FOUND"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, "SCAN_NOT_FOUND"),
        ({"scan_id": "no such"}, "SCAN_NOT_FOUND"),
        ({"baseline": "b" * 65}, "FIELD_TOO_LONG"),
        ({"location": ""}, "LOCATION_MISSING"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, asked, reason):
    assert (await refusal(compare(lasting_scheduler, **asked))).reason == reason
