"""What is in quarantine, and how it gets out."""

import json
from datetime import UTC, datetime

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import NotFound, WrongState
from libs.rpc.times import timestamp

AT = datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC)
PATH = "/api/quarantine/q-1/replay"


class QuarantinedNotFound(NotFound):
    """It is gone."""

    reason = "QUARANTINED_NOT_FOUND"


class QuarantinedCut(WrongState):
    """Its end is lost."""

    reason = "QUARANTINED_CUT"


@pytest.fixture
def kept(street):
    """Puts a body into quarantine; the replay of it is accepted."""

    def keep(body, workflow_id="wf-1", key=""):
        delivery = pb.QuarantinedDelivery(quarantine_id="q-1", workflow_id=workflow_id)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        street.ingestion.answers(
            "GetQuarantined",
            pb.GetQuarantinedResponse(delivery=delivery, body=raw, idempotency_key=key),
        )
        result = pb.RecordResult(outcome=pb.RecordResult.OUTCOME_ACCEPTED, execution_id="e-1")
        street.ingestion.answers("ReplayQuarantined", pb.ReplayQuarantinedResponse(result=result))
        return street.ingestion

    return keep


async def test_what_is_in_quarantine(street, client):
    street.ingestion.answers(
        "ListQuarantined",
        pb.ListQuarantinedResponse(
            deliveries=[
                pb.QuarantinedDelivery(
                    quarantine_id="q", location_id="l", workflow_id="wf-1", reason="STATUS_MISSING",
                    received_at=timestamp(AT), redacted_body='{"email": "…"}', body_size=70_000,
                    truncated=True,
                )
            ]
        ),
    )  # fmt: skip

    answer = await client.get("/api/quarantine")

    (item,) = answer.body["items"]
    assert (item["quarantine_id"], item["reason"]) == ("q", "STATUS_MISSING")
    assert (item["body_size"], item["truncated"]) == (70_000, True)


async def test_a_corrected_status_makes_it_an_execution(kept, client, location_id):
    ingestion = kept({"status": "done", "workflow": {"name": "Welcome"}, "errorMessage": "no"})

    answer = await client.post(PATH, {"status": "failed"})

    assert answer.status == 200
    assert (answer.body["status"], answer.body["execution_id"]) == ("accepted", "e-1")
    asked = ingestion.last("GetQuarantined")
    assert (asked.location_id, asked.quarantine_id) == (location_id, "q-1")
    replayed = ingestion.last("ReplayQuarantined")
    assert replayed.quarantine_id == "q-1"
    assert replayed.execution == pb.Execution(
        location_id=location_id,
        workflow_id="wf-1",
        workflow_name="Welcome",
        status=pb.EXECUTION_STATUS_FAILED,
        error_message="no",
        source=pb.EXECUTION_SOURCE_WEBHOOK,
    )


async def test_every_correction_stands_before_what_the_body_says(kept, client):
    sent = {
        "status": "success", "workflowName": "a", "failed_action_id": "a", "errorMessage": "a",
        "failedActionName": "a", "executionTimeMs": 1, "runId": "a", "executedAt": "2026-01-01",
    }  # fmt: skip
    corrected = {
        "status": "partial", "workflow_id": "wf-2", "workflowName": "b", "failedActionId": "b",
        "errorMessage": "b", "failedActionName": "b", "executionTimeMs": 2, "runId": "b",
        "executedAt": "2026-03-01T09:30:15.250Z",
    }  # fmt: skip
    ingestion = kept(sent)

    await client.post(PATH, corrected)

    found = ingestion.last("ReplayQuarantined").execution
    assert (found.workflow_id, found.workflow_name, found.run_id) == ("wf-2", "b", "b")
    assert (found.failed_action_id, found.failed_action_name) == ("b", "b")
    assert (found.error_message, found.execution_time_ms) == ("b", 2)
    assert found.status == pb.EXECUTION_STATUS_PARTIAL
    assert found.executed_at == timestamp(AT)


