import pytest

from gateway.access import Scope
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import Unavailable

FAILED = {"workflowId": "wf-1", "status": "failed", "errorMessage": "no number", "runId": "r-1"}


def accepting(request):
    results = [
        pb.RecordResult(outcome=pb.RecordResult.OUTCOME_ACCEPTED, execution_id=f"e-{n}")
        for n, _ in enumerate(request.items)
    ]
    return pb.RecordBatchesResponse(results=results)


@pytest.fixture
async def sender(gateway, location_id):
    return await gateway.client(Scope.INGEST, location_id)


@pytest.fixture
def ingestion(street):
    street.ingestion.answers("RecordBatches", accepting)
    return street.ingestion


@pytest.mark.parametrize(
    "wrap", [lambda one: one, lambda one: [one], lambda one: {"executions": [one]}]
)
async def test_an_execution_is_recorded(ingestion, sender, location_id, wrap):
    answer = await sender.post("/api/executions", wrap(FAILED))

    assert answer.status == 200
    assert answer.body == {
        "results": [
            {
                "status": "accepted",
                "execution_id": "e-0",
                "quarantine_id": None,
                "reason": None,
                "detail": None,
                "errors": [],
            }
        ]
    }
    (item,) = ingestion.last("RecordBatches").items
    assert item.execution.location_id == location_id
    assert item.execution.workflow_id == "wf-1"
    assert item.execution.status == pb.EXECUTION_STATUS_FAILED
    assert item.execution.idempotency_key == "r-1"


async def test_a_wrong_item_hurts_only_itself(ingestion, sender):
    foreign = FAILED | {"locationId": "loc-other"}
    wrong = {"workflowId": "wf-1", "status": "exploded", "executionTimeMs": -1}

    answer = await sender.post("/api/executions", [wrong, FAILED, foreign])

    assert answer.status == 200
    first, second, third = answer.body["results"]
    assert (first["status"], first["reason"]) == ("rejected", "STATUS_UNKNOWN")
    assert {each["field"] for each in first["errors"]} == {"status", "execution_time_ms"}
    assert (second["status"], second["execution_id"]) == ("accepted", "e-0")
    assert (third["status"], third["reason"]) == ("rejected", "LOCATION_NOT_YOURS")


async def test_what_ingestion_says_of_an_item_is_told(street, sender):
    results = [
        pb.RecordResult(outcome=pb.RecordResult.OUTCOME_DUPLICATE, execution_id="e-7"),
        pb.RecordResult(
            outcome=pb.RecordResult.OUTCOME_REJECTED,
            reason="EXECUTED_AT_OUT_OF_RANGE",
            field="executed_at",
            message="At most 30 days ago.",
        ),
    ]
    street.ingestion.answers("RecordBatches", pb.RecordBatchesResponse(results=results))

    answer = await sender.post("/api/executions", [FAILED, FAILED])

    assert [each["status"] for each in answer.body["results"]] == ["duplicate", "rejected"]
    assert answer.body["results"][0]["execution_id"] == "e-7"
    assert answer.body["results"][1]["errors"] == [
        {"field": "executed_at", "message": "At most 30 days ago."}
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"status": "failed"}, "WORKFLOW_MISSING"),
        ({"workflowId": "wf-1"}, "STATUS_MISSING"),
        (FAILED | {"colour": "red"}, "UNKNOWN_FIELD"),
        (FAILED | {"locationId": "loc-other"}, "LOCATION_NOT_YOURS"),
        ([FAILED] * 501, "TOO_MANY_ITEMS"),
        ([], "BODY_EMPTY"),
        ("text", "BODY_NOT_OBJECT"),
    ],
)
async def test_a_body_that_cannot_be_recorded(ingestion, sender, body, reason):
    answer = await sender.post("/api/executions", body)

    assert answer.body["reason"] == reason
    assert answer.status == (403 if reason == "LOCATION_NOT_YOURS" else 400)
    assert not ingestion.asked


