"""Reads requests; refuses malformed ones by field."""

from datetime import datetime, timedelta
from typing import Protocol

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from libs import paging, problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import TimeOutOfRange, datetime_from, timedelta_from
from services.ingestion.domain.breakdown import Bucket, Scope
from services.ingestion.domain.change import WorkflowState
from services.ingestion.domain.execution import (
    ExecutedAtOutOfRange,
    ExecutionFilter,
    Report,
    Source,
    Status,
    WorkflowKey,
)
from services.ingestion.domain.open_run import RunIdMissing, RunKey, Start
from services.ingestion.domain.page import PageRequest
from services.ingestion.domain.quarantine import UnreadDelivery
from services.ingestion.domain.recording import Item, Rejection
from services.ingestion.domain.tail import Interest
from services.ingestion.domain.text import cut, storable
from services.ingestion.translate import refusals

MOST_ITEMS = 500
MOST_WORKFLOWS = 500
LONGEST_ID = 64
LONGEST_TEXT = 200
LONGEST_MESSAGE_BYTES = 8 * 1024
LONGEST_EXECUTION_MS = 365 * 24 * 60 * 60 * 1000
SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(minutes=1), timedelta(days=90)
MOST_FAILURES = 10_000
MOST_HOURS = 720
MOST_TOP = 20

STATUSES = {
    pb.EXECUTION_STATUS_SUCCESS: Status.SUCCESS,
    pb.EXECUTION_STATUS_FAILED: Status.FAILED,
    pb.EXECUTION_STATUS_PARTIAL: Status.PARTIAL,
}
SOURCES = {
    pb.EXECUTION_SOURCE_WEBHOOK: Source.WEBHOOK,
    pb.EXECUTION_SOURCE_GRPC: Source.GRPC,
    pb.EXECUTION_SOURCE_IMPORT: Source.IMPORT,
}
BUCKETS = {pb.BUCKET_HOUR: Bucket.HOUR, pb.BUCKET_DAY: Bucket.DAY}


class _Paged(Protocol):
    page_size: int
    page_token: str


class _Limited(Protocol):
    page_size: int


_Windowed = (
    pb.ListRecentFailuresRequest
    | pb.GetWorkflowMetricsRequest
    | pb.ListErrorGroupsRequest
    | pb.ListFailingStepsRequest
    | pb.GetExecutionTimelineRequest
    | pb.BatchGetWorkflowMetricsRequest
    | pb.BacktestThresholdRequest
)
_Scoped = pb.ListErrorGroupsRequest | pb.ListFailingStepsRequest | pb.GetExecutionTimelineRequest
_Bucketed = pb.ListErrorGroupsRequest | pb.GetExecutionTimelineRequest


def items_from(
    request: pb.RecordExecutionsRequest | pb.RecordBatchesRequest,
) -> list[Item]:
    """Reads a batch; an item that is malformed becomes its rejection."""
    if not request.items:
        raise refusals.NoItems.at("items")
    if len(request.items) > MOST_ITEMS:
        raise refusals.TooManyItems.at("items")
    return [_item_from(each) for each in request.items]


def filter_from(
    request: pb.ListExecutionsRequest | pb.ExportExecutionsRequest,
) -> ExecutionFilter:
    """Reads which executions are wanted."""
    return ExecutionFilter(
        location_id=location_from(request),
        workflow_id=storable(request.workflow_id),
        failed_action_id=storable(request.failed_action_id),
        failed_action_name=storable(request.failed_action_name),
        error_class=storable(request.error_class),
        error_fingerprint=storable(request.error_fingerprint),
        error_text=_limited(request, "error_text", LONGEST_TEXT),
        contact_id=_limited(request, "contact_id", LONGEST_TEXT),
        statuses=tuple(sorted(_statuses_from(request))),
        executed_from=_moment_of(request, "executed_from"),
        executed_before=_moment_of(request, "executed_before"),
    )


def interest_from(request: pb.WatchExecutionsRequest) -> Interest:
    """Reads what somebody wants to watch."""
    return Interest(
        location_from(request), storable(request.workflow_id), frozenset(_statuses_from(request))
    )


def page_from(request: _Paged) -> PageRequest:
    """Reads which page is wanted."""
    return PageRequest(paging.page_size(request.page_size), request.page_token)


def location_from(request: Message) -> str:
    """Reads which location it is about."""
    return _required(request, "location_id", refusals.LocationMissing)


