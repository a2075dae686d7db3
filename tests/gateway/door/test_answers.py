"""What the webhook door answers, to whom, and what reaches ingestion."""

import asyncio
import io
import json

import pytest
from prometheus_client import REGISTRY

from gateway.access import Scope
from gateway.batches import BacklogFull
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.db.database import DatabaseUnavailable
from tests.support.waiting import eventually

DOOR = "/api/workflows/wf-1/executions"
MIB = 1024 * 1024
FAILED = {"status": "failed", "workflowName": "Lead flow", "errorMessage": "30034", "runId": "r1"}


@pytest.fixture
def post(http, ingest_key):
    """Posts to the door with the location's key; gives status, body and headers."""

    async def post(body=None, *, key=ingest_key, path=DOOR, headers=None, **more):
        headers = {"Authorization": f"Bearer {key}"} | (headers or {}) if key else headers
        sent = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
        async with http.post(path, headers=headers, **sent, **more) as response:
            return response.status, await response.json(content_type=None), response.headers

    return post


def told(answer, status, reason):
    """Checks that a problem was told as such; gives its document."""
    code, document, headers = answer
    assert (code, document["reason"]) == (status, reason), document
    assert headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "detail", "instance"} <= set(document)
    assert document["status"] == status
    assert document["request_id"] == headers["X-Request-Id"]
    return document


def result(outcome, **more):
    return lambda _: pb.RecordResult(outcome=outcome, **more)


async def test_a_webhook_is_accepted_after_it_was_recorded(post, ingestion, location_id):
    status, answer, headers = await post(FAILED, headers={"X-Request-Id": "req-7"})

    execution = ingestion.executions[0]
    assert (status, answer["status"]) == (200, "accepted")
    assert answer["execution_id"]
    assert (execution.location_id, execution.workflow_id) == (location_id, "wf-1")
    assert execution.workflow_name == "Lead flow"
    assert execution.source == pb.EXECUTION_SOURCE_WEBHOOK
    assert execution.idempotency_key == "r1"
    assert headers["X-Request-Id"] == "req-7"
    assert ingestion.request_ids == ["req-7"]


async def test_a_repeated_webhook_is_answered_with_the_first_id(post, ingestion):
    ingestion.answer = result(pb.RecordResult.OUTCOME_DUPLICATE, execution_id="first")

    status, answer, _ = await post(FAILED)

    assert (status, answer) == (200, {"status": "duplicate", "execution_id": "first"})


async def test_an_array_is_answered_item_by_item(post, ingestion):
    status, answer, _ = await post([FAILED, {"status": "exploded"}, {"status": "success"}])

    assert status == 200
    assert [each["status"] for each in answer["results"]] == ["accepted", "quarantined", "accepted"]
    assert answer["results"][1]["reason"] == "STATUS_UNKNOWN"
    assert json.loads(ingestion.unread[0].body) == {"status": "exploded"}
    assert len(ingestion.calls) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "BODY_EMPTY"),
        (b'{"status": "failed"', "BODY_NOT_JSON"),
        (b"status=failed", "BODY_NOT_JSON"),
        (b"\x1f\x8b\x00\xff", "BODY_NOT_JSON"),
        (b'"failed"', "BODY_NOT_OBJECT"),
        (b"[]", "BODY_EMPTY"),
        (b"[" * 100_000, "BODY_TOO_DEEP"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "BODY_TOO_DEEP"),
        (b"{}", "STATUS_MISSING"),
        (b'{"status": "exploded"}', "STATUS_UNKNOWN"),
    ],
)
async def test_what_cannot_be_read_is_kept_as_it_came(post, ingestion, location_id, body, reason):
    status, answer, _ = await post(body, headers={"Content-Type": "application/json"})

    unread = ingestion.unread[0]
    assert (status, answer["status"], answer["reason"]) == (202, "quarantined", reason)
    assert answer["quarantine_id"]
    assert answer["detail"]
    assert (unread.location_id, unread.workflow_id) == (location_id, "wf-1")
    assert (unread.reason, unread.body) == (reason, body)
    assert unread.content_type == "application/json"


async def test_what_cannot_be_read_is_kept_with_the_key_of_its_header(post, ingestion):
    exploded, key = {"status": "exploded"}, {"Idempotency-Key": "k-1"}
    await post(exploded, headers=key)
    await post(b"status=failed", headers=key)
    await post([FAILED, exploded], headers=key)
    await post(exploded, headers={"Idempotency-Key": "{{contact.id}}"})
    assert [each.idempotency_key for each in ingestion.unread] == ["k-1", "k-1", "k-1#1", ""]


