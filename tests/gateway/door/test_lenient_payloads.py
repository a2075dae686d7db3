"""What the door understands of what HighLevel and people send."""

import json
from datetime import UTC, datetime

import pytest

from gateway.payloads import read_leniently
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest
from libs.rpc.times import timestamp

HIGHLEVEL = {
    "contact_id": "c1",
    "full_name": "Test Contact",
    "email": "contact@example.org",
    "phone": "+15550100",
    "tags": "a,b",
    "location": {"id": "loc1", "name": "Demo", "address": "1 Main St"},
    "workflow": {"id": "wf1", "name": "Lead flow"},
    "triggerData": {},
    "contact": {"attributionSource": {"url": "https://example.org"}},
    "customData": {
        "status": "failed",
        "failedActionId": "a7",
        "failedActionName": "Send SMS",
        "errorMessage": "30034 message blocked",
        "executionTimeMs": "1200",
        "runId": "{{contact.id}}-2026-11-23",
    },
}
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


def test_of_highlevels_own_payload_nothing_but_its_id_is_read_of_the_contact():
    reading = item(HIGHLEVEL, workflow_id="{{workflow.id}}", key="delivery-1")

    assert reading.location_id == "loc1"
    assert reading.content == pb.Execution(
        workflow_id="wf1",
        workflow_name="Lead flow",
        status=pb.EXECUTION_STATUS_FAILED,
        failed_action_id="a7",
        failed_action_name="Send SMS",
        error_message="30034 message blocked",
        execution_time_ms=1200,
        idempotency_key="delivery-1",  # the run's own id was not filled in
        source=pb.EXECUTION_SOURCE_WEBHOOK,
        contact_id="c1",
    )


def test_our_own_payload_is_read_in_camel_case_and_in_snake_case():
    snake = {
        "status": "partial",
        "workflow_name": "Lead flow",
        "failed_action_id": "a7",
        "failed_action_name": "Send SMS",
        "error_message": "30034",
        "execution_time_ms": 1200,
        "run_id": "r-1",
    }

    assert read(OURS) == read(snake) == read({"customData": OURS}) == read({"custom_data": snake})
    assert read(OURS) == pb.Execution(
        workflow_id="wf",
        workflow_name="Lead flow",
        status=pb.EXECUTION_STATUS_PARTIAL,
        failed_action_id="a7",
        failed_action_name="Send SMS",
        error_message="30034",
        execution_time_ms=1200,
        run_id="r-1",
        idempotency_key="r-1",
        source=pb.EXECUTION_SOURCE_WEBHOOK,
    )


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("success", pb.EXECUTION_STATUS_SUCCESS),
        ("FAILED", pb.EXECUTION_STATUS_FAILED),
        ("  Partial\n", pb.EXECUTION_STATUS_PARTIAL),
    ],
)
def test_a_status_is_read_in_any_case(status, meant):
    assert read({"status": status}).status == meant


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "STATUS_MISSING"),
        ({"status": None}, "STATUS_MISSING"),
        ({"status": "  "}, "STATUS_MISSING"),
        ({"status": "{{custom.status}}"}, "STATUS_MISSING"),
        ({"customData": {"status": ""}}, "STATUS_MISSING"),
        ({"customData": "status=failed"}, "STATUS_MISSING"),
        ({"status": "exploded"}, "STATUS_UNKNOWN"),
        ({"status": 1}, "STATUS_UNKNOWN"),
        ({"status": True}, "STATUS_UNKNOWN"),
        ({"status": ["failed"]}, "STATUS_UNKNOWN"),
        ({"status": {}}, "STATUS_UNKNOWN"),
    ],
)
def test_without_a_status_that_means_something_there_is_no_execution(body, reason):
    assert refused(body) == reason


def test_a_status_of_something_else_at_the_root_does_not_hide_ours():
    # HighLevel's opportunities bring their own.
    assert read({"status": "open", "customData": {"status": "failed"}}).status == (
        pb.EXECUTION_STATUS_FAILED
    )


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (1200, 1200),
        ("1200", 1200),
        (" 1200 ", 1200),
        ("1200.4", 1200),
        (1200.6, 1201),
        ("1.2e3", 1200),
        (0, 0),
        (31_536_000_000, 31_536_000_000),
        (31_536_000_001, None),
        (-1, None),
        ("-1", None),
        ("", None),
        ("fast", None),
        ("NaN", None),
        ("inf", None),
        ("1_200", None),
        ("١٢٠٠", None),
        (True, None),
        (None, None),
        ([1200], None),
        ("9" * 400, None),
    ],
)
def test_a_time_that_cannot_be_read_is_left_out(given, meant):
    execution = read({"status": "success", "executionTimeMs": given})

    assert (execution.execution_time_ms if execution.HasField("execution_time_ms") else None) == (
        meant
    )


@pytest.mark.parametrize("number", [b"NaN", b"1e400", b"-Infinity", b"9" * 1000, b"-1e400"])
def test_numbers_that_json_or_a_double_does_not_know_do_not_lose_the_run(number):
    execution = read(b'{"status": "failed", "executionTimeMs": ' + number + b"}")

    assert execution.status == pb.EXECUTION_STATUS_FAILED
    assert not execution.HasField("execution_time_ms")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'\xef\xbb\xbf{"status": "failed", "errorMessage": "x"}', "x"),
        (b'{"status": "failed", "errorMessage": "two\nlines"}', "two\nlines"),
        (b'{"status": "failed", "errorMessage": "caf\xe9"}', "caf\ufffd"),
        (b'{"status": "failed", "errorMessage": "a\\u0000b"}', "ab"),
        (b'{"status": "failed", "errorMessage": "a\\ud800b"}', "a?b"),
        (b'{"status": "failed", "errorMessage": 30034}', "30034"),
        (b'{"status": "failed", "errorMessage": {"code": 30034}}', '{"code": 30034}'),
        (b'{"status": "failed", "errorMessage": "{{error.message}}"}', ""),
        (b'{"status": "failed", "errorMessage": "no {{name}} in it"}', "no {{name}} in it"),
        (b'{"status": "failed", "errorMessage": null}', ""),
    ],
)
def test_a_message_is_kept_as_well_as_it_can_be(body, message):
    assert read(body).error_message == message


