"""Lists what is known of the workflows of a location."""

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, refusal, scanned
from tests.scheduler.knowing import connected, has, snapshots, upload, workflow


async def test_a_snapshot_is_kept_though_nothing_else_can_be_read(scheduler, ghl):
    has(ghl, workflow("wf-1", version=12), workflow("wf-2", status="draft"), api=False)
    await connected(scheduler, ghl, scopes={"workflows.readonly"})

    await scanned(scheduler)

    live, draft = await snapshots(scheduler)
    assert (live.name, live.status, live.version) == ("About wf-1", "published", 12)
    assert draft.status == "draft"
    assert live.created_at.ToJsonString() == "2026-03-02T09:15:00Z"
    assert live.updated_at.ToJsonString() == "2026-10-02T08:10:00Z"
    assert live.first_seen_at == live.last_seen_at
    assert not live.HasField("vanished_at")
    assert list(live.definitions) == []


async def test_definitions_are_told_by_where_they_came_from(scheduler, ghl):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl)
    await upload(scheduler, workflow("wf-1"))
    await upload(scheduler, workflow("wf-2"), "wf-2")

    await scanned(scheduler)

    both, uploaded = await snapshots(scheduler)
    origins = [each.origin for each in both.definitions]
    assert origins == [pb.KeptDefinition.ORIGIN_GHL, pb.KeptDefinition.ORIGIN_UPLOAD]
    assert (uploaded.name, uploaded.status) == ("About wf-2", "")
    assert not uploaded.HasField("first_seen_at")


async def test_what_vanished_says_since_when(scheduler, ghl):
    has(ghl, workflow("wf-1"), workflow("wf-2"))
    await connected(scheduler, ghl)
    await scanned(scheduler)
    has(ghl, workflow("wf-1"))

    await scanned(scheduler)

    there, gone = await snapshots(scheduler)
    assert gone.HasField("vanished_at")
    assert gone.last_seen_at.ToNanoseconds() < there.last_seen_at.ToNanoseconds()


async def test_pages_go_on_where_the_page_before_ended(scheduler):
    for number in range(5):
        await upload(scheduler, workflow(f"wf-{number}"), f"wf-{number}")
    ids, token = [], ""

    while True:
        request = pb.ListWorkflowSnapshotsRequest(
            location_id=LOCATION, page_size=2, page_token=token
        )
        page = await scheduler.ListWorkflowSnapshots(request, timeout=SECONDS)
        ids += [each.workflow_id for each in page.snapshots]
        token = page.next_page_token
        if not token:
            break

    assert ids == [f"wf-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location": ""}, "LOCATION_MISSING"),
        ({"page_size": -1}, "PAGE_SIZE_NEGATIVE"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_WRONG"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(snapshots(lasting_scheduler, **fields))).reason == reason
