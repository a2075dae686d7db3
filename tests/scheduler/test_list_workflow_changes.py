"""Lists how workflows changed, as far as scans saw it."""

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, refusal, scanned
from tests.scheduler.knowing import changes, connected, has, workflow

Kind = pb.WorkflowChange


@pytest.fixture
async def scans(scheduler, ghl):
    """Scans the location with the workflows it has then."""
    await connected(scheduler, ghl)

    async def scan(*workflows):
        has(ghl, *workflows)
        return await scanned(scheduler)

    return scan


async def test_the_first_look_is_no_change(scheduler, scans):
    await scans(workflow("wf-1"))
    await scans(workflow("wf-1"))

    assert await changes(scheduler) == []


async def test_name_status_and_version_are_followed_newest_first(scheduler, scans):
    await scans(workflow("wf-1", version=23))
    await scans(workflow("wf-1", version=24))
    await scans(workflow("wf-1", version=24, status="draft"))
    await scans(workflow("wf-1", version=24, status="draft") | {"name": "Renamed"})

    found = await changes(scheduler)

    assert [each.kind for each in found] == [Kind.KIND_CHANGED] * 3
    renamed, unpublished, edited = found
    assert (renamed.previous_name, renamed.name) == ("About wf-1", "Renamed")
    assert (unpublished.previous_status, unpublished.status) == ("published", "draft")
    assert (edited.previous_version, edited.version) == (23, 24)


async def test_what_appears_vanishes_and_comes_back_is_told(scheduler, scans):
    await scans(workflow("wf-1"))
    await scans(workflow("wf-1"), workflow("wf-2"))
    await scans(workflow("wf-1"))
    await scans(workflow("wf-1"), workflow("wf-2"))

    found = await changes(scheduler, workflow_id="wf-2")

    assert [each.kind for each in found] == [
        Kind.KIND_APPEARED,
        Kind.KIND_VANISHED,
        Kind.KIND_APPEARED,
    ]


async def test_one_workflow_is_asked_for_by_its_id(scheduler, scans):
    await scans(workflow("wf-1", version=1), workflow("wf-2", version=1))
    await scans(workflow("wf-1", version=2), workflow("wf-2", version=2))

    assert [each.workflow_id for each in await changes(scheduler, workflow_id="wf-2")] == ["wf-2"]
    assert len(await changes(scheduler)) == 2
    assert await changes(scheduler, "loc-2") == []


async def test_pages_go_on_where_the_page_before_ended(scheduler, scans):
    for version in range(4):  # more would wait for the budget of calls
        await scans(workflow("wf-1", version=version))
    found, token = [], ""

    while True:
        request = pb.ListWorkflowChangesRequest(location_id=LOCATION, page_size=2, page_token=token)
        page = await scheduler.ListWorkflowChanges(request, timeout=SECONDS)
        found += [each.version for each in page.changes]
        token = page.next_page_token
        if not token:
            break

    assert found == [3, 2, 1]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location": ""}, "LOCATION_MISSING"),
        ({"workflow_id": "x" * 65}, "FIELD_TOO_LONG"),
        ({"page_size": -1}, "PAGE_SIZE_NEGATIVE"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_WRONG"),
    ],
)
async def test_what_is_wrong_is_refused(lasting_scheduler, fields, reason):
    assert (await refusal(changes(lasting_scheduler, **fields))).reason == reason
