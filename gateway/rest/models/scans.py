"""Scans and what they found."""

from typing import Annotated, Literal

from pydantic import AwareDatetime

from gateway.rest.models.schedules import ScanScope
from gateway.rest.models.shapes import Answer, Body, examples, words
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

StatusWord = Literal["queued", "running", "completed", "failed", "cancelled", "missed", "skipped"]
SeverityWord = Literal["critical", "warning", "info"]
ScanStatus = Annotated[str, words(pb.ScanStatus.DESCRIPTOR)]
Severity = Annotated[str, words(pb.Severity.DESCRIPTOR)]
Grade = Annotated[str, words(pb.Grade.DESCRIPTOR)]
"""good from 90, fair from 75, needs_attention from 50, high_risk from 25, else critical."""


class WorkflowScore(Answer):
    """The health score of one workflow."""

    workflow_id: str
    workflow_name: str | None
    score: int | None
    """0 to 100; null when it was not assessed."""


class RuleCount(Answer):
    """How many findings of a scan one rule has."""

    rule_id: str
    title: str
    severity: Severity
    """The worst among its findings."""
    findings: int


class GradeCount(Answer):
    """How many workflows have one grade."""

    grade: Grade
    workflows: int


class GapCount(Answer):
    """Of how many workflows one kind of thing could not be seen."""

    id: str
    """GHL901 to GHL906."""
    title: str
    workflows: int


class ScanSummary(Answer):
    """What a completed scan says as a whole."""

    text: str | None
    score: int | None
    """0 to 100; null when nothing could be scored."""
    critical_count: int
    warning_count: int
    info_count: int
    new_count: int
    """Findings the last completed scan of the same scope did not have."""
    regressed_count: int
    """Those of the new ones that had been fixed before."""
    fixed_count: int
    """Findings of the last completed scan that are gone."""
    known_count: int
    ignored_count: int
    """Findings that somebody said to ignore; they are in no other number."""
    compared_with_scan_id: str | None
    score_before: int | None
    """The score of that scan."""
    appeared_count: int
    """Workflows that scan did not have."""
    vanished_count: int
    """Workflows that only that scan had."""
    rules: list[RuleCount]
    """Rules with findings, the most findings first."""
    grades: list[GradeCount]
    """How the scores are distributed."""
    worst_workflows: list[WorkflowScore]
    checks_run: int
    checks_total: int
    took: float | None
    """How long the scan took, in seconds."""
    ghl_calls: int
    """Calls to HighLevel that it made."""
    gaps: list[GapCount]
    """What could not be seen, by kind."""


class FailedAttempt(Answer):
    """An attempt at a scan that came to nothing."""

    attempt: int
    failed_at: AwareDatetime | None
    reason: str


class Scan(Answer):
    """One scan of a location."""

    scan_id: str
    schedule_id: str | None
    location_id: str
    status: ScanStatus
    trigger: Annotated[str, words(pb.ScanTrigger.DESCRIPTOR)]
    scan_scope: ScanScope | None
    scheduled_for: AwareDatetime | None
    reason: str | None
    """Why it waits, failed, was cancelled, missed or skipped."""
    attempt: int
    workflows_total: int
    workflows_scanned: int
    issues_found: int
    critical_issues: int
    partial: bool
    """Whether something could not be read."""
    created_at: AwareDatetime | None
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    summary: ScanSummary | None
    failed_attempts: list[FailedAttempt]
    lateness: float | None
    """Seconds after its time at which it was fired or missed; null when it was started on demand."""
    fires: int
    """Fires of the schedule it stands for: above 1 only where several were missed."""


class CancelBody(Body):
    """Why a scan is cancelled."""

    model_config = examples({"reason": "The wrong account."})

    reason: str = ""
    """Shown with the scan. At most 500 characters."""


class ScheduleChange(Answer):
    """Something that was done to a schedule."""

    kind: Annotated[str, words(pb.ScheduleChange.Kind.DESCRIPTOR)]
    changed_at: AwareDatetime | None
    actor: str | None
    reason: str | None


class Explanation(Answer):
    """What became of a fire, and why."""

    outcome: Annotated[str, words(pb.ExplainFireResponse.Outcome.DESCRIPTOR)]
    explanation: str
    scheduled_for: AwareDatetime | None
    """When the fire was due; null when none was."""
    scan: Scan | None
    """What the ledger has of it."""
    change: ScheduleChange | None
    """The change of the schedule that held then."""


class RequestedScan(Answer):
    """The scan that was asked for."""

    scan_id: str
    status: ScanStatus | None
    already_running: bool
    """Whether the location was already being scanned, or waited for it."""
    scan: Scan | None
    counts_as: AwareDatetime | None
    """The fire of the schedule it counts as; null when it counts as none."""


class Deduction(Answer):
    """One line of a score's arithmetic."""

    label: str
    rule_id: str | None
    points: float


class NotAssessed(Answer):
    """A rule that could not run."""

    rule_id: str
    lacks: str


class CoverageEntry(Answer):
    """Something that a scan could not see of a workflow."""

    id: str
    """GHL901 to GHL906."""
    title: str
    detail: str | None
    rule_ids: list[str]
    """The rules that could not judge for it."""


class WorkflowResult(Answer):
    """What a scan says of one workflow."""

    workflow: WorkflowScore
    runs: int
    """Runs of the last 7 days."""
    deductions: list[Deduction]
    """They add up to 100 − score."""
    assessed_rule_ids: list[str]
    not_assessed: list[NotAssessed]
    """The rules that could not run, and what they lacked."""
    ceiling: int | None
    """The most the score could be on this evidence."""
    ceiling_reason: str | None
    """Why that is less than 100."""
    grade: Grade | None
    coverage: list[CoverageEntry]
    """What could not be seen of the workflow, without points."""
