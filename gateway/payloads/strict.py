"""Executions out of requests that say exactly what they mean: every wrong field is named."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.payloads import keys, problems
from gateway.payloads.fields import Fields
from gateway.payloads.lenient import LONGEST_ID, LONGEST_NAME, LONGEST_TIME_MS, STATUSES
from gateway.payloads.moments import moment
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp

LONGEST_REFERENCE = 64
LONGEST_MESSAGE = 1024 * 1024


def execution(
    sent: Mapping[str, Any], workflow_id: str | None, header_key: str | None
) -> pb.Execution:
    """Gives the execution that an object tells of; the path's workflow may stand for the body's.

    Raises one problem that names every wrong field.
    """
    fields = Fields(sent)
    run_id = fields.text("run_id", LONGEST_ID) or fields.text("execution_id", LONGEST_ID)
    read = pb.Execution(
        status=_status(fields),
        location_id=fields.text("location_id", LONGEST_REFERENCE),
        workflow_id=_workflow_id(fields, workflow_id),
        workflow_name=fields.text("workflow_name", LONGEST_NAME),
        failed_action_id=fields.text("failed_action_id", LONGEST_ID),
        failed_action_name=fields.text("failed_action_name", LONGEST_NAME),
        error_message=fields.text("error_message", LONGEST_MESSAGE),
        execution_time_ms=_milliseconds(fields),
        executed_at=timestamp(_executed_at(fields)),
        run_id=run_id,
        idempotency_key=keys.chosen([run_id, fields.text("webhook_id", LONGEST_ID), header_key]),
        source=pb.EXECUTION_SOURCE_GRPC,
        contact_id=fields.text("contact_id", LONGEST_ID),
    )
    fields.check()
    return read


def _status(fields: Fields) -> pb.ExecutionStatus.ValueType:
    given = fields.value("status")
    if given is None:
        fields.refuse(problems.StatusMissing, "status", "The field is required.")
    elif not isinstance(given, str) or given not in STATUSES:
        fields.refuse(problems.StatusUnknown, "status")
    else:
        return STATUSES[given]
    return pb.EXECUTION_STATUS_UNSPECIFIED


def _workflow_id(fields: Fields, in_path: str | None) -> str:
    in_body = fields.text("workflow_id", LONGEST_REFERENCE)
    if in_path and in_body and in_path != in_body:
        fields.refuse(problems.WorkflowDiffers, "workflow_id")
    if not (in_path or in_body) and not fields.value("workflow_id"):
        fields.refuse(problems.WorkflowMissing, "workflow_id")
    return in_path or in_body


def _milliseconds(fields: Fields) -> int | None:
    given = fields.value("execution_time_ms")
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= LONGEST_TIME_MS:
        fields.refuse(problems.ExecutionTimeOutOfRange, "execution_time_ms")
        return None
    return given


def _executed_at(fields: Fields) -> datetime | None:
    given = fields.value("executed_at")
    if given is None:
        return None
    at = moment(given)
    if at is None:
        fields.refuse(
            problems.FieldMalformed,
            "executed_at",
            "The field must be a time such as 2026-03-01T09:00:00Z, or seconds since 1970.",
        )
    return at
