"""Gets one scan."""

from libs import problems
from tests.scheduler.asking import refusal, run_now, scan, scanned


async def test_a_scan_is_what_starting_it_said(scheduler, ingestion):
    ingestion.answers.clear()
    started = await run_now(scheduler)

    found = await scan(scheduler, started.scan_id)

    assert (found.scan_id, found.created_at) == (started.scan_id, started.scan.created_at)
    assert not found.HasField("summary")
    assert not found.HasField("completed_at")
    ingestion.answers.set()


async def test_a_scan_of_another_location_is_not_shown(scheduler):
    done = await scanned(scheduler)

    problem = await refusal(scan(scheduler, done.scan_id, "loc-2"))

    assert isinstance(problem, problems.NotFound)
    assert (problem.reason, problem.facts) == ("SCAN_NOT_FOUND", {"scan_id": done.scan_id})


async def test_what_is_missing_is_named(lasting_scheduler):
    assert (await refusal(scan(lasting_scheduler, ""))).reason == "SCAN_MISSING"
    assert (await refusal(scan(lasting_scheduler, "x", ""))).reason == "LOCATION_MISSING"
    assert (await refusal(scan(lasting_scheduler, "a\0b"))).reason == "TEXT_MALFORMED"
