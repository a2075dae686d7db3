"""Reads the events that the other services report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from services.notifier.domain.change import WorkflowChange
from services.notifier.domain.event import (
    ConnectionExpired,
    ConnectionRemoved,
    ConnectionRestored,
    CriticalFinding,
    Detail,
    Event,
    FindingFixed,
    FinishedAgain,
    NeverFinished,
    RecordingGap,
    RecordingGapOver,
    ScanCompleted,
    ScanFailed,
    ScheduleOverdue,
    ScoreLow,
    ScoreRecovered,
    WorkflowFailing,
    WorkflowRecovered,
)
from services.notifier.domain.redaction import ContactForgotten
from services.notifier.translate import fields

MOST_EVENTS = 500
MOST_NAMED = 5
MOST_FORGOTTEN = 500


class NoEvents(problems.InvalidRequest):
    """Report at least one event."""

    reason = "NO_EVENTS"


class TooManyEvents(problems.InvalidRequest):
    """Report at most 500 events at a time."""

    reason = "TOO_MANY_EVENTS"


class EventIdMalformed(problems.InvalidRequest):
    """Give each event an event_id of its own, a UUID."""

    reason = "EVENT_ID_MALFORMED"


class GapIdMalformed(problems.InvalidRequest):
    """Give each gap a gap_id of its own, a UUID."""

    reason = "GAP_ID_MALFORMED"


class TooManyRuns(problems.InvalidRequest):
    """Name at most 500 runs of a contact in one event."""

    reason = "TOO_MANY_RUNS"


class EventKindMissing(problems.InvalidRequest):
    """Say what happened: set one of the details that this version knows."""

    reason = "EVENT_KIND_MISSING"


def check_size(request: pb.ReportEventsRequest) -> None:
    """Refuses a report that is empty or too large."""
    if not request.events:
        raise NoEvents.at("events")
    if len(request.events) > MOST_EVENTS:
        raise TooManyEvents.at("events")


@dataclass(frozen=True, slots=True)
class Told:
    """What is told in one request: what happened, and whom to forget; each with its result."""

    results: list[pb.EventResult] = field(default_factory=list)
    events: list[tuple[Event, pb.EventResult]] = field(default_factory=list)
    contacts: list[tuple[ContactForgotten, pb.EventResult]] = field(default_factory=list)

    def read(self, message: pb.Event) -> None:
        """Adds what one message tells, or why it is refused."""
        result = pb.EventResult()
        self.results.append(result)
        try:
            if message.WhichOneof("detail") == "contact_forgotten":
                self.contacts.append((_contact(message), result))
            else:
                self.events.append((event_from(message), result))
        except problems.InvalidRequest as problem:
            reject(result, problem)


def told_in(request: pb.ReportEventsRequest) -> Told:
    """Reads everything that is told in a request; refuses what cannot be read."""
    told = Told()
    for message in request.events:
        told.read(message)
    return told


def event_from(message: pb.Event) -> Event:
    """Reads one event."""
    kind = message.WhichOneof("detail")
    if kind is None:
        raise EventKindMissing.at("detail")
    return Event(
        event_id=_event_id(message.event_id),
        location_id=fields.reach(message, installation=kind in _OF_ALL),
        occurred_at=fields.moment(message, "occurred_at"),
        detail=_DETAILS[kind](getattr(message, kind)),
    )


def take(result: pb.EventResult, *, is_new: bool) -> None:
    """Writes that an event was taken in, or known before."""
    result.outcome = pb.EventResult.OUTCOME_ACCEPTED if is_new else pb.EventResult.OUTCOME_DUPLICATE


def take_all(told: Sequence[tuple[object, pb.EventResult]], news: Sequence[bool]) -> None:
    """Writes of each whether it was taken in, or known before."""
    for (_, result), is_new in zip(told, news, strict=True):
        take(result, is_new=is_new)


def reject(result: pb.EventResult, problem: problems.InvalidRequest) -> None:
    """Writes why an event is refused."""
    result.outcome = pb.EventResult.OUTCOME_REJECTED
    result.reason = problem.reason
    result.message = problem.message


def _event_id(given: str) -> str:
    return _uuid(given, EventIdMalformed, "event_id")


def _gap_id(given: str) -> str:
    return _uuid(given, GapIdMalformed, "gap_id")


def _uuid(given: str, malformed: type[problems.InvalidRequest], field: str) -> str:
    try:
        return str(UUID(given))
    except ValueError as error:
        raise malformed.at(field) from error


def _contact(message: pb.Event) -> ContactForgotten:
    told = message.contact_forgotten
    if max(len(told.execution_ids), len(told.run_ids)) > MOST_FORGOTTEN:
        raise TooManyRuns.at("contact_forgotten")
    return ContactForgotten(
        event_id=_event_id(message.event_id),
        location_id=fields.location_id(message.location_id),
        execution_ids=fields.lines(told.execution_ids, MOST_FORGOTTEN),
        run_ids=fields.lines(told.run_ids, MOST_FORGOTTEN),
    )


def _change(message: pb.WorkflowChange) -> WorkflowChange:
    before = message.previous_version if message.HasField("previous_version") else None
    return WorkflowChange(
        changed_at=fields.moment(message, "changed_at"),
        version=message.version if message.HasField("version") else None,
        previous_version=before,
        status=fields.name(message.status),
        previous_status=fields.name(message.previous_status),
        name=fields.name(message.name),
        previous_name=fields.name(message.previous_name),
    )


def _failing(message: pb.WorkflowFailing) -> WorkflowFailing:
    return WorkflowFailing(
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
        new_failures=fields.count(message.new_failures),
        failure_count=fields.count(message.failure_count),
        failure_threshold=fields.count(message.failure_threshold),
        time_window_hours=fields.count(message.time_window_hours),
        first_failure_at=fields.moment(message, "first_failure_at"),
        last_failure_at=fields.moment(message, "last_failure_at"),
        failed_action_name=fields.name(message.failed_action_name),
        error_message=fields.text(message.error_message),
        error_class=fields.name(message.error_class),
        error_fingerprint=fields.name(message.error_fingerprint),
        execution_ids=fields.lines(message.execution_ids, MOST_NAMED),
        last_change=_change(message.last_change) if message.HasField("last_change") else None,
        first_failure_since_change_at=fields.moment(message, "first_failure_since_change_at"),
    )


def _recovered(message: pb.WorkflowRecovered) -> WorkflowRecovered:
    return WorkflowRecovered(
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
        recovered_at=fields.moment(message, "recovered_at"),
    )


def _finding(message: pb.CriticalFinding) -> CriticalFinding:
    return CriticalFinding(
        scan_id=fields.name(message.scan_id),
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
        rule_id=fields.name(message.rule_id),
        title=fields.name(message.title),
        evidence=fields.text(message.evidence),
        remedy=fields.text(message.remedy),
        fingerprint=fields.name(message.fingerprint),
    )


def _score_low(message: pb.ScoreLow) -> ScoreLow:
    return ScoreLow(
        scan_id=fields.name(message.scan_id),
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
        score=fields.count(message.score),
        deductions=fields.lines(message.deductions),
    )


def _score_recovered(message: pb.ScoreRecovered) -> ScoreRecovered:
    return ScoreRecovered(
        scan_id=fields.name(message.scan_id),
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
        score=fields.count(message.score),
    )


def _scan_completed(message: pb.ScanCompleted) -> ScanCompleted:
    return ScanCompleted(
        scan_id=fields.name(message.scan_id),
        trigger=fields.name(message.trigger),
        workflows_scanned=fields.count(message.workflows_scanned),
        issues_found=fields.count(message.issues_found),
        critical_issues=fields.count(message.critical_issues),
        new_issues=fields.count(message.new_issues),
        fixed_issues=fields.count(message.fixed_issues),
        known_issues=fields.count(message.known_issues),
        score=fields.count(message.score) if message.HasField("score") else None,
        partial=message.partial,
        started_at=fields.moment(message, "started_at"),
        completed_at=fields.moment(message, "completed_at"),
        summary=fields.text(message.summary),
        worst_workflows=fields.lines(message.worst_workflows, MOST_NAMED),
    )


def _scan_failed(message: pb.ScanFailed) -> ScanFailed:
    return ScanFailed(
        scan_id=fields.name(message.scan_id),
        error=fields.text(message.error),
        attempts=fields.count(message.attempts),
    )


def _finding_fixed(message: pb.FindingFixed) -> FindingFixed:
    return FindingFixed(
        scan_id=fields.name(message.scan_id),
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
        rule_id=fields.name(message.rule_id),
        title=fields.name(message.title),
        fingerprint=fields.name(message.fingerprint),
        ignored_because=fields.text(message.ignored_because),
    )


def _never_finished(message: pb.NeverFinished) -> NeverFinished:
    return NeverFinished(
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
        new_runs=fields.count(message.new_runs),
        oldest_started_at=fields.moment(message, "oldest_started_at"),
        run_ids=fields.lines(message.run_ids, MOST_NAMED),
    )


def _finished_again(message: pb.FinishedAgain) -> FinishedAgain:
    return FinishedAgain(
        workflow_id=fields.workflow_id(message.workflow_id),
        workflow_name=fields.name(message.workflow_name),
    )


def _connection_expired(message: pb.ConnectionExpired) -> ConnectionExpired:
    return ConnectionExpired(error=fields.text(message.error))


def _connection_restored(_: pb.ConnectionRestored) -> ConnectionRestored:
    return ConnectionRestored()


def _connection_removed(message: pb.ConnectionRemoved) -> ConnectionRemoved:
    return ConnectionRemoved(removed_by=fields.name(message.removed_by))


def _schedule_overdue(message: pb.ScheduleOverdue) -> ScheduleOverdue:
    return ScheduleOverdue(
        due_at=fields.moment(message, "due_at"),
        last_scan_at=fields.moment(message, "last_scan_at"),
    )


def _recording_gap(message: pb.RecordingGap) -> RecordingGap:
    return RecordingGap(
        gap_id=_gap_id(message.gap_id),
        start=fields.moment(message, "start"),
        end=fields.moment(message, "end"),
    )


def _recording_gap_over(message: pb.RecordingGapOver) -> RecordingGapOver:
    return RecordingGapOver(
        gap_id=_gap_id(message.gap_id),
        start=fields.moment(message, "start"),
        end=fields.moment(message, "end"),
        execution_count=fields.count(message.execution_count),
    )


_OF_ALL = ("recording_gap", "recording_gap_over")
"""Kinds of the whole installation; others are of one location."""

_DETAILS: Mapping[str, Callable[[Any], Detail]] = {
    "workflow_failing": _failing,
    "workflow_recovered": _recovered,
    "critical_finding": _finding,
    "score_low": _score_low,
    "score_recovered": _score_recovered,
    "scan_completed": _scan_completed,
    "scan_failed": _scan_failed,
    "finding_fixed": _finding_fixed,
    "never_finished": _never_finished,
    "finished_again": _finished_again,
    "connection_expired": _connection_expired,
    "connection_restored": _connection_restored,
    "connection_removed": _connection_removed,
    "schedule_overdue": _schedule_overdue,
    "recording_gap": _recording_gap,
    "recording_gap_over": _recording_gap_over,
}