def counted_from(request: pb.ListRecordingGapsRequest) -> str:
    """Reads whose executions are counted; nothing for those of all locations."""
    return storable(request.location_id)


def workflow_from(request: Message) -> WorkflowKey:
    """Reads which workflow of which location it is about."""
    workflow_id = _required(request, "workflow_id", refusals.WorkflowMissing)
    return WorkflowKey(location_from(request), workflow_id)


def scope_from(request: _Scoped) -> Scope:
    """Reads which location it is about, or which of its workflows."""
    return Scope(location_from(request), storable(request.workflow_id))


def bucket_from(request: _Bucketed) -> Bucket | None:
    """Reads how long the buckets shall be; None leaves the choice to us."""
    if request.bucket == pb.BUCKET_UNSPECIFIED:
        return None
    if request.bucket not in BUCKETS:
        raise refusals.BucketUnknown.at("bucket")
    return BUCKETS[request.bucket]


def most_from(request: _Limited) -> int:
    """Reads how many are wanted at most."""
    return paging.page_size(request.page_size)


def workflow_ids_from(
    request: pb.BatchGetRunHistoriesRequest | pb.BatchGetWorkflowMetricsRequest,
) -> list[str]:
    """Reads which workflows it is about."""
    if len(request.workflow_ids) > MOST_WORKFLOWS:
        raise refusals.TooManyWorkflows.at("workflow_ids")
    return [storable(each) for each in request.workflow_ids]


def states_from(request: pb.ReportWorkflowsRequest) -> list[WorkflowState]:
    """Reads how workflows are."""
    if not request.workflows:
        raise refusals.NoWorkflows.at("workflows")
    if len(request.workflows) > MOST_WORKFLOWS:
        raise refusals.TooManyWorkflows.at("workflows")
    return [_state_from(each) for each in request.workflows]


def run_limit_from(request: pb.UpdateWorkflowRequest) -> tuple[WorkflowKey, int | None]:
    """Reads how many hours a run of which workflow may take; None clears it."""
    workflow = workflow_from(request.workflow)
    if not request.update_mask.paths:
        raise refusals.UpdateMaskEmpty.at("update_mask")
    for each in request.update_mask.paths:
        if each != "run_limit_hours":
            raise refusals.UpdateMaskUnknownField.at("update_mask", f"`{each}` cannot be changed.")
    if not request.workflow.HasField("run_limit_hours"):
        return workflow, None
    if not 1 <= request.workflow.run_limit_hours <= MOST_HOURS:
        raise refusals.RunLimitOutOfRange.at("workflow.run_limit_hours")
    return workflow, request.workflow.run_limit_hours


def window_from(request: _Windowed, *, default: timedelta) -> timedelta:
    """Reads how far to look back."""
    if not request.HasField("window"):
        return default
    try:
        window = timedelta_from(request.window, "window")
    except TimeOutOfRange as problem:
        raise refusals.WindowOutOfRange.at("window") from problem
    if not SHORTEST_WINDOW <= window <= LONGEST_WINDOW:
        raise refusals.WindowOutOfRange.at("window")
    return window


def top_from(request: pb.GetWorkflowMetricsRequest) -> int:
    """Reads how many of the most frequent errors and steps are wanted."""
    if not 0 <= request.top <= MOST_TOP:
        raise refusals.TopOutOfRange.at("top")
    return request.top


def trial_from(
    request: pb.CheckAlertThresholdRequest | pb.BacktestThresholdRequest,
) -> tuple[int | None, int | None]:
    """Reads the failures and hours to try instead of the settings; None where the settings hold."""
    failures = request.failure_threshold if request.HasField("failure_threshold") else None
    hours = request.time_window_hours if request.HasField("time_window_hours") else None
    if failures is not None and not 1 <= failures <= MOST_FAILURES:
        raise refusals.ThresholdOutOfRange.at("failure_threshold")
    if hours is not None and not 1 <= hours <= MOST_HOURS:
        raise refusals.WindowOutOfRange.at("time_window_hours", "Try 1 to 720 hours.")
    return failures, hours


def run_from(message: pb.Execution) -> Report | Start:
    """Reads what a caller says of a run: how it ended, or that it began."""
    began = message.status == pb.EXECUTION_STATUS_STARTED
    return _start_from(message) if began else report_from(message)


