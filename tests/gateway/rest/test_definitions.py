"""Workflows as GoHighLevel shows them, their changes and definitions over REST."""

import io
import json

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.problems import InvalidRequest
from tests.gateway.rest.well import CHANGE, NOW

MIB = 1024 * 1024
BULK = "/api/workflows/definitions"
PATH = "/api/workflows/wf-1/definition"


class DefinitionWithoutSteps(InvalidRequest):
    """No steps."""

    reason = "DEFINITION_WITHOUT_STEPS"


@pytest.fixture
def uploading(street):
    def answer(request):
        return pb.UploadWorkflowDefinitionResponse(
            definition=pb.UploadedDefinition(
                workflow_id=request.workflow_id, size=len(request.content), uploaded_at=NOW
            )
        )

    street.scheduler.answers("UploadWorkflowDefinition", answer)
    return street.scheduler


@pytest.fixture
def bulk(street):
    """Takes what is sent; refuses what says so."""

    def answer(messages):
        response = pb.UploadWorkflowDefinitionsResponse()
        for each in messages:
            if each.content.startswith(b"bad"):
                response.rejected_count += 1
                response.rejected.add(number=each.number, reason="DEFINITION_NOT_JSON", message="?")
            else:
                response.accepted_count += 1
        return response

    street.scheduler.answers("UploadWorkflowDefinitions", answer)
    return street.scheduler


async def put(client, content, media_type="application/json", path=PATH):
    headers = {"Content-Type": media_type}
    return await client.call("PUT", path, data=io.BytesIO(content), headers=headers)


async def post(client, content, media_type="application/x-ndjson"):
    headers = {"Content-Type": media_type}
    return await client.call("POST", BULK, data=io.BytesIO(content), headers=headers)


async def test_a_definition_is_uploaded_as_it_is(uploading, client, location_id):
    content = json.dumps({"steps": [], "name": "ü"}).encode()

    answer = await put(client, content, "application/json; charset=utf-8")

    assert (answer.status, answer.body["size"]) == (200, len(content))
    assert answer.body["trigger_count"] is None
    asked = uploading.last("UploadWorkflowDefinition")
    assert (asked.location_id, asked.workflow_id, asked.actor) == (location_id, "wf-1", "test")
    assert asked.content == content


async def test_two_mebibytes_are_taken_and_no_more(uploading, client):
    assert (await put(client, b"x" * 2 * MIB)).status == 200
    too_large = await put(client, b"x" * (2 * MIB + 1))
    assert (too_large.status, too_large.body["reason"]) == (413, "BODY_TOO_LARGE")


async def test_what_the_service_refuses_is_told(street, client):
    street.scheduler.answers("UploadWorkflowDefinition", DefinitionWithoutSteps())

    answer = await put(client, b"{}")

    assert (answer.status, answer.body["reason"]) == (400, "DEFINITION_WITHOUT_STEPS")


async def test_an_upload_must_be_json_or_lines(uploading, bulk, client, reader):
    assert (await put(client, b"{}", "text/plain")).status == 415
    assert (await post(client, b"{}", "application/json")).status == 415
    assert (await put(reader, b"{}")).status == 403
    assert (await post(reader, b"{}")).status == 403


async def test_many_are_sent_one_a_line(bulk, client, location_id):
    answer = await post(client, b'{"id": "wf-1"}\n\n{"id": "wf-2"}\nbad\n{"id": "wf-3"}')

    assert answer.status == 200
    assert answer.body == {
        "accepted": 3,
        "unchanged": 0,
        "rejected": 1,
        "rejected_lines": [
            {"line": 4, "workflow_id": None, "reason": "DEFINITION_NOT_JSON", "detail": "?"}
        ],
    }
    sent = bulk.last("UploadWorkflowDefinitions")
    assert [each.number for each in sent] == [1, 3, 4, 5]
    assert [each.location_id for each in sent] == [location_id, "", "", ""]
    assert (sent[0].actor, sent[0].content) == ("test", b'{"id": "wf-1"}')


async def test_a_line_that_is_too_long_is_told_and_the_others_are_sent(bulk, client):
    answer = await post(client, b"x" * (2 * MIB + 1) + b"\n{}\nbad\n")

    assert answer.body["accepted"] == 1
    assert [(each["line"], each["reason"]) for each in answer.body["rejected_lines"]] == [
        (1, "RECORD_TOO_LONG"),
        (3, "DEFINITION_NOT_JSON"),
    ]
    assert "2048 KiB" in answer.body["rejected_lines"][0]["detail"]


async def test_snapshots_are_listed(street, reader, location_id):
    snapshot = pb.WorkflowSnapshot(workflow_id="wf-1", name="Welcome", status="published")
    snapshot.definitions.add(origin=pb.KeptDefinition.ORIGIN_UPLOAD, step_count=4, read_at=NOW)
    street.scheduler.answers(
        "ListWorkflowSnapshots",
        pb.ListWorkflowSnapshotsResponse(snapshots=[snapshot], next_page_token="more"),
    )

    body = (await reader.get("/api/workflows/snapshots", limit=1)).body

    assert body["next_page_token"] == "more"
    [item] = body["items"]
    assert (item["status"], item["version"], item["vanished_at"]) == ("published", None, None)
    assert item["definitions"][0]["origin"] == "upload"
    asked = street.scheduler.last("ListWorkflowSnapshots")
    assert (asked.location_id, asked.page_size) == (location_id, 1)


@pytest.mark.parametrize(
    ("path", "workflow_id"),
    [("/api/workflows/changes", ""), ("/api/workflows/wf-1/changes", "wf-1")],
)
async def test_changes_are_listed(street, reader, location_id, path, workflow_id):
    street.scheduler.answers(
        "ListWorkflowChanges", pb.ListWorkflowChangesResponse(changes=[CHANGE])
    )

    [item] = (await reader.get(path)).body["items"]

    assert (item["kind"], item["previous_version"], item["version"]) == ("changed", 23, 24)
    asked = street.scheduler.last("ListWorkflowChanges")
    assert (asked.location_id, asked.workflow_id) == (location_id, workflow_id)
