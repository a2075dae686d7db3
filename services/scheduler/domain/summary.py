"""What a completed scan says as a whole."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from services.scheduler.domain.comparison import Comparison
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.result import WorkflowResult, lowest_first

MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WorkflowScore:
    """The score of one workflow; `None` when it was not assessed."""

    workflow_id: str
    workflow_name: str
    score: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """What a completed scan says as a whole."""

    text: str
    score: int | None
    critical_count: int
    warning_count: int
    info_count: int
    new_count: int
    fixed_count: int
    known_count: int
    compared_with_scan_id: str
    worst_workflows: tuple[WorkflowScore, ...]
    checks_run: int
    checks_total: int


def summarized(
    results: Sequence[WorkflowResult], comparison: Comparison, *, compared_with_scan_id: str
) -> ScanSummary:
    """Gives the summary; `compared_with_scan_id` is empty for a first scan."""
    counts = Counter(finding.severity for result in results for finding in result.findings)
    changes = comparison if compared_with_scan_id else None
    score = location_score(results)
    checks_run = sum(len(result.assessed_rule_ids) for result in results)
    return ScanSummary(
        text=f"{_found(len(results), counts)}{_changed(changes)}. {_scored(score)}.",
        score=score,
        critical_count=counts[Severity.CRITICAL],
        warning_count=counts[Severity.WARNING],
        info_count=counts[Severity.INFO],
        new_count=len(comparison.new),
        fixed_count=len(comparison.fixed),
        known_count=len(comparison.known),
        compared_with_scan_id=compared_with_scan_id,
        worst_workflows=_worst(results),
        checks_run=checks_run,
        checks_total=checks_run + sum(len(result.not_assessed) for result in results),
    )


def location_score(results: Sequence[WorkflowResult]) -> int | None:
    """Gives the run-weighted mean of the scores; none when no workflow has one.

    A scored workflow that rested for 7 days weighs as one run, not as nothing.
    """
    scored = [
        (result.score.value, max(result.runs, 1))
        for result in results
        if result.score.value is not None
    ]
    runs = sum(weight for _, weight in scored)
    return round(sum(score * weight for score, weight in scored) / runs) if scored else None


def _worst(results: Sequence[WorkflowResult]) -> tuple[WorkflowScore, ...]:
    scored = (result for result in lowest_first(results) if result.score.value is not None)
    return tuple(
        WorkflowScore(result.workflow_id, result.workflow_name, result.score.value)
        for result in islice(scored, MOST_SHOWN)
    )


def _found(workflows: int, counts: Counter[Severity]) -> str:
    findings = ", ".join(
        phrase
        for phrase in (
            f"{counts[Severity.CRITICAL]} critical" if counts[Severity.CRITICAL] else "",
            _counted(counts[Severity.WARNING], "warning") if counts[Severity.WARNING] else "",
            f"{counts[Severity.INFO]} info" if counts[Severity.INFO] else "",
        )
        if phrase
    )
    return f"{_counted(workflows, 'workflow')} scanned: {findings or 'nothing found'}"


def _changed(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    new, fixed, known = (len(part) for part in (comparison.new, comparison.fixed, comparison.known))
    return f"; {new} new, {fixed} fixed, {known} known" if new or fixed or known else ""


def _scored(score: int | None) -> str:
    return "No score: too few runs" if score is None else f"Score {score}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