def report_from(message: pb.Execution) -> Report:
    """Reads what a caller says of a run that ended."""
    location_id, workflow_id = _recorded_workflow(message)
    if message.status not in STATUSES:
        raise refusals.StatusMissing.at("status")
    error_message = storable(message.error_message)
    kept_message = cut(error_message, LONGEST_MESSAGE_BYTES)
    return Report(
        location_id=location_id,
        workflow_id=workflow_id,
        workflow_name=_limited(message, "workflow_name", 300),
        status=STATUSES[message.status],
        failed_action_id=_limited(message, "failed_action_id", 200),
        failed_action_name=_limited(message, "failed_action_name", 300),
        error_message=kept_message,
        error_message_truncated=kept_message != error_message,
        execution_time_ms=_execution_time_from(message),
        executed_at=_executed_at_from(message),
        run_id=_limited(message, "run_id", 200),
        idempotency_key=_limited(message, "idempotency_key", 200),
        source=SOURCES.get(message.source, Source.GRPC),
        contact_id=_limited(message, "contact_id", LONGEST_TEXT),
    )


def contact_from(request: pb.ForgetContactRequest) -> str:
    """Reads which contact it is about."""
    return _required(request, "contact_id", refusals.ContactMissing, limit=LONGEST_TEXT)


def _statuses_from(
    request: pb.ListExecutionsRequest | pb.ExportExecutionsRequest | pb.WatchExecutionsRequest,
) -> set[Status]:
    if not STATUSES.keys() >= set(request.statuses):
        raise refusals.StatusUnknown.at("statuses")
    return {STATUSES[each] for each in request.statuses}


def _item_from(item: pb.RecordItem) -> Item:
    try:
        if item.HasField("unread"):
            return _unread_from(item.unread)
        return run_from(item.execution)
    except problems.InvalidRequest as problem:
        return Rejection.of(problem)


def _start_from(message: pb.Execution) -> Start:
    workflow = _recorded_workflow(message)
    return Start(
        key=RunKey(*workflow, _required(message, "run_id", RunIdMissing, limit=200)),
        workflow_name=_limited(message, "workflow_name", 300),
        started_at=_executed_at_from(message),
        source=SOURCES.get(message.source, Source.GRPC),
        contact_id=_limited(message, "contact_id", LONGEST_TEXT),
    )


def _state_from(message: pb.WorkflowState) -> WorkflowState:
    missing = refusals.WorkflowMissing
    return WorkflowState(
        workflow_id=_required(message, "workflow_id", missing, limit=LONGEST_ID),
        name=_limited(message, "name", 300),
        status=_limited(message, "status", 64),
        version=message.version if message.HasField("version") else None,
        changed_at=_moment_of(message, "changed_at"),
    )


def _unread_from(message: pb.UnreadDelivery) -> UnreadDelivery:
    location_id, workflow_id = _recorded_workflow(message)
    return UnreadDelivery(
        location_id=location_id,
        workflow_id=workflow_id,
        reason=_required(message, "reason", refusals.ReasonMissing, limit=200),
        detail=_limited(message, "detail", 1000),
        body=message.body,
        content_type=_limited(message, "content_type", 200),
        idempotency_key=_limited(message, "idempotency_key", 200),
    )


def _recorded_workflow(message: Message) -> tuple[str, str]:
    return (
        _required(message, "location_id", refusals.LocationMissing, limit=LONGEST_ID),
        _required(message, "workflow_id", refusals.WorkflowMissing, limit=LONGEST_ID),
    )


def _required(
    message: Message,
    field: str,
    missing: type[problems.InvalidRequest],
    *,
    limit: int | None = None,
) -> str:
    value = _limited(message, field, limit)
    if not value:
        raise missing.at(field)
    return value


def _limited(message: Message, field: str, limit: int | None) -> str:
    value: str = getattr(message, field)
    if not value:
        return value  # half of the fields of most runs
    if limit is not None and len(value) > limit:
        raise refusals.FieldTooLong.at(
            field, f"{field} has {len(value)} characters; send at most {limit}."
        )
    return storable(value)


def _execution_time_from(message: pb.Execution) -> int | None:
    if not message.HasField("execution_time_ms"):
        return None
    if not 0 <= message.execution_time_ms <= LONGEST_EXECUTION_MS:
        raise refusals.ExecutionTimeOutOfRange.at("execution_time_ms")
    return message.execution_time_ms


def _executed_at_from(message: pb.Execution) -> datetime | None:
    try:
        return _moment_of(message, "executed_at")
    except TimeOutOfRange as problem:
        raise ExecutedAtOutOfRange.at("executed_at") from problem


def _moment_of(message: Message, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    moment: Timestamp = getattr(message, field)
    return datetime_from(moment, field)