async def test_what_ingestion_refuses_for_good_is_kept_in_quarantine(post, ingestion):
    def refuse_executions(item):
        if item.HasField("unread"):
            return pb.RecordResult(outcome=pb.RecordResult.OUTCOME_QUARANTINED, execution_id="kept")
        return pb.RecordResult(
            outcome=pb.RecordResult.OUTCOME_REJECTED,
            reason="EXECUTED_AT_OUT_OF_RANGE",
            field="executed_at",
            message="At most 30 days in the past.",
        )

    ingestion.answer = refuse_executions

    status, answer, _ = await post(FAILED)

    assert status == 202
    assert answer == {
        "status": "quarantined",
        "quarantine_id": "kept",
        "reason": "EXECUTED_AT_OUT_OF_RANGE",
        "detail": "At most 30 days in the past.",
    }
    assert json.loads(ingestion.unread[0].body) == FAILED


@pytest.mark.parametrize("way", ["bearer", "x-api-key", "query"])
async def test_the_key_may_come_in_three_ways(http, ingestion, ingest_key, way):
    headers = {
        "bearer": {"Authorization": f"bearer {ingest_key}"},
        "x-api-key": {"X-Api-Key": ingest_key},
        "query": {},
    }[way]
    params = {"key": ingest_key} if way == "query" else {}

    async with http.post(DOOR, json=FAILED, headers=headers, params=params) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "KEY_MISSING"),
        ("secret", "KEY_MALFORMED"),
        ("rw_ingest_00000000000000000000000000000000_000000", "KEY_MALFORMED"),
    ],
)
async def test_without_a_key_nothing_is_taken(post, ingestion, key, reason):
    answer = await post(FAILED, key=key)

    told(answer, 401, reason)
    assert answer[2]["WWW-Authenticate"]
    assert not ingestion.calls


async def test_a_key_that_may_not_ingest_is_refused(post, access, ingestion, location_id):
    secret, _ = await access.create_key(name="r", scope=Scope.WRITE, location_id=location_id)

    told(await post(FAILED, key=secret), 403, "KEY_SCOPE_TOO_NARROW")
    assert not ingestion.calls


async def test_another_location_than_the_keys_is_refused(post, ingestion):
    told(await post(FAILED, params={"location_id": "other"}), 403, "LOCATION_NOT_YOURS")
    told(await post(FAILED | {"location": {"id": "other"}}), 403, "LOCATION_NOT_YOURS")
    told(await post([FAILED, FAILED | {"location": {"id": "other"}}]), 403, "LOCATION_NOT_YOURS")
    assert not ingestion.calls


async def test_a_key_of_the_agency_names_the_location_and_creates_it(
    post, gateway, access, ingestion, location_id
):
    by_query = await post(FAILED, key=gateway.admin_key, params={"location_id": location_id})
    in_body = await post(FAILED | {"location": {"id": f"{location_id}-b"}}, key=gateway.admin_key)

    assert (by_query[0], in_body[0]) == (200, 200)
    assert [each.location_id for each in ingestion.executions] == [location_id, f"{location_id}-b"]
    assert (await access.location(location_id)).time_zone == "UTC"
    assert (await access.location(f"{location_id}-b")).name == ""


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"body": FAILED}, "LOCATION_MISSING"),
        ({"body": b"not json"}, "LOCATION_MISSING"),
        ({"body": [FAILED | {"location": {"id": "loc-1"}}, FAILED]}, "LOCATION_MISSING"),
        ({"body": FAILED, "params": {"location_id": "a b"}}, "LOCATION_ID_WRONG"),
        ({"body": FAILED, "params": {"location_id": "x" * 65}}, "LOCATION_ID_WRONG"),
    ],
)
async def test_a_key_of_the_agency_without_a_location_is_told_to_add_one(
    post, gateway, ingestion, sent, reason
):
    answer = await post(**sent, key=gateway.admin_key)

    told(answer, 400, reason)
    assert not ingestion.calls


async def test_a_mebibyte_is_read_and_one_byte_more_is_not(post, ingestion):
    fits = b'{"status": "failed", "x": "' + b"x" * (MIB - 29) + b'"}'
    assert len(fits) == MIB

    assert (await post(fits))[0] == 200
    told(await post(fits + b" "), 413, "BODY_TOO_LARGE")
    assert len(ingestion.calls) == 1


