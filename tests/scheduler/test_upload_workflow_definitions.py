"""Keeps the definitions of many workflows, sent one after the other."""

import json

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, refusal, scanned
from tests.scheduler.knowing import snapshots, workflow


async def upload_all(stub, *messages) -> pb.UploadWorkflowDefinitionsResponse:
    async def sent():
        for each in messages:
            yield each

    return await stub.UploadWorkflowDefinitions(sent(), timeout=30)


def one(content, workflow_id="", location="", **fields) -> pb.UploadWorkflowDefinitionsRequest:
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return pb.UploadWorkflowDefinitionsRequest(
        location_id=location, workflow_id=workflow_id, content=content, **fields
    )


async def test_each_is_kept_under_the_id_that_stands_in_it(scheduler):
    told = await upload_all(
        scheduler,
        one(workflow("wf-1"), location=LOCATION, actor="key of ops"),
        one(workflow("wf-2")),
        one(workflow("wf-2"), workflow_id="wf-3", location=LOCATION),
    )

    assert (told.accepted_count, told.unchanged_count, told.rejected_count) == (3, 0, 0)
    known = await snapshots(scheduler)
    assert [each.workflow_id for each in known] == ["wf-1", "wf-2", "wf-3"]
    assert {each.definitions[0].uploaded_by for each in known} == {"key of ops"}
    assert (await scanned(scheduler)).workflows_scanned == 3


async def test_what_is_wrong_with_one_is_told_in_its_place_and_the_others_are_kept(scheduler):
    told = await upload_all(
        scheduler,
        one(b"{", location=LOCATION),
        one(workflow("wf-2")),
        one({"steps": []}, number=40),
        one(b"[]", workflow_id="wf-4"),
    )

    assert (told.accepted_count, told.rejected_count) == (1, 3)
    assert [(each.number, each.workflow_id, each.reason) for each in told.rejected] == [
        (1, "", "DEFINITION_NOT_JSON"),
        (40, "", "WORKFLOW_MISSING"),
        (4, "wf-4", "DEFINITION_WITHOUT_STEPS"),
    ]
    assert all(each.message for each in told.rejected)


async def test_the_same_again_changes_nothing(scheduler):
    messages = [one(workflow(f"wf-{n}"), location=LOCATION) for n in range(3)]
    await upload_all(scheduler, *messages)

    told = await upload_all(scheduler, *messages)

    assert (told.accepted_count, told.unchanged_count) == (3, 3)


async def test_only_the_first_hundred_that_are_wrong_are_listed(scheduler):
    told = await upload_all(scheduler, *[one(b"{", location=LOCATION)] * 102)

    assert (told.rejected_count, len(told.rejected)) == (102, 100)


async def test_nothing_at_all_is_nothing(scheduler):
    assert (await upload_all(scheduler)).accepted_count == 0


async def test_one_stream_is_about_one_location(scheduler):
    problem = await refusal(
        upload_all(
            scheduler,
            one(workflow("wf-1"), location=LOCATION),
            one(workflow("wf-2"), location="loc-2"),
        )
    )

    assert problem.reason == "LOCATION_DIFFERS"
    assert [each.workflow_id for each in await snapshots(scheduler)] == ["wf-1"]


async def test_the_location_must_be_named(lasting_scheduler):
    problem = await refusal(upload_all(lasting_scheduler, one(workflow("wf-1"))))

    assert problem.reason == "LOCATION_MISSING"


async def test_more_than_ten_thousand_are_too_many(lasting_scheduler):
    many = [one(b"{", location=LOCATION)] * 10_001

    assert (await refusal(upload_all(lasting_scheduler, *many))).reason == "TOO_MANY_DEFINITIONS"
