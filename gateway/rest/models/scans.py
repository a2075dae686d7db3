"""Scans and what they found."""

from typing import Annotated, Literal

from pydantic import AwareDatetime

from gateway.rest.models.schedules import ScanScope
from gateway.rest.models.shapes import Answer, words
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

StatusWord = Literal["queued", "running", "completed", "failed", "cancelled", "missed", "skipped"]
SeverityWord = Literal["critical", "warning", "info"]
ScanStatus = Annotated[str, words(pb.ScanStatus.DESCRIPTOR)]
Severity = Annotated[str, words(pb.Severity.DESCRIPTOR)]


class WorkflowScore(Answer):
    """The health score of one workflow."""

    workflow_id: str
    workflow_name: str | None
    score: int | None
    """0 to 100; null when it was not assessed."""


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
    fixed_count: int
    """Findings of the last completed scan that are gone."""
    known_count: int
    compared_with_scan_id: str | None
    worst_workflows: list[WorkflowScore]
    checks_run: int
    checks_total: int


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
    """Why it failed, was missed or skipped."""
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


class RequestedScan(Answer):
    """The scan that was asked for."""

    scan_id: str
    status: ScanStatus | None
    already_running: bool
    """Whether the location was already being scanned, or waited for it."""
    scan: Scan | None


class Finding(Answer):
    """Something wrong with one workflow."""

    finding_id: str
    scan_id: str
    workflow_id: str
    workflow_name: str | None
    rule_id: str
    title: str
    severity: Severity
    penalty: float
    """The points it takes, before caps, ceiling and floor."""
    occurrences: int
    evidence: str | None
    remedy: str | None
    fingerprint: str
    state: Annotated[str, words(pb.FindingState.DESCRIPTOR)]
    """new, or open when the scan before had it too."""
    first_seen_at: AwareDatetime | None
    execution_ids: list[str]


class Deduction(Answer):
    """One line of a score's arithmetic."""

    label: str
    rule_id: str | None
    points: float


class NotAssessed(Answer):
    """A rule that could not run."""

    rule_id: str
    lacks: str


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
