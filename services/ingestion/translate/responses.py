"""Writes answers."""

from collections.abc import Sequence

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import duration, timestamp
from services.ingestion.domain.contact import Forgotten
from services.ingestion.domain.execution import Execution, Source, Status
from services.ingestion.domain.page import Page
from services.ingestion.domain.quarantine import OpenedDelivery, QuarantinedDelivery
from services.ingestion.domain.recording import Outcome, Result
from services.ingestion.domain.status import Status as IngestionStatus
from services.ingestion.domain.threshold import Tally
from services.ingestion.domain.trend import Direction, RunCounts
from services.ingestion.domain.workflow import (
    ErrorClassCount,
    Metrics,
    RunHistory,
    RunOutcome,
    WorkflowHealth,
)
from services.ingestion.translate import gaps

STATUSES = {
    Status.SUCCESS: pb.EXECUTION_STATUS_SUCCESS,
    Status.FAILED: pb.EXECUTION_STATUS_FAILED,
    Status.PARTIAL: pb.EXECUTION_STATUS_PARTIAL,
    None: pb.EXECUTION_STATUS_UNSPECIFIED,
}
SOURCES = {
    Source.WEBHOOK: pb.EXECUTION_SOURCE_WEBHOOK,
    Source.GRPC: pb.EXECUTION_SOURCE_GRPC,
    Source.IMPORT: pb.EXECUTION_SOURCE_IMPORT,
}
OUTCOMES = {
    Outcome.ACCEPTED: pb.RecordResult.OUTCOME_ACCEPTED,
    Outcome.DUPLICATE: pb.RecordResult.OUTCOME_DUPLICATE,
    Outcome.QUARANTINED: pb.RecordResult.OUTCOME_QUARANTINED,
    Outcome.REJECTED: pb.RecordResult.OUTCOME_REJECTED,
}
DIRECTIONS = {
    Direction.INCREASING: pb.FAILURE_TREND_INCREASING,
    Direction.DECREASING: pb.FAILURE_TREND_DECREASING,
    Direction.STABLE: pb.FAILURE_TREND_STABLE,
}


def recorded(results: Sequence[Result]) -> pb.RecordExecutionsResponse:
    """Writes what became of a batch."""
    response = pb.RecordExecutionsResponse()
    _fill_all(response, results)
    return response


def batch_recorded(results: Sequence[Result]) -> pb.RecordBatchesResponse:
    """Gives what became of each item of one batch of many."""
    response = pb.RecordBatchesResponse()
    _fill_all(response, results)
    return response


def executions(page: Page[Execution]) -> pb.ListExecutionsResponse:
    """Writes a page of executions."""
    return pb.ListExecutionsResponse(
        executions=[written(each) for each in page.items],
        next_page_token=page.next_page_token,
    )


def execution(found: Execution) -> pb.GetExecutionResponse:
    """Writes one execution."""
    return pb.GetExecutionResponse(execution=written(found))


def failures(page: Page[Execution]) -> pb.ListRecentFailuresResponse:
    """Writes a page of failures."""
    return pb.ListRecentFailuresResponse(
        executions=[written(each) for each in page.items],
        next_page_token=page.next_page_token,
    )


def metrics_of_many(numbers: Sequence[Metrics]) -> pb.BatchGetWorkflowMetricsResponse:
    """Writes the numbers of many workflows."""
    return pb.BatchGetWorkflowMetricsResponse(metrics=[metrics(each) for each in numbers])


def run_histories(histories: Sequence[RunHistory]) -> pb.BatchGetRunHistoriesResponse:
    """Writes the histories of many workflows."""
    return pb.BatchGetRunHistoriesResponse(histories=[_history(each) for each in histories])


def threshold_checked(tally: Tally) -> pb.CheckAlertThresholdResponse:
    """Writes a count and what it was compared with."""
    return pb.CheckAlertThresholdResponse(
        exceeded=tally.exceeded,
        failure_count=tally.failure_count,
        failure_threshold=tally.threshold.failure_threshold,
        time_window_hours=tally.threshold.time_window_hours,
        first_failure_at=timestamp(tally.first_failure_at),
        last_failure_at=timestamp(tally.last_failure_at),
        alerts_enabled=tally.threshold.alerts_enabled,
    )


def workflows(page: Page[WorkflowHealth]) -> pb.ListWorkflowsResponse:
    """Writes a page of workflows."""
    return pb.ListWorkflowsResponse(
        workflows=[workflow(each) for each in page.items],
        next_page_token=page.next_page_token,
    )


def quarantined(page: Page[QuarantinedDelivery]) -> pb.ListQuarantinedResponse:
    """Writes a page of unread deliveries."""
    return pb.ListQuarantinedResponse(
        deliveries=[_delivery(each) for each in page.items],
        next_page_token=page.next_page_token,
    )


def opened(opened: OpenedDelivery) -> pb.GetQuarantinedResponse:
    """Writes an unread delivery with its body."""
    return pb.GetQuarantinedResponse(
        delivery=_delivery(opened.delivery),
        body=opened.body,
        content_type=opened.content_type,
        idempotency_key=opened.idempotency_key,
    )


def replayed(result: Result) -> pb.ReplayQuarantinedResponse:
    """Writes what became of a replayed delivery."""
    response = pb.ReplayQuarantinedResponse()
    _fill(response.result, result)
    return response


def forgotten(forgotten: Forgotten) -> pb.ForgetContactResponse:
    """Writes how much was kept of a contact."""
    return pb.ForgetContactResponse(
        execution_count=forgotten.executions, quarantined_count=forgotten.unread_deliveries
    )


