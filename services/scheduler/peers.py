"""Ingestion and the notifier, as the scheduler sees them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2, ingestion_pb2_grpc
from libs.contracts.notifier.v1 import notifier_pb2, notifier_pb2_grpc
from libs.db.outbox import OutboxEvent, Refusal
from libs.paging import LARGEST_PAGE_SIZE
from libs.rpc.client import telling_problems
from libs.rpc.times import datetime_from, timedelta_from, timestamp
from services.scheduler.domain import events
from services.scheduler.domain.evidence import (
    ErrorClassCount,
    ExecutionStatus,
    RunCounts,
    RunHistory,
    RunOutcome,
)
from services.scheduler.domain.subject import SeenWorkflow
from services.scheduler.domain.workflow import ListedWorkflow

SECONDS = 5.0
MOST_REPORTED = 500
LONGEST_NAME, LONGEST_STATUS = 300, 64

STATUSES = {
    ingestion_pb2.EXECUTION_STATUS_SUCCESS: ExecutionStatus.SUCCESS,
    ingestion_pb2.EXECUTION_STATUS_FAILED: ExecutionStatus.FAILED,
    ingestion_pb2.EXECUTION_STATUS_PARTIAL: ExecutionStatus.PARTIAL,
}

DETAILS: Mapping[type[events.Event], type[Message]] = {
    events.CriticalFindingEvent: notifier_pb2.CriticalFinding,
    events.FindingFixed: notifier_pb2.FindingFixed,
    events.ScoreLow: notifier_pb2.ScoreLow,
    events.ScoreRecovered: notifier_pb2.ScoreRecovered,
    events.ScanCompleted: notifier_pb2.ScanCompleted,
    events.ScanFailed: notifier_pb2.ScanFailed,
    events.ConnectionExpired: notifier_pb2.ConnectionExpired,
    events.ConnectionRestored: notifier_pb2.ConnectionRestored,
    events.ConnectionRemoved: notifier_pb2.ConnectionRemoved,
    events.ScheduleOverdue: notifier_pb2.ScheduleOverdue,
}
ENVELOPE = ("location_id", "occurred_at")


class IngestionUnavailable(problems.Unavailable):
    """Ingestion does not answer, so there is nothing to judge yet."""

    reason = "INGESTION_UNAVAILABLE"


class NotifierUnavailable(problems.Unavailable):
    """The notifier does not answer; what it must be told waits in the outbox."""

    reason = "NOTIFIER_UNAVAILABLE"


class IngestionPeer:
    """What the scheduler asks ingestion."""

    def __init__(self, stub: ingestion_pb2_grpc.IngestionServiceStub) -> None:
        self._stub = stub

    async def workflows(self, location_id: str) -> list[SeenWorkflow]:
        """Gives all workflows of a location."""
        found: list[SeenWorkflow] = []
        request = ingestion_pb2.ListWorkflowsRequest(
            location_id=location_id, page_size=LARGEST_PAGE_SIZE
        )
        while True:
            with _away_as(IngestionUnavailable):
                response = await self._stub.ListWorkflows(request, timeout=SECONDS)
            found += [_seen(each) for each in response.workflows]
            if not response.next_page_token:
                return found
            request.page_token = response.next_page_token

    async def histories(self, location_id: str, workflow_ids: Sequence[str]) -> list[RunHistory]:
        """Gives what is known of the runs of at most 500 workflows, in their order."""
        request = ingestion_pb2.BatchGetRunHistoriesRequest(
            location_id=location_id, workflow_ids=workflow_ids
        )
        with _away_as(IngestionUnavailable):
            response = await self._stub.BatchGetRunHistories(request, timeout=SECONDS)
        return [_history(each) for each in response.histories]

    async def report(self, location_id: str, workflows: Sequence[ListedWorkflow]) -> None:
        """Tells how workflows are now; repeating it changes nothing."""
        for start in range(0, len(workflows), MOST_REPORTED):
            request = ingestion_pb2.ReportWorkflowsRequest(
                location_id=location_id,
                workflows=[_state(each) for each in workflows[start : start + MOST_REPORTED]],
            )
            with _away_as(IngestionUnavailable):
                await self._stub.ReportWorkflows(request, timeout=SECONDS)


class NotifierPeer:
    """What the scheduler tells the notifier."""

    def __init__(self, stub: notifier_pb2_grpc.NotifierServiceStub) -> None:
        self._stub = stub

    async def report(self, outbox: Sequence[OutboxEvent]) -> Sequence[Refusal]:
        """Tells events; gives those the notifier will never take."""
        request = notifier_pb2.ReportEventsRequest(events=[_message(each) for each in outbox])
        with _away_as(NotifierUnavailable):
            response = await self._stub.ReportEvents(request, timeout=SECONDS)
        return [
            Refusal(event.event_id, f"{result.reason}: {result.message}")
            for event, result in zip(outbox, response.results, strict=True)
            if result.outcome == notifier_pb2.EventResult.OUTCOME_REJECTED
        ]


@contextmanager
def _away_as(problem: type[problems.Unavailable]) -> Iterator[None]:
    """Turns "no answer in time" into "away": calls wait for a peer that is not there."""
    try:
        with telling_problems():
            yield
    except (problems.OutOfTime, problems.Unavailable) as error:
        raise problem from error


def _seen(workflow: ingestion_pb2.Workflow) -> SeenWorkflow:
    return SeenWorkflow(workflow.workflow_id, workflow.name, _moment(workflow, "last_execution_at"))


def _state(workflow: ListedWorkflow) -> ingestion_pb2.WorkflowState:
    return ingestion_pb2.WorkflowState(
        workflow_id=workflow.workflow_id,
        name=workflow.name[:LONGEST_NAME],
        status=workflow.status[:LONGEST_STATUS],
        version=workflow.version,
        changed_at=timestamp(workflow.updated_at),
    )


def _moment(message: Message, field: str) -> datetime | None:
    moment: Timestamp = getattr(message, field)
    return datetime_from(moment, field) if message.HasField(field) else None


def _history(history: ingestion_pb2.RunHistory) -> RunHistory:
    return RunHistory(
        workflow_id=history.workflow_id,
        as_of=datetime_from(history.as_of, "as_of"),
        recent_runs=tuple(_outcome(each) for each in history.recent_runs),
        last_7_days=_counts(history.last_7_days),
        last_24_hours=_counts(history.last_24_hours),
        error_classes=tuple(
            ErrorClassCount(
                each.error_class, each.count, each.sample_message, tuple(each.execution_ids)
            )
            for each in history.error_classes
        ),
        last_execution_at=_moment(history, "last_execution_at"),
        busy_period_runs=history.busy_period_runs,
        median_gap=_span(history, "median_gap"),
        longest_gap=_span(history, "longest_gap"),
        hourly_runs=tuple(history.hourly_runs) or None,
    )


def _outcome(run: ingestion_pb2.RunOutcome) -> RunOutcome:
    executed_at = datetime_from(run.executed_at, "executed_at")
    return RunOutcome(STATUSES[run.status], executed_at, run.execution_id, expected=run.expected)


def _span(message: Message, field: str) -> timedelta | None:
    return timedelta_from(getattr(message, field), field) if message.HasField(field) else None


def _counts(counts: ingestion_pb2.RunCounts) -> RunCounts:
    return RunCounts(counts.total, counts.succeeded, counts.failed, counts.partial, counts.expected)


def _message(event: OutboxEvent) -> notifier_pb2.Event:
    told = events.from_payload(event.kind, event.payload)
    # Events and messages have the same names throughout: one name through all rooms.
    facts = {
        each.name: _on_the_wire(getattr(told, each.name))
        for each in fields(told)
        if each.name not in ENVELOPE
    }
    message = notifier_pb2.Event(
        event_id=event.event_id,
        location_id=told.location_id,
        occurred_at=timestamp(told.occurred_at),
    )
    getattr(message, told.kind).CopyFrom(DETAILS[type(told)](**facts))
    return message


def _on_the_wire(value: object) -> object:
    return timestamp(value) if isinstance(value, datetime) else value