@pytest.mark.parametrize(("body", "key"), [({}, "k-1"), ({"runId": "r-1"}, "r-1")])
async def test_the_key_it_came_with_makes_its_repetition_count_once(kept, client, body, key):
    ingestion = kept(body, key="k-1")
    await client.post(PATH, {"status": "failed"})
    assert ingestion.last("ReplayQuarantined").execution.idempotency_key == key


async def test_without_corrections_the_parser_of_today_reads_it(kept, client):
    ingestion = kept({"customData": {"status": "Success"}})
    assert (await client.post(PATH)).status == 200
    assert ingestion.last("ReplayQuarantined").execution.status == pb.EXECUTION_STATUS_SUCCESS


@pytest.mark.parametrize(
    ("body", "corrected"),
    [({"status": "started"}, {"runId": "r"}), ({"runId": "r"}, {"status": "started"})],
)
async def test_a_run_that_began_can_be_corrected_too(kept, client, body, corrected):
    ingestion = kept(body)
    assert (await client.post(PATH, corrected)).status == 200
    found = ingestion.last("ReplayQuarantined").execution
    assert (found.status, found.run_id) == (pb.EXECUTION_STATUS_STARTED, "r")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"status": "done"}, "STATUS_UNKNOWN"),
        ({}, "STATUS_MISSING"),
        (b"status=failed", "BODY_NOT_JSON"),
        (b"", "BODY_EMPTY"),
        (b"[]", "BODY_NOT_OBJECT"),
    ],
)
async def test_what_still_cannot_be_read_stays(kept, client, body, reason):
    ingestion = kept(body)
    answer = await client.post(PATH)
    assert (answer.status, answer.body["reason"]) == (400, reason)
    assert not ingestion.asked["ReplayQuarantined"]


@pytest.mark.parametrize("body", [b"status=failed", b"", b"[1]", b"\xff" * 100])
async def test_a_correction_may_say_all_there_is(kept, client, body):
    ingestion = kept(body)
    assert (await client.post(PATH, {"status": "failed"})).status == 200
    assert ingestion.last("ReplayQuarantined").execution.status == pb.EXECUTION_STATUS_FAILED


@pytest.mark.parametrize(
    ("problem", "status"), [(QuarantinedNotFound(), 404), (QuarantinedCut(), 400)]
)
async def test_what_cannot_be_replayed_says_why(street, client, problem, status):
    street.ingestion.answers("GetQuarantined", problem)
    answer = await client.post(PATH, {"status": "failed"})
    assert (answer.status, answer.body["reason"]) == (status, problem.reason)


@pytest.mark.parametrize("body", [{"status": "done"}, {"colour": "red"}, {"executionTimeMs": "1"}])
async def test_a_wrong_correction_is_refused_before_anything_is_asked(kept, client, body):
    ingestion = kept({})
    assert (await client.post(PATH, body)).status == 400
    assert not ingestion.asked


async def test_a_replay_is_in_the_audit_log(kept, client, agency, location_id):
    kept({"status": "success"})
    await client.post(PATH)
    entries = (await agency.get("/api/audit", limit="500")).body["items"]
    mine = [each for each in entries if each["location_id"] == location_id]
    assert [(each["action"], each["subject"]) for each in mine] == [("quarantine.replayed", "q-1")]


async def test_a_delivery_that_named_no_workflow_needs_one(kept, client):
    ingestion = kept({"status": "success"}, workflow_id="unknown")
    answer = await client.post(PATH)
    assert (answer.status, answer.body["reason"]) == (400, "WORKFLOW_MISSING")
    await client.post(PATH, {"workflowId": "wf-7"})
    assert ingestion.last("ReplayQuarantined").execution.workflow_id == "wf-7"


async def test_a_key_that_only_reads_replays_nothing(kept, reader):
    ingestion = kept({"status": "success"})
    assert (await reader.post(PATH)).status == 403
    assert not ingestion.asked
