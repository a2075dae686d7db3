"""Batches come in: each item gets a result of its own, and hostile input gets no further."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import (
    ACCEPTED,
    FAILED,
    PARTIAL,
    QUARANTINED,
    REJECTED,
    SUCCESS,
    a_failure,
    ago,
    an_execution,
    listed,
    record,
    refused,
)


async def test_an_execution_is_kept_as_it_was_reported(ingestion, location):
    told = an_execution(
        location,
        "wf-1",
        workflow_name="Welcome",
        status=FAILED,
        failed_action_id="step-9",
        failed_action_name="Send SMS",
        error_message="30007: Message filtered",
        execution_time_ms=1234,
        executed_at=ago(hours=2),
        run_id="run-5",
        source=pb.EXECUTION_SOURCE_WEBHOOK,
    )

    (result,) = await record(ingestion, told)
    (kept,) = await listed(ingestion, location)

    assert result.outcome == ACCEPTED
    assert kept.execution_id == result.execution_id
    assert kept.error_class == "SMS_FILTERED"
    assert len(kept.error_fingerprint) == 16
    assert kept.received_at.ToDatetime(UTC) > ago(seconds=30)
    for output_only in ("execution_id", "error_class", "error_fingerprint", "received_at"):
        kept.ClearField(output_only)
    assert kept == told


async def test_what_was_not_given_stays_empty(ingestion, location):
    before = datetime.now(UTC) - timedelta(seconds=1)
    await record(ingestion, an_execution(location, execution_id="mine", error_class="MINE"))
    (kept,) = await listed(ingestion, location)

    assert kept.executed_at == kept.received_at
    assert before < kept.executed_at.ToDatetime(UTC) < before + timedelta(seconds=10)
    assert not kept.HasField("execution_time_ms")
    assert kept.source == pb.EXECUTION_SOURCE_GRPC
    assert kept.execution_id != "mine"
    assert (kept.error_class, kept.error_message, kept.run_id) == ("", "", "")
    assert not kept.executed_at_adjusted


async def test_results_come_in_the_order_of_the_items(ingestion, location):
    unread = pb.UnreadDelivery(location_id=location, workflow_id="wf", reason="STATUS_UNKNOWN")
    request = pb.RecordExecutionsRequest(
        items=[
            pb.RecordItem(execution=an_execution(location)),
            pb.RecordItem(unread=unread),
            pb.RecordItem(),
            pb.RecordItem(execution=an_execution(location, status=PARTIAL)),
        ]
    )
    results = (await ingestion.RecordExecutions(request, timeout=5)).results

    assert [each.outcome for each in results] == [ACCEPTED, QUARANTINED, REJECTED, ACCEPTED]
    assert [each.reason for each in results] == ["", "", "LOCATION_MISSING", ""]
    recorded = {each.execution_id: each.status for each in await listed(ingestion, location)}
    assert recorded == {results[0].execution_id: SUCCESS, results[3].execution_id: PARTIAL}


async def test_one_bad_item_of_500_hurts_no_neighbour(ingestion, location):
    batch = [an_execution(location, f"wf-{number % 7}") for number in range(500)]
    batch[250].status = pb.EXECUTION_STATUS_UNSPECIFIED

    results = await record(ingestion, *batch)

    assert [each.outcome for each in results].count(ACCEPTED) == 499
    assert (results[250].outcome, results[250].reason) == (REJECTED, "STATUS_MISSING")
    assert len(await listed(ingestion, location)) == 499


async def test_a_batch_of_bad_items_only_is_answered_item_by_item(ingestion, location):
    results = await record(ingestion, an_execution(location, ""), an_execution(""))
    assert [each.reason for each in results] == ["WORKFLOW_MISSING", "LOCATION_MISSING"]


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"location_id": ""}, "LOCATION_MISSING", "location_id"),
        ({"workflow_id": ""}, "WORKFLOW_MISSING", "workflow_id"),
        ({"status": 0}, "STATUS_MISSING", "status"),
        ({"status": 99}, "STATUS_MISSING", "status"),
        ({"location_id": "x" * 65}, "FIELD_TOO_LONG", "location_id"),
        ({"workflow_id": "x" * 65}, "FIELD_TOO_LONG", "workflow_id"),
        ({"workflow_name": "x" * 301}, "FIELD_TOO_LONG", "workflow_name"),
        ({"failed_action_id": "x" * 201}, "FIELD_TOO_LONG", "failed_action_id"),
        ({"failed_action_name": "x" * 301}, "FIELD_TOO_LONG", "failed_action_name"),
        ({"run_id": "x" * 201}, "FIELD_TOO_LONG", "run_id"),
        ({"idempotency_key": "x" * 201}, "FIELD_TOO_LONG", "idempotency_key"),
        ({"execution_time_ms": -1}, "EXECUTION_TIME_OUT_OF_RANGE", "execution_time_ms"),
        (
            {"execution_time_ms": 31_536_000_001},
            "EXECUTION_TIME_OUT_OF_RANGE",
            "execution_time_ms",
        ),
        ({"execution_time_ms": 2**63 - 1}, "EXECUTION_TIME_OUT_OF_RANGE", "execution_time_ms"),
        ({"executed_at": ago(days=30, minutes=1)}, "EXECUTED_AT_OUT_OF_RANGE", "executed_at"),
        ({"executed_at": Timestamp(seconds=10**15)}, "EXECUTED_AT_OUT_OF_RANGE", "executed_at"),
        ({"executed_at": Timestamp(nanos=-5)}, "EXECUTED_AT_OUT_OF_RANGE", "executed_at"),
    ],
)
async def test_a_rejected_item_says_which_field_is_wrong_and_what_to_do(
    ingestion, location, fields, reason, field
):
    given = {"location_id": location, "workflow_id": "wf", **fields}
    (result,) = await record(ingestion, an_execution(**given))

    assert (result.outcome, result.reason, result.field) == (REJECTED, reason, field)
    assert len(result.message) > 10
    assert result.execution_id == ""
    assert await listed(ingestion, location) == []


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"location_id": ""}, "LOCATION_MISSING", "location_id"),
        ({"workflow_id": ""}, "WORKFLOW_MISSING", "workflow_id"),
        ({"reason": ""}, "REASON_MISSING", "reason"),
        ({"detail": "x" * 1001}, "FIELD_TOO_LONG", "detail"),
        ({"content_type": "x" * 201}, "FIELD_TOO_LONG", "content_type"),
    ],
)
async def test_a_rejected_delivery_says_the_same(ingestion, location, fields, reason, field):
    given = {"location_id": location, "workflow_id": "wf", "reason": "NO_STATUS", **fields}
    request = pb.RecordExecutionsRequest(items=[pb.RecordItem(unread=pb.UnreadDelivery(**given))])
    (result,) = (await ingestion.RecordExecutions(request, timeout=5)).results
    assert (result.outcome, result.reason, result.field) == (REJECTED, reason, field)


async def test_the_longest_fields_that_are_allowed_are_kept(ingestion, location):
    longest = an_execution(
        location.ljust(64, "é"),
        "ö" * 64,
        workflow_name="😀" * 300,
        failed_action_id="x" * 200,
        failed_action_name="ü" * 300,
        error_message="x" * 8192,
        execution_time_ms=31_536_000_000,
        run_id="ß" * 200,
        idempotency_key="中" * 200,
        executed_at=ago(days=29, hours=23),
        status=FAILED,
    )
    (result,) = await record(ingestion, longest)
    (kept,) = await listed(ingestion, longest.location_id)

    assert result.outcome == ACCEPTED
    assert not kept.error_message_truncated
    assert (kept.workflow_name, kept.run_id) == (longest.workflow_name, longest.run_id)
    assert kept.execution_time_ms == longest.execution_time_ms


async def test_an_empty_batch_is_refused(ingestion):
    with refused(problems.InvalidRequest, "NO_ITEMS"):
        await record(ingestion)


async def test_a_batch_of_501_items_is_refused_as_a_whole(ingestion, location):
    with refused(problems.InvalidRequest, "TOO_MANY_ITEMS"):
        await record(ingestion, *[an_execution(location)] * 501)
    assert await listed(ingestion, location) == []


async def test_a_run_in_the_future_is_set_to_now_and_says_so(ingestion, location):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    soon = datetime.now(UTC) + timedelta(minutes=4)
    await record(
        ingestion,
        an_execution(location, "tomorrow", executed_at=tomorrow),
        an_execution(location, "soon", executed_at=soon),
        an_execution(location, "far", executed_at=datetime(9999, 12, 31, tzinfo=UTC)),
    )
    kept = {each.workflow_id: each for each in await listed(ingestion, location)}

    assert kept["tomorrow"].executed_at == kept["far"].executed_at == kept["far"].received_at
    assert kept["tomorrow"].executed_at_adjusted
    assert kept["far"].executed_at_adjusted
    assert kept["soon"].executed_at.ToDatetime(UTC) == soon
    assert not kept["soon"].executed_at_adjusted


@pytest.mark.parametrize(
    ("text", "kept_as"),
    [
        ("before\0after", "before\N{REPLACEMENT CHARACTER}after"),
        ("\0", "\N{REPLACEMENT CHARACTER}"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe"),
        ("مرحبا 👩‍👩‍👧‍👦 é e\u0301", "مرحبا 👩‍👩‍👧‍👦 é e\u0301"),
        ("'; DROP TABLE execution_logs; --", "'; DROP TABLE execution_logs; --"),
        ("%s %(x)s {0} \\x00 \\u0000 :name", "%s %(x)s {0} \\x00 \\u0000 :name"),
        ("\t\r\n\x1b[31m\x7f", "\t\r\n\x1b[31m\x7f"),
        ("\uffff\U0010ffff", "\uffff\U0010ffff"),
    ],
)
async def test_any_text_is_kept_in_every_field(ingestion, location, text, kept_as):
    fields = ("workflow_name", "failed_action_id", "failed_action_name", "error_message", "run_id")
    batch = [
        a_failure(location, text, idempotency_key=text, **dict.fromkeys(fields, text)),
        an_execution(location, "neighbour"),
    ]
    results = await record(ingestion, *batch)
    kept = await listed(ingestion, location, workflow_id=text)

    assert [each.outcome for each in results] == [ACCEPTED, ACCEPTED]
    assert [each.workflow_id for each in kept] == [kept_as]
    assert [{getattr(each, field) for field in fields} for each in kept] == [{kept_as}]


@pytest.mark.parametrize("character", ["x", "é", "中", "😀"])
async def test_a_message_of_a_megabyte_is_cut_at_a_whole_character(ingestion, location, character):
    message = "." + character * (2**20 // len(character.encode()))
    await record(ingestion, a_failure(location, error_message=message))
    (kept,) = await listed(ingestion, location)

    assert kept.error_message_truncated
    assert message.startswith(kept.error_message)
    assert 8192 - 4 < len(kept.error_message.encode()) <= 8192


async def test_500_of_the_largest_executions_fit_into_one_call_each_way(ingestion, location):
    largest = a_failure(
        location,
        "😀" * 64,
        workflow_name="😀" * 300,
        failed_action_id="😀" * 200,
        failed_action_name="😀" * 300,
        error_message="😀" * 2048,
        run_id="😀" * 200,
        execution_time_ms=31_536_000_000,
        executed_at=ago(days=1),
    )
    await record(ingestion, *[largest] * 500)
    assert len(await listed(ingestion, location)) == 500


async def test_rows_of_another_location_are_never_written(ingestion, location):
    await record(ingestion, an_execution(location), an_execution(f"{location}-b"))
    assert len(await listed(ingestion, location)) == 1
    assert len(await listed(ingestion, f"{location}-b")) == 1
