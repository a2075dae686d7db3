"""Rules on how often the runs of a workflow fail."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice, takewhile

from services.scheduler.domain.evidence import (
    Evidence,
    ExecutionStatus,
    LocationEvidence,
    RunCounts,
    RunHistory,
    RunOutcome,
    WorkflowEvidence,
)
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import (
    MOST_EXECUTIONS,
    Lacks,
    Sighting,
    rule,
    runs_of,
)

FEWEST_RUNS = 5
FEWEST_FAILURES = 2
RATE_TO_WARN = 0.10
RATE_CRITICAL = 0.50
FULL_WEIGHT = 10
MOST_POINTS = 90
STREAK = 5
STREAK_OF_A_DAY = 3
WINDOW = 10
RISE = 2


@rule(
    "GHL401",
    "High failure rate",
    severity=Severity.CRITICAL,
    penalty=MOST_POINTS,
    needs={Evidence.RUNS},
    remedy="Open the step that fails most, repair it, and run the affected contacts again.",
    counts_as=Severity.CRITICAL,
    basis="Its share of failed runs is what a workflow costs the people who rely on it.",
)
def high_failure_rate(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """10 % or more of at least 5 runs of the last 7 days failed, a partial run counted as half.

    And more than one: a single failure is bad luck, whatever its share. Failures that are no fault
    of the workflow do not count. Critical from 50 %. Takes the share in points, weighed down below
    10 runs.
    """
    history = runs_of(workflow)
    runs = history.last_7_days
    if runs.total < FEWEST_RUNS:
        raise Lacks(f"{FEWEST_RUNS} runs within 7 days; there were {runs.total}")
    rate = (runs.at_fault + 0.5 * runs.partial) / runs.total
    if rate >= RATE_TO_WARN and runs.at_fault + runs.partial >= FEWEST_FAILURES:
        partial = f" and {runs.partial} ended partial (counted as half)" if runs.partial else ""
        yield Sighting(
            evidence=f"{runs.at_fault} of the {runs.total} runs of the last 7 days failed{partial}: "
            f"{rate:.1%}.{_left_out(runs)}",
            severity=Severity.CRITICAL if rate >= RATE_CRITICAL else Severity.WARNING,
            penalty=min(MOST_POINTS, round(100 * rate * min(1, runs.total / FULL_WEIGHT))),
            execution_ids=_newest(each for each in _last_7_days(history) if _went_wrong(each)),
        )


@rule(
    "GHL402",
    "Consecutive failures",
    severity=Severity.CRITICAL,
    penalty=55,
    needs={Evidence.RUNS},
    remedy="Treat it as an outage: repair the failing step now, or unpublish the workflow.",
    basis="Failures without a success between them are no bad luck: every next contact fails too.",
)
def consecutive_failures(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """The last 5 runs all failed, or all runs of the last 24 hours did, at least 3.

    Runs that failed for expected reasons (unsubscribed, do not disturb) are passed over.
    """
    history = runs_of(workflow)
    runs = tuple(run for run in history.fresh_runs if not run.expected)
    day = history.last_24_hours
    that_day = day.total - day.expected
    if len(runs) < STREAK and that_day < STREAK_OF_A_DAY:
        raise Lacks(f"{STREAK} runs within 30 days, or {STREAK_OF_A_DAY} within 24 hours")
    streak = tuple(takewhile(_failed, runs))
    if len(streak) >= STREAK:
        since = f"{streak[-1].executed_at:%Y-%m-%d %H:%M} UTC"
        evidence = f"The last {len(streak)} runs all failed, from {since} on."
    elif that_day >= STREAK_OF_A_DAY and day.at_fault == that_day:
        evidence = f"All {that_day} runs of the last 24 hours failed."
    else:
        return
    yield Sighting(evidence=evidence, execution_ids=_newest(streak))


@rule(
    "GHL403",
    "Failures are rising",
    severity=Severity.WARNING,
    penalty=10,
    needs={Evidence.RUNS},
    remedy="Look for what changed between them: an edit, a token, a domain, a number.",
    basis="A rise shows in the newest runs before it shows in the rate of a week.",
)
def failures_rising(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """Of the newest 10 runs at least 2 more failed than of the 10 before: 20 points."""
    runs = runs_of(workflow).fresh_runs
    if len(runs) < 2 * WINDOW:
        raise Lacks(f"{2 * WINDOW} runs within 30 days; there were {len(runs)}")
    newest = tuple(filter(_failed, runs[:WINDOW]))
    before = tuple(filter(_failed, runs[WINDOW : 2 * WINDOW]))
    if len(newest) - len(before) >= RISE:
        yield Sighting(
            evidence=f"{len(newest)} of the newest {WINDOW} runs failed, "
            f"{len(before)} of the {WINDOW} before.",
            execution_ids=_newest(newest),
        )


def _last_7_days(history: RunHistory) -> Iterator[RunOutcome]:
    since = history.as_of - timedelta(days=7)
    return (run for run in history.recent_runs if run.executed_at > since)


def _failed(run: RunOutcome) -> bool:
    return run.at_fault


def _went_wrong(run: RunOutcome) -> bool:
    return run.at_fault or run.status is ExecutionStatus.PARTIAL


def _left_out(runs: RunCounts) -> str:
    if not runs.expected:
        return ""
    return f" {runs.expected} more failed as expected (unsubscribed, do not disturb)."


def _newest(runs: Iterable[RunOutcome]) -> tuple[str, ...]:
    return tuple(run.execution_id for run in islice(runs, MOST_EXECUTIONS))
