"""Writes what a window was taken apart into."""

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp
from services.ingestion.domain.backtest import Episode, Trial
from services.ingestion.domain.breakdown import (
    Bucket,
    ErrorGroup,
    ErrorGroups,
    FailingStep,
    FailingSteps,
    Timeline,
)
from services.ingestion.domain.workflow import Metrics
from services.ingestion.translate import gaps, responses

BUCKETS = {Bucket.HOUR: pb.BUCKET_HOUR, Bucket.DAY: pb.BUCKET_DAY}
MOST_EPISODES = 100


def metrics(numbers: Metrics) -> pb.GetWorkflowMetricsResponse:
    """Writes the numbers of a workflow, and what failed most."""
    return pb.GetWorkflowMetricsResponse(
        metrics=responses.metrics(numbers),
        top_errors=[_group(each) for each in numbers.top_errors],
        top_failing_steps=[_step(each) for each in numbers.top_failing_steps],
        recording_gaps=[gaps.gap(each) for each in numbers.gaps],
    )


def error_groups(found: ErrorGroups) -> pb.ListErrorGroupsResponse:
    """Writes kinds of errors."""
    return pb.ListErrorGroupsResponse(
        groups=[_group(each) for each in found.groups],
        group_count=found.group_count,
        window_start=timestamp(found.windows.start),
        window_end=timestamp(found.windows.end),
        bucket=BUCKETS[found.bucket],
    )


def failing_steps(found: FailingSteps) -> pb.ListFailingStepsResponse:
    """Writes steps at which runs failed."""
    return pb.ListFailingStepsResponse(
        steps=[_step(each) for each in found.steps],
        step_count=found.step_count,
        window_start=timestamp(found.windows.start),
        window_end=timestamp(found.windows.end),
    )


def timeline(found: Timeline) -> pb.GetExecutionTimelineResponse:
    """Writes the runs of a window, bucket by bucket."""
    return pb.GetExecutionTimelineResponse(
        buckets=[
            pb.TimelineBucket(
                start=timestamp(start),
                succeeded=runs.succeeded,
                failed=runs.failed,
                partial=runs.partial,
            )
            for start, runs in found.buckets
        ],
        bucket=BUCKETS[found.bucket],
        window_start=timestamp(found.windows.start),
        window_end=timestamp(found.windows.end),
        current=responses.counts(found.current),
        previous=responses.counts(found.previous),
    )


def backtest(trial: Trial) -> pb.BacktestThresholdResponse:
    """Writes the alerts that there would have been."""
    return pb.BacktestThresholdResponse(
        alert_count=len(trial.episodes),
        alerts=[_alert(each) for each in trial.episodes[-MOST_EPISODES:]],
        failure_count=trial.failure_count,
        failure_threshold=trial.threshold.failure_threshold,
        time_window_hours=trial.threshold.time_window_hours,
        window_start=timestamp(trial.start),
        window_end=timestamp(trial.end),
    )


def _group(group: ErrorGroup) -> pb.ErrorGroup:
    return pb.ErrorGroup(
        error_class=group.error_class,
        error_fingerprint=group.fingerprint,
        sample_message=group.sample_message,
        failed_action_name=group.failed_action_name,
        count=group.recurrence.count,
        previous_count=group.recurrence.previous_count,
        first_seen_at=timestamp(group.recurrence.first_seen_at),
        last_seen_at=timestamp(group.recurrence.last_seen_at),
        buckets=[pb.CountBucket(start=timestamp(at), count=count) for at, count in group.buckets],
        workflow_count=group.workflow_count,
        workflow_ids=group.workflow_ids,
        execution_ids=group.execution_ids,
        expected=group.expected,
        contact_count=group.contact_count,
    )


def _step(step: FailingStep) -> pb.FailingStep:
    return pb.FailingStep(
        workflow_id=step.workflow_id,
        failed_action_id=step.failed_action_id,
        failed_action_name=step.failed_action_name,
        count=step.recurrence.count,
        previous_count=step.recurrence.previous_count,
        first_seen_at=timestamp(step.recurrence.first_seen_at),
        last_seen_at=timestamp(step.recurrence.last_seen_at),
        error_class=step.error_class,
    )


def _alert(episode: Episode) -> pb.BacktestAlert:
    return pb.BacktestAlert(
        opened_at=timestamp(episode.opened_at),
        recovered_at=timestamp(episode.recovered_at),
        failure_count=episode.failure_count,
    )