def test_texts_that_are_too_long_are_cut_and_not_refused():
    execution = read(
        {
            "status": "failed",
            "workflowName": "n" * 1_000,
            "failedActionId": "i" * 1_000,
            "failedActionName": "a" * 1_000,
            "errorMessage": "m" * 100_000,
            "runId": "r" * 1_000,
        }
    )

    lengths = [
        len(each)
        for each in (
            execution.workflow_name,
            execution.failed_action_id,
            execution.failed_action_name,
            execution.run_id,
        )
    ]
    assert lengths == [300, 200, 300, 200]
    # Ingestion cuts at 8 KiB and must see that there was more.
    assert 8 * 1024 < len(execution.error_message) < 10 * 1024


@pytest.mark.parametrize(
    ("fields", "header", "key"),
    [
        ({}, None, ""),
        ({}, "h", "h"),
        ({"runId": "r", "executionId": "e", "webhookId": "w"}, "h", "r"),
        ({"executionId": "e", "webhookId": "w"}, "h", "e"),
        ({"webhookId": "w"}, "h", "w"),
        ({"runId": "", "webhook_id": 7}, "h", "7"),
        ({"runId": "{{contact.id}}", "executionId": "e"}, None, "e"),
        ({"runId": "{{contact.id}}-1"}, None, ""),
        ({}, "{{contact.id}}", ""),
        ({"runId": True}, None, ""),
    ],
)
def test_the_key_of_a_repetition_is_the_runs_before_the_deliverys(fields, header, key):
    assert read({"status": "failed"} | fields, key=header).idempotency_key == key


def test_long_keys_that_differ_only_at_the_end_stay_different():
    keys = {
        read({"status": "failed", "runId": "r" * 500 + end}).idempotency_key for end in ("a", "b")
    }

    assert len(keys) == 2
    assert all(len(key) <= 200 for key in keys)


def test_in_an_array_the_header_is_a_key_of_its_own_for_each_place():
    body = json.dumps(
        [{"status": "failed"}, {"status": "failed"}, {"status": "failed", "runId": 5}]
    )

    readings = read_leniently(body.encode(), "wf", "h")

    assert readings.several
    assert [each.content.idempotency_key for each in readings.items] == ["h#0", "h#1", "5"]


@pytest.mark.parametrize(
    "given",
    [
        "2026-03-01T09:00:00Z",
        "2026-03-01T10:00:00+01:00",
        "2026-03-01T09:00:00.000Z",
        1772355600,
        "1772355600",
        1772355600000,
        "1772355600000",
        1772355600.0,
    ],
)
def test_a_moment_is_read_from_rfc_3339_seconds_and_milliseconds(given):
    execution = read({"status": "success", "executedAt": given})

    assert execution.executed_at == timestamp(datetime(2026, 3, 1, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    "given",
    [
        "2026-03-01T09:00:00",  # whose nine o'clock?
        "yesterday",
        "",
        "{{now}}",
        True,
        None,
        {},
        10**400,
        "9" * 400,
        "1e999",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_moment_that_cannot_be_read_is_left_out(given):
    assert not read({"status": "success", "executedAt": given}).HasField("executed_at")


@pytest.mark.parametrize(
    ("in_path", "body", "workflow_id"),
    [
        ("wf", {"workflow": {"id": "other"}}, "wf"),
        ("{{workflow.id}}", {"workflow": {"id": "wf1"}}, "wf1"),
        ("x" * 65, {"workflowId": "wf1"}, "wf1"),
        (" ", {"customData": {"workflow_id": "wf1"}}, "wf1"),
        ("\x00", {"workflow_id": 7}, "7"),
    ],
)
def test_the_workflow_is_the_paths_or_else_the_bodys(in_path, body, workflow_id):
    assert read({"status": "failed"} | body, workflow_id=in_path).workflow_id == workflow_id


@pytest.mark.parametrize("in_path", ["x" * 65, "{{workflow.id}}", "\n"])
def test_a_delivery_of_no_workflow_keeps_its_place_in_quarantine(in_path):
    reading = item({"status": "failed"}, workflow_id=in_path)

    assert reading.content.reason == "WORKFLOW_ID_WRONG"
    assert reading.workflow_id == "unknown"


@pytest.mark.parametrize(
    ("body", "location_id"),
    [
        ({"location": {"id": "loc1"}}, "loc1"),
        ({"locationId": "loc1"}, "loc1"),
        ({"customData": {"location_id": "loc1"}}, "loc1"),
        ({"location": "Berlin"}, None),
        ({"location": {"id": "{{location.id}}"}}, None),
        ({"location": {"id": None}}, None),
    ],
)
def test_the_location_is_told_even_when_the_rest_cannot_be_read(body, location_id):
    assert item(body).location_id == location_id


@pytest.mark.parametrize(
    "said",
    [{"contactId": "c1"}, {"customData": {"contact_id": "c1"}}, {"contact": {"id": " c1 "}}],
)
def test_the_contact_may_stand_in_three_places(said):
    assert read({"status": "failed", **said}).contact_id == "c1"


@pytest.mark.parametrize("said", [{}, {"contactId": "{{contact.id}}"}, {"contact": "c1"}])
def test_without_a_contact_there_is_none(said):
    assert read({"status": "failed", **said}).contact_id == ""