def status(status: IngestionStatus) -> pb.GetIngestionStatusResponse:
    """Writes what waits, and since when."""
    return pb.GetIngestionStatusResponse(
        outbox_count=status.outbox_count,
        outbox_oldest_age=duration(status.outbox_oldest),
        dead_letter_count=status.dead_letters,
        last_recorded_at=timestamp(status.last_recorded_at),
        open_run_count=status.open_runs,
        quarantined_count=status.unread_deliveries,
        partitions_until=timestamp(status.partitions_until),
        last_recording_gap=gaps.gap(status.last_gap) if status.last_gap else None,
    )


def _fill_all(
    response: pb.RecordExecutionsResponse | pb.RecordBatchesResponse, results: Sequence[Result]
) -> None:
    for each in results:
        _fill(response.results.add(), each)


def _fill(message: pb.RecordResult, result: Result) -> None:
    # In its place: a message that is put into another is copied.
    message.outcome = OUTCOMES[result.outcome]
    message.execution_id = result.kept_id
    if rejection := result.rejection:
        message.reason = rejection.reason
        message.field = rejection.field
        message.message = rejection.message


def written(execution: Execution) -> pb.Execution:
    """Writes an execution."""
    return pb.Execution(
        execution_id=execution.execution_id,
        location_id=execution.location_id,
        workflow_id=execution.workflow_id,
        workflow_name=execution.workflow_name,
        status=STATUSES[execution.status],
        failed_action_id=execution.failed_action_id,
        failed_action_name=execution.failed_action_name,
        error_message=execution.error_message,
        execution_time_ms=execution.execution_time_ms,
        executed_at=timestamp(execution.executed_at),
        received_at=timestamp(execution.received_at),
        run_id=execution.run_id,
        source=SOURCES[execution.source],
        error_class=execution.error_class,
        error_fingerprint=execution.error_fingerprint,
        error_message_truncated=execution.error_message_truncated,
        executed_at_adjusted=execution.executed_at_adjusted,
    )


def counts(runs: RunCounts) -> pb.RunCounts:
    """Writes the numbers of a window."""
    return pb.RunCounts(
        total=runs.total,
        succeeded=runs.succeeded,
        failed=runs.failed,
        partial=runs.partial,
        failure_rate=runs.failure_rate,
        average_execution_time_ms=runs.average_execution_time_ms,
        expected=runs.expected,
        p50_execution_time_ms=runs.execution_time_ms(0.50),
        p95_execution_time_ms=runs.execution_time_ms(0.95),
        p99_execution_time_ms=runs.execution_time_ms(0.99),
    )


def metrics(numbers: Metrics) -> pb.WorkflowMetrics:
    """Writes the numbers of a workflow."""
    return pb.WorkflowMetrics(
        location_id=numbers.workflow.location_id,
        workflow_id=numbers.workflow.workflow_id,
        workflow_name=numbers.name,
        window_start=timestamp(numbers.window_start),
        window_end=timestamp(numbers.window_end),
        current=counts(numbers.current),
        previous=counts(numbers.previous),
        failure_trend=DIRECTIONS[numbers.trend.direction],
        failure_trend_reason=numbers.trend.reason,
        last_failure_at=timestamp(numbers.last_failure_at),
        last_execution_at=timestamp(numbers.last_execution_at),
    )


def _history(history: RunHistory) -> pb.RunHistory:
    return pb.RunHistory(
        workflow_id=history.workflow_id,
        as_of=timestamp(history.as_of),
        recent_runs=[_run(each) for each in history.recent_runs],
        last_7_days=counts(history.last_7_days),
        last_24_hours=counts(history.last_24_hours),
        error_classes=[_error_class(each) for each in history.error_classes],
        last_execution_at=timestamp(history.last_execution_at),
        busy_period_runs=history.busy_period.runs,
        median_gap=duration(history.busy_period.median_gap),
        longest_gap=duration(history.busy_period.longest_gap),
        hourly_runs=history.hourly_runs,
    )


def _run(run: RunOutcome) -> pb.RunOutcome:
    return pb.RunOutcome(
        status=STATUSES[run.status],
        executed_at=timestamp(run.executed_at),
        execution_id=run.execution_id,
        expected=run.expected,
    )


def _error_class(counted: ErrorClassCount) -> pb.ErrorClassCount:
    return pb.ErrorClassCount(
        error_class=counted.error_class,
        count=counted.count,
        sample_message=counted.sample_message,
        execution_ids=counted.execution_ids,
    )


def workflow(health: WorkflowHealth) -> pb.Workflow:
    """Writes a workflow and how it has been lately."""
    workflow, change = health.workflow, health.last_change
    return pb.Workflow(
        location_id=workflow.location_id,
        workflow_id=workflow.workflow_id,
        name=workflow.name,
        first_seen_at=timestamp(workflow.first_seen_at),
        last_execution_at=timestamp(workflow.last_execution_at),
        last_status=STATUSES[workflow.last_status],
        failing=workflow.failing,
        last_24_hours=counts(health.last_24_hours),
        last_7_days=counts(health.last_7_days),
        last_failure_at=timestamp(health.last_failure_at),
        status=change.status if change else "",
        version=change.version if change else None,
        changed_at=timestamp(change.changed_at) if change else None,
        run_limit_hours=workflow.run_limit_hours,
        default_run_limit_hours=health.default_run_limit_hours,
    )


def _delivery(delivery: QuarantinedDelivery) -> pb.QuarantinedDelivery:
    return pb.QuarantinedDelivery(
        quarantine_id=delivery.quarantine_id,
        location_id=delivery.location_id,
        workflow_id=delivery.workflow_id,
        received_at=timestamp(delivery.received_at),
        reason=delivery.reason,
        detail=delivery.detail,
        redacted_body=delivery.redacted_body,
        body_size=delivery.body_size,
        truncated=delivery.truncated,
    )
