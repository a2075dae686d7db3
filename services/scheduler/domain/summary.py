"""What a completed scan says as a whole."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from services.scheduler.domain.comparison import Comparison
from services.scheduler.domain.finding import Finding, Severity, worst_first
from services.scheduler.domain.result import WorkflowResult, lowest_first
from services.scheduler.domain.score import grade_of

MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WorkflowScore:
    """The score of one workflow; `None` when it was not assessed."""

    workflow_id: str
    workflow_name: str
    score: int | None


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many findings of a scan one rule has."""

    rule_id: str
    title: str
    severity: Severity
    findings: int


@dataclass(frozen=True, slots=True)
class GapCount:
    """Of how many workflows one kind of thing could not be seen."""

    id: str
    title: str
    workflows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """What a completed scan says as a whole; findings that are ignored are only in their count."""

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
    regressed_count: int = 0
    """Those of the new ones that had been fixed before."""
    ignored_count: int = 0
    rules: tuple[RuleCount, ...] = ()
    """Rules with findings, the most findings first."""
    grades: Mapping[str, int] = field(default_factory=dict)
    """How many workflows have each grade."""
    score_before: int | None = None
    """The score of the scan it is compared with."""
    appeared_count: int = 0
    """Workflows that scan did not have."""
    vanished_count: int = 0
    """Workflows that only that scan had."""
    seconds: float = 0
    """How long it took."""
    ghl_calls: int = 0
    """Calls to HighLevel that it made."""
    gaps: tuple[GapCount, ...] = ()
    """What could not be seen, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The scan another one is compared with."""

    scan_id: str
    score: int | None = None
    workflow_ids: frozenset[str] = frozenset()


def summarized(
    results: Sequence[WorkflowResult],
    comparison: Comparison,
    baseline: Baseline | None = None,
    *,
    took: timedelta = timedelta(),
    ghl_calls: int = 0,
) -> ScanSummary:
    """Gives the summary; a first scan has no baseline."""
    found = [finding for result in results for finding in result.findings]
    counts = Counter(finding.severity for finding in found)
    score = location_score(results)
    checks_run = sum(len(result.assessed_rule_ids) for result in results)
    before = baseline.workflow_ids if baseline else frozenset[str]()
    now = {result.workflow_id for result in results}
    changes = _changed(comparison) if baseline else ""
    return ScanSummary(
        text=f"{_found(len(results), counts)}{changes}. {_scored(score)}.",
        score=score,
        critical_count=counts[Severity.CRITICAL],
        warning_count=counts[Severity.WARNING],
        info_count=counts[Severity.INFO],
        new_count=len(comparison.risen),
        fixed_count=len(comparison.fixed),
        known_count=len(comparison.known),
        compared_with_scan_id=baseline.scan_id if baseline else "",
        worst_workflows=_worst(results),
        checks_run=checks_run,
        checks_total=checks_run + sum(len(result.not_assessed) for result in results),
        regressed_count=len(comparison.regressed),
        ignored_count=len(comparison.ignored),
        rules=_by_rule(found),
        grades=dict(Counter(str(grade_of(result.score.value)) for result in results)),
        score_before=baseline.score if baseline else None,
        appeared_count=len(now - before) if baseline else 0,
        vanished_count=len(before - now),
        seconds=took.total_seconds(),
        ghl_calls=ghl_calls,
        gaps=_gaps(results),
    )


def _gaps(results: Iterable[WorkflowResult]) -> tuple[GapCount, ...]:
    counts = Counter((each.id, each.title) for result in results for each in result.coverage)
    return tuple(GapCount(gap, title, count) for (gap, title), count in sorted(counts.items()))


def _by_rule(findings: Sequence[Finding]) -> tuple[RuleCount, ...]:
    worst = {finding.rule_id: finding for finding in reversed(worst_first(findings))}
    counts = Counter(finding.rule_id for finding in findings)
    return tuple(
        RuleCount(rule_id, worst[rule_id].title, worst[rule_id].severity, count)
        for rule_id, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
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


def _changed(comparison: Comparison) -> str:
    parts = (comparison.risen, comparison.fixed, comparison.known)
    new, fixed, known = (len(part) for part in parts)
    back = f", {len(comparison.regressed)} of them back again" if comparison.regressed else ""
    return f"; {new} new{back}, {fixed} fixed, {known} known" if new or fixed or known else ""


def _scored(score: int | None) -> str:
    return "No score: too few runs" if score is None else f"Score {score}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
