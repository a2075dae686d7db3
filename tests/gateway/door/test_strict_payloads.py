"""What a caller is told who asked to be taken at the word."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.payloads import read_strictly
from gateway.payloads.problems import TooManyItems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest
from libs.rpc.times import timestamp

RIGHT = {"status": "failed", "workflowId": "wf"}
FULL = {
    "status": "failed",
    "workflow_id": "wf",
    "workflow_name": "Lead flow",
    "location_id": "loc",
    "failed_action_id": "a7",
    "failed_action_name": "Send SMS",
    "error_message": "30034",
    "execution_time_ms": 1200,
    "executed_at": "2026-03-01T09:00:00Z",
    "run_id": "r-1",
}


def read(body, workflow_id=None, key=None):
    return read_strictly(json.dumps(body).encode(), workflow_id, key)


def wrong(body, **more):
    with pytest.raises(InvalidRequest) as raised:
        read(body, **more)
    return raised.value


def test_every_field_is_read():
    (reading,) = read(FULL).items

    assert (reading.workflow_id, reading.location_id) == ("wf", "loc")
    assert reading.content == pb.Execution(
        status=pb.EXECUTION_STATUS_FAILED,
        workflow_id="wf",
        workflow_name="Lead flow",
        location_id="loc",
        failed_action_id="a7",
        failed_action_name="Send SMS",
        error_message="30034",
        execution_time_ms=1200,
        executed_at=timestamp(datetime(2026, 3, 1, 9, tzinfo=UTC)),
        run_id="r-1",
        idempotency_key="r-1",
        source=pb.EXECUTION_SOURCE_GRPC,
    )


def test_workflow_and_location_may_be_objects():
    body = {
        "status": "success",
        "workflow": {"id": "wf", "name": "Lead flow"},
        "location": {"id": "loc", "name": "Demo"},
    }

    (reading,) = read(body).items

    assert (reading.workflow_id, reading.location_id) == ("wf", "loc")
    assert reading.content.workflow_name == "Lead flow"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"status": None}, "status", "STATUS_MISSING"),
        ({"status": "FAILED"}, "status", "STATUS_UNKNOWN"),
        ({"status": 1}, "status", "STATUS_UNKNOWN"),
        ({"workflowId": None}, "workflow_id", "WORKFLOW_MISSING"),
        ({"workflowId": ""}, "workflow_id", "WORKFLOW_MISSING"),
        ({"workflowId": "x" * 65}, "workflow_id", "FIELD_TOO_LONG"),
        ({"workflowId": 7}, "workflow_id", "FIELD_MALFORMED"),
        ({"workflow": "wf"}, "workflow", "UNKNOWN_FIELD"),
        ({"workflow": {"id": "wf"}}, "workflow.id", "FIELD_TWICE"),
        ({"workflow_id": "wf"}, "workflow_id", "FIELD_TWICE"),
        ({"statsu": "failed"}, "statsu", "UNKNOWN_FIELD"),
        ({"customData": {}}, "customData", "UNKNOWN_FIELD"),
        ({"workflowName": "x" * 301}, "workflow_name", "FIELD_TOO_LONG"),
        ({"errorMessage": 30034}, "error_message", "FIELD_MALFORMED"),
        ({"errorMessage": "a\x00b"}, "error_message", "FIELD_MALFORMED"),
        ({"executionTimeMs": "1200"}, "execution_time_ms", "EXECUTION_TIME_OUT_OF_RANGE"),
        ({"executionTimeMs": 1.5}, "execution_time_ms", "EXECUTION_TIME_OUT_OF_RANGE"),
        ({"executionTimeMs": -1}, "execution_time_ms", "EXECUTION_TIME_OUT_OF_RANGE"),
        ({"executionTimeMs": True}, "execution_time_ms", "EXECUTION_TIME_OUT_OF_RANGE"),
        ({"executionTimeMs": 31_536_000_001}, "execution_time_ms", "EXECUTION_TIME_OUT_OF_RANGE"),
        ({"executedAt": "2026-03-01 09:00"}, "executed_at", "FIELD_MALFORMED"),
        ({"executedAt": {}}, "executed_at", "FIELD_MALFORMED"),
        ({"runId": "x" * 201}, "run_id", "FIELD_TOO_LONG"),
    ],
)
def test_a_wrong_field_is_named(change, field, reason):
    problem = wrong(RIGHT | change)

    assert problem.reason == reason
    assert [each.field for each in problem.fields] == [field]
    assert field in problem.message


def test_all_wrong_fields_are_named_at_once():
    problem = wrong({"status": "x", "errorMessage": 1, "executionTimeMs": -1})

    assert {each.field for each in problem.fields} == {
        "status",
        "workflow_id",
        "error_message",
        "execution_time_ms",
    }


def test_the_path_names_the_workflow_and_the_body_may_only_agree():
    without = {"status": "success"}

    assert read(without, workflow_id="wf").items[0].workflow_id == "wf"
    assert read(RIGHT, workflow_id="wf").items[0].workflow_id == "wf"
    assert wrong(RIGHT, workflow_id="other").reason == "WORKFLOW_DIFFERS"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "BODY_EMPTY"),
        (b"  ", "BODY_EMPTY"),
        (b"[]", "BODY_EMPTY"),
        (b'{"executions": []}', "BODY_EMPTY"),
        (b"{", "BODY_NOT_JSON"),
        (b'{"status": NaN}', "BODY_NOT_JSON"),
        (b'\xef\xbb\xbf{"status": "failed"}', "BODY_NOT_JSON"),
        (b"\xff", "BODY_NOT_JSON"),
        (b"7", "BODY_NOT_OBJECT"),
        (b"[" * 100_000, "BODY_TOO_DEEP"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "BODY_TOO_DEEP"),
    ],
)
def test_a_body_that_is_none_is_refused_as_a_whole(body, reason):
    with pytest.raises(InvalidRequest) as raised:
        read_strictly(body, "wf", None)

    assert raised.value.reason == reason


def test_of_several_each_is_read_by_itself():
    for body in ([RIGHT, {"status": "x"}, 7, RIGHT], {"executions": [RIGHT, {}, None, RIGHT]}):
        readings = read(body, key="h")

        contents = [each.content for each in readings.items]
        assert readings.several
        assert [isinstance(each, pb.Execution) for each in contents] == [True, False, False, True]
        assert [contents[place].idempotency_key for place in (0, 3)] == ["h#0", "h#3"]


def test_at_most_500_go_into_one_request():
    assert len(read([RIGHT] * 500).items) == 500
    with pytest.raises(TooManyItems):
        read([RIGHT] * 501)


@given(
    st.dictionaries(
        st.sampled_from([*FULL, "workflow", "x"]),
        st.none()
        | st.text()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.dictionaries(st.text(), st.text()),
    )
)
def test_whatever_object_comes_is_read_or_refused_with_a_field(body):
    (reading,) = read([body]).items

    if isinstance(reading.content, pb.Execution):
        reading.content.SerializeToString()
    else:
        assert reading.content.fields
