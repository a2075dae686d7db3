"""Gets one finding, and what scans said of it."""

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, history, refusal, scanned
from tests.scheduler.living import FAULTY, WELL, finding_of


async def get(stub, finding_id, location=LOCATION) -> pb.GetFindingResponse:
    request = pb.GetFindingRequest(location_id=location, finding_id=finding_id)
    return await stub.GetFinding(request, timeout=SECONDS)


async def test_the_life_of_a_finding_is_told_newest_first(scheduler, ingestion):
    for runs in (FAULTY, FAULTY, WELL, WELL, FAULTY):
        ingestion.knows("wf-1", history(*runs), name=f"With {len(runs)} runs")
        await scanned(scheduler)
    now = await finding_of(scheduler, "wf-1")

    found = await get(scheduler, now.finding_id)

    assert found.finding == now == found.sightings[0]
    assert [each.state for each in found.sightings] == [
        pb.FINDING_STATE_REGRESSED,
        pb.FINDING_STATE_FIXED,
        pb.FINDING_STATE_OPEN,
        pb.FINDING_STATE_NEW,
    ]
    assert {each.fingerprint for each in found.sightings} == {now.fingerprint}
    assert {each.first_seen_at.ToNanoseconds() for each in found.sightings} == {
        now.first_seen_at.ToNanoseconds()
    }


async def test_another_location_does_not_have_it(scheduler, ingestion):
    ingestion.knows("wf-1", history(*FAULTY))
    await scanned(scheduler)
    finding = await finding_of(scheduler, "wf-1")

    assert (await refusal(get(scheduler, finding.finding_id, "loc-2"))).reason == (
        "FINDING_NOT_FOUND"
    )


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("",), "FINDING_MISSING"),
        (("no such",), "FINDING_NOT_FOUND"),
        (("f" * 65,), "FIELD_TOO_LONG"),
        (("f-1", ""), "LOCATION_MISSING"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, asked, reason):
    assert (await refusal(get(lasting_scheduler, *asked))).reason == reason
