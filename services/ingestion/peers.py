"""The notifier, as ingestion sees it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.contracts.notifier.v1 import notifier_pb2_grpc as rpc
from libs.db.outbox import OutboxEvent, Refusal
from libs.paging import LARGEST_PAGE_SIZE
from libs.rpc.client import telling_problems
from libs.rpc.times import datetime_from, timestamp
from services.ingestion.domain.change import WorkflowChange
from services.ingestion.domain.events import (
    ContactForgotten,
    FinishedAgain,
    NeverFinished,
    RecordingGap,
    RecordingGapOver,
    WorkflowFailing,
    WorkflowRecovered,
    event_from,
)
from services.ingestion.domain.threshold import Threshold, ToldThreshold

REPORT_SECONDS = 5.0
ASK_SECONDS = 2.0
NEVER = datetime.fromtimestamp(0, UTC)
"""When the defaults changed last: they carry no time, and the newest answer holds."""


class NotifierUnavailable(problems.Unavailable):
    """The notifier does not answer; what it must be told waits in the outbox."""

    reason = "NOTIFIER_UNAVAILABLE"


class NotifierPeer:
    """What ingestion tells the notifier, and what it asks."""

    def __init__(self, stub: rpc.NotifierServiceStub) -> None:
        self._stub = stub

    async def report(self, events: Sequence[OutboxEvent]) -> Sequence[Refusal]:
        """Tells events; gives those the notifier will never take."""
        request = pb.ReportEventsRequest(events=[_message(each) for each in events])
        with _telling_problems():
            response = await self._stub.ReportEvents(request, timeout=REPORT_SECONDS)
        return [
            Refusal(event.event_id, f"{result.reason}: {result.message}")
            for event, result in zip(events, response.results, strict=True)
            if result.outcome == pb.EventResult.OUTCOME_REJECTED
        ]

    async def thresholds(
        self, *, changed_since: datetime | None
    ) -> AsyncIterator[list[ToldThreshold]]:
        """Gives the thresholds changed at or after a time, page by page, and the defaults."""
        request = pb.ListEffectiveSettingsRequest(
            changed_since=timestamp(changed_since), page_size=LARGEST_PAGE_SIZE
        )
        while True:
            with _telling_problems():
                response = await self._stub.ListEffectiveSettings(request, timeout=ASK_SECONDS)
            yield [_threshold(each) for each in (response.defaults, *response.settings)]
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token


@contextmanager
def _telling_problems() -> Iterator[None]:
    """Turns "no answer in time" into "away": calls wait for a peer that is not there."""
    try:
        with telling_problems():
            yield
    except (problems.OutOfTime, problems.Unavailable) as problem:
        raise NotifierUnavailable from problem


def _threshold(settings: pb.EffectiveSettings) -> ToldThreshold:
    changed = settings.HasField("updated_at")
    return ToldThreshold(
        settings.location_id,
        settings.workflow_id,
        Threshold(settings.failure_threshold, settings.time_window_hours, settings.enabled),
        datetime_from(settings.updated_at, "updated_at") if changed else NEVER,
    )


def _message(event: OutboxEvent) -> pb.Event:
    told = event_from(event.kind, event.payload)
    message = pb.Event(
        event_id=event.event_id,
        location_id=told.location_id,
        occurred_at=timestamp(told.occurred_at),
    )
    match told:
        case WorkflowFailing():
            message.workflow_failing.CopyFrom(_failing(told))
        case WorkflowRecovered():
            message.workflow_recovered.CopyFrom(_recovered(told))
        case NeverFinished():
            message.never_finished.CopyFrom(_never_finished(told))
        case FinishedAgain():
            message.finished_again.workflow_id = told.workflow_id
            message.finished_again.workflow_name = told.workflow_name
        case RecordingGap():
            message.recording_gap.CopyFrom(_gap(told))
        case RecordingGapOver():
            message.recording_gap_over.CopyFrom(_gap_over(told))
        case ContactForgotten():
            message.contact_forgotten.execution_ids.extend(told.execution_ids)
            message.contact_forgotten.run_ids.extend(told.run_ids)
    return message


def _failing(event: WorkflowFailing) -> pb.WorkflowFailing:
    return pb.WorkflowFailing(
        workflow_id=event.workflow_id,
        workflow_name=event.workflow_name,
        new_failures=event.new_failures,
        failure_count=event.failure_count,
        failure_threshold=event.failure_threshold,
        time_window_hours=event.time_window_hours,
        first_failure_at=timestamp(event.first_failure_at),
        last_failure_at=timestamp(event.last_failure_at),
        failed_action_name=event.failed_action_name,
        error_message=event.error_message,
        error_class=event.error_class,
        error_fingerprint=event.error_fingerprint,
        execution_ids=event.execution_ids,
        last_change=_change(event.last_change) if event.last_change else None,
        first_failure_since_change_at=timestamp(event.first_since_change),
    )


def _change(change: WorkflowChange) -> pb.WorkflowChange:
    return pb.WorkflowChange(
        changed_at=timestamp(change.changed_at),
        version=change.version,
        previous_version=change.previous_version,
        status=change.status,
        previous_status=change.previous_status,
        name=change.name,
        previous_name=change.previous_name,
    )


def _recovered(event: WorkflowRecovered) -> pb.WorkflowRecovered:
    return pb.WorkflowRecovered(
        workflow_id=event.workflow_id,
        workflow_name=event.workflow_name,
        recovered_at=timestamp(event.recovered_at),
    )


def _never_finished(event: NeverFinished) -> pb.NeverFinished:
    return pb.NeverFinished(
        workflow_id=event.workflow_id,
        workflow_name=event.workflow_name,
        new_runs=event.new_runs,
        oldest_started_at=timestamp(event.oldest_started_at),
        run_ids=event.run_ids,
    )


def _gap(event: RecordingGap) -> pb.RecordingGap:
    return pb.RecordingGap(
        gap_id=event.gap_id, start=timestamp(event.start), end=timestamp(event.end)
    )


def _gap_over(event: RecordingGapOver) -> pb.RecordingGapOver:
    return pb.RecordingGapOver(
        gap_id=event.gap_id,
        start=timestamp(event.start),
        end=timestamp(event.end),
        execution_count=event.execution_count,
    )
