"""Whatever is sent, the door makes an execution of it or says why not."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.payloads import read_leniently
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest

OURS = {
    "status": "partial",
    "workflowName": "Lead flow",
    "failedActionId": "a7",
    "failedActionName": "Send SMS",
    "errorMessage": "30034",
    "executionTimeMs": 1200,
    "runId": "r-1",
}


def item(body, workflow_id="wf", key=None):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    (reading,) = read_leniently(text, workflow_id, key).items
    return reading


def read(body, **more):
    content = item(body, **more).content
    assert isinstance(content, pb.Execution), content
    return content


def refused(body, **more):
    content = item(body, **more).content
    assert isinstance(content, InvalidRequest), content
    return content.reason


def nested(levels):
    return b'{"status": "failed", "x": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_the_64th_level_is_read_and_the_65th_is_not():
    assert read(nested(64)).status == pb.EXECUTION_STATUS_FAILED
    assert refused(nested(65)) == "BODY_TOO_DEEP"
    assert refused(nested(900)) == "BODY_TOO_DEEP"
    assert refused(nested(500_000)) == "BODY_TOO_DEEP"


def test_ten_thousand_fields_are_read_and_one_more_is_not():
    fields = {"status": "failed"} | {str(number): {} for number in range(9_999)}

    assert read(fields).status == pb.EXECUTION_STATUS_FAILED
    assert refused(fields | {"x": 1}) == "BODY_TOO_WIDE"


def test_a_bad_item_of_an_array_hurts_only_itself():
    deep = json.loads(nested(70))
    body = json.dumps([OURS, 7, deep, [OURS], OURS]).encode()

    contents = [each.content for each in read_leniently(body, "wf", None).items]

    assert [getattr(each, "reason", "read") for each in contents] == [
        "read",
        "BODY_NOT_OBJECT",
        "BODY_TOO_DEEP",
        "BODY_NOT_OBJECT",
        "read",
    ]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
our_fields = st.sampled_from(
    [
        *OURS,
        "executedAt",
        "executed_at",
        "webhookId",
        "customData",
        "workflow",
        "location",
        "id",
        "name",
        "locationId",
    ]
)
nearly_ours = st.recursive(
    anything | st.sampled_from(["failed", "{{x}}", "1200", "2026-03-01T09:00:00Z", "\ud800"]),
    lambda inner: st.dictionaries(our_fields, inner) | st.lists(inner),
    max_leaves=30,
)


@given(nearly_ours, st.text() | st.none(), st.text() | st.none())
def test_whatever_json_comes_is_an_execution_or_a_reason_and_can_be_sent(value, workflow_id, key):
    for reading in read_leniently(json.dumps(value).encode(), workflow_id, key).items:
        assert reading.body()
        if isinstance(reading.content, pb.Execution):
            reading.content.SerializeToString()
            assert len(reading.content.idempotency_key) <= 200
            assert 1 <= len(reading.content.workflow_id) <= 64
            assert reading.content.status
        else:
            assert reading.content.reason


@given(st.binary())
def test_whatever_bytes_come_are_an_execution_or_a_reason(body):
    for reading in read_leniently(body, "wf", None).items:
        assert isinstance(reading.content, pb.Execution | InvalidRequest)