async def test_the_location_of_an_agencys_items_is_in_each_or_in_the_query(ingestion, agency):
    here = FAILED | {"locationId": "loc-a"}

    missing = await agency.post("/api/executions", FAILED)
    both = await agency.post("/api/executions", [here, FAILED], location_id="loc-b")

    assert (missing.status, missing.body["reason"]) == (400, "LOCATION_MISSING")
    assert both.status == 200
    asked = ingestion.last("RecordBatches").items
    assert [each.execution.location_id for each in asked] == ["loc-a", "loc-b"]
    known = (await agency.get("/api/locations", limit="500")).body["items"]
    assert {"loc-a", "loc-b"} <= {each["location_id"] for each in known}


async def test_the_header_makes_a_repetition_count_once(ingestion, sender):
    anonymous = {"workflowId": "wf-1", "status": "success"}

    await sender.with_headers(Idempotency_Key="batch-1").post("/api/executions", [anonymous] * 2)

    keys = [each.execution.idempotency_key for each in ingestion.last("RecordBatches").items]
    assert len(set(keys)) == 2
    assert all(each.startswith("batch-1") for each in keys)


GHL = {"workflow": {"id": "wf-1"}, "customData": {"status": "Failed", "executionTimeMs": "1200"}}


@pytest.fixture
def lenient(sender):
    return sender.with_headers(Prefer='respond-async, handling="lenient"')


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: {"executions": [one]}])
async def test_who_prefers_it_is_read_as_the_door_reads(ingestion, lenient, location_id, wrap):
    answer = await lenient.post("/api/executions", wrap(GHL | {"surprise": 1}))

    assert answer.status == 200
    (result,) = answer.body["results"]
    assert (result["status"], result["execution_id"]) == ("accepted", "e-0")
    execution = ingestion.last("RecordBatches").items[0].execution
    assert (execution.location_id, execution.workflow_id) == (location_id, "wf-1")
    assert (execution.status, execution.execution_time_ms) == (pb.EXECUTION_STATUS_FAILED, 1200)


async def test_what_cannot_be_read_leniently_is_kept_in_quarantine(street, lenient):
    def quarantining(request):
        outcomes = [
            pb.RecordResult.OUTCOME_QUARANTINED
            if item.HasField("unread")
            else pb.RecordResult.OUTCOME_ACCEPTED
            for item in request.items
        ]
        results = [pb.RecordResult(outcome=each, execution_id="q-1") for each in outcomes]
        return pb.RecordBatchesResponse(results=results)

    street.ingestion.answers("RecordBatches", quarantining)
    wrong = {"workflowId": "wf-1", "status": "exploded"}

    alone = await lenient.post("/api/executions", wrong)
    among = await lenient.post("/api/executions", [wrong, GHL])

    assert (alone.status, among.status) == (202, 200)
    for each in (alone.body["results"][0], among.body["results"][0]):
        assert (each["status"], each["quarantine_id"]) == ("quarantined", "q-1")
        assert (each["execution_id"], each["reason"]) == (None, "STATUS_UNKNOWN")
    assert among.body["results"][1]["status"] == "accepted"
    unread = street.ingestion.last("RecordBatches").items[0].unread
    assert (unread.workflow_id, unread.content_type) == ("wf-1", "application/json")


@pytest.mark.parametrize("prefer", ["handling=strict", "handling=lenientish", "x-handling=lenient"])
async def test_nothing_else_makes_it_lenient(ingestion, sender, prefer):
    answer = await sender.with_headers(Prefer=prefer).post("/api/executions", GHL)
    assert answer.status == 400
    assert not ingestion.asked


async def test_keys_that_only_read_record_nothing(ingestion, reader):
    answer = await reader.post("/api/executions", FAILED)

    assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")
    assert not ingestion.asked


async def test_what_was_not_stored_is_not_acknowledged(street, sender):
    class DatabaseUnavailable(Unavailable):
        """The database does not answer."""

        reason = "DATABASE_UNAVAILABLE"

    street.ingestion.answers("RecordBatches", DatabaseUnavailable())

    answer = await sender.post("/api/executions", FAILED)

    assert (answer.status, answer.body["reason"]) == (503, "DATABASE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) >= 1