async def test_a_body_of_unknown_length_has_the_same_limit(post):
    async def chunks():
        for _ in range(17):
            yield b" " * (MIB // 16)

    headers = {"Content-Type": "application/json"}
    told(await post(data=chunks(), headers=headers), 413, "BODY_TOO_LARGE")


async def test_an_array_of_more_than_500_is_refused_before_anything_is_kept(post, ingestion):
    told(await post([FAILED] * 501), 400, "TOO_MANY_ITEMS")
    assert not ingestion.calls


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (problems.Unavailable("away"), "NOT_RECORDED"),
        (problems.OutOfTime(), "NOT_RECORDED"),
        (DatabaseUnavailable(), "DATABASE_UNAVAILABLE"),
        (problems.TooMany(), "RATE_LIMITED"),
        (problems.Overtaken(), "CHANGED_MEANWHILE"),
        (problems.Broken("secret of a bug"), "INTERNAL"),
    ],
)
async def test_when_nothing_can_be_committed_the_sender_is_told_to_come_again(
    post, ingestion, problem, reason
):
    ingestion.problem_of = lambda _: problem

    answer = await post(FAILED)

    document = told(answer, 429, reason)
    assert int(answer[2]["Retry-After"]) >= 1
    assert "secret" not in document["detail"]


async def test_a_full_backlog_is_answered_429_at_once(post, ingestion):
    ingestion.may_answer.clear()
    waiting = [asyncio.create_task(post([FAILED] * 300)) for _ in range(2)]
    await eventually(lambda: len(ingestion.items) == 600)

    answer = await post(FAILED)
    ingestion.may_answer.set()

    told(answer, 429, BacklogFull.reason)
    assert int(answer[2]["Retry-After"]) >= 1
    assert [status for status, _, _ in await asyncio.gather(*waiting)] == [200, 200]
    assert (await post(FAILED))[0] == 200


async def test_strict_handling_names_the_wrong_field_and_keeps_nothing(post, ingestion):
    strict = {"Prefer": "respond-async, handling=strict"}
    answer = await post({"status": "failed", "executionTimeMs": "12"}, headers=strict)

    document = told(answer, 400, "EXECUTION_TIME_OUT_OF_RANGE")
    assert [each["field"] for each in document["errors"]] == ["execution_time_ms"]
    assert not ingestion.calls


async def test_strict_handling_of_an_array_rejects_only_what_is_wrong(post, ingestion):
    strict = {"Prefer": "handling=strict"}
    status, answer, _ = await post([{"status": "failed"}, {"status": "x"}], headers=strict)

    assert status == 200
    accepted, rejected = answer["results"]
    assert accepted["status"] == "accepted"
    assert (rejected["status"], rejected["reason"]) == ("rejected", "STATUS_UNKNOWN")
    assert rejected["errors"][0]["field"] == "status"
    assert len(ingestion.items) == 1


async def test_strict_handling_tells_what_ingestion_refused(post, ingestion):
    ingestion.answer = result(
        pb.RecordResult.OUTCOME_REJECTED,
        reason="EXECUTED_AT_OUT_OF_RANGE",
        field="executed_at",
        message="At most 30 days in the past.",
    )

    answer = await post({"status": "failed"}, headers={"Prefer": "handling=strict"})

    assert told(answer, 400, "EXECUTED_AT_OUT_OF_RANGE")["errors"][0]["field"] == "executed_at"
    assert len(ingestion.items) == 1


async def test_a_path_with_an_unfilled_merge_field_gives_way_to_the_bodys_workflow(post, ingestion):
    path = "/api/workflows/%7B%7Bworkflow.id%7D%7D/executions"

    status, _, _ = await post(FAILED | {"workflow": {"id": "wf-9", "name": "Nine"}}, path=path)

    assert status == 200
    assert ingestion.executions[0].workflow_id == "wf-9"


async def test_other_methods_on_the_path_are_answered_by_the_rest_api(http, ingest_key):
    async with http.get(DOOR) as response:
        told((response.status, await response.json(), response.headers), 401, "KEY_MISSING")
    async with http.put(DOOR, json=FAILED) as response:
        assert response.status == 405


async def test_what_never_reaches_ingestion_is_counted_by_the_door(post, ingestion):
    def counted(result):
        return REGISTRY.get_sample_value("runwarden_ingest_events_total", {"result": result}) or 0

    refused, postponed = counted("refused"), counted("postponed")

    await post(FAILED, key="nonsense")
    ingestion.problem_of = lambda _: problems.Unavailable("away")
    await post(FAILED)

    assert (counted("refused"), counted("postponed")) == (refused + 1, postponed + 1)


async def test_the_time_of_each_webhook_is_measured_whatever_its_answer(post, http):
    def measured():
        return REGISTRY.get_sample_value("runwarden_door_seconds_count")

    before = measured()
    await post(FAILED)
    await post(FAILED, key="nonsense")
    async with http.get(DOOR):
        pass  # is not the door's

    assert measured() == before + 2
