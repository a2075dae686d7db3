"""Rules on whether a workflow runs at all."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from services.scheduler.domain.definition.vocabulary import SELDOM_TRIGGERS
from services.scheduler.domain.evidence import (
    ACTIVE_WITHIN,
    Evidence,
    LocationEvidence,
    RunHistory,
    WorkflowEvidence,
)
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import Gap, Lacks, Sighting, rule, runs_of

BUSY = 10
SETTLED = timedelta(days=7)
REPORTING_STEPS = frozenset({"webhook", "custom_webhook"})
SHORTEST_SILENCE = timedelta(hours=24)
MEDIAN_GAPS = 4
LONGER = 1.5
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@rule(
    "GHL103",
    "Published but never ran",
    severity=Severity.WARNING,
    penalty=12,
    needs={Evidence.METADATA, Evidence.RUNS},
    remedy="Try its trigger and filters with a test contact, or unpublish it if nobody needs it.",
    consults={Evidence.DEFINITION},
    basis="A trigger that never matches leaves no trace in HighLevel: no log, no error.",
)
def never_ran(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """Published for more than 7 days without a run in 30, while other workflows report theirs.

    Only where its runs would be known: it reported one before, or has a Webhook step, or its step
    logs are read. Workflows that start by date or by error, or were busy before, are left out.
    """
    history = runs_of(workflow)
    if workflow.published is not True or workflow.ran_lately or history.busy_period_runs >= BUSY:
        return
    _check_that_it_would_show(workflow, location)
    if _rests_naturally(workflow) or not _settled(workflow, history):
        return
    last = history.last_execution_at
    since = f"last ran on {last:%Y-%m-%d}" if last else "has never run"
    yield Sighting(
        evidence=f"It is published and {since}, while {location.reporting_workflows} other "
        f"workflows of the location ran in the last {ACTIVE_WITHIN.days} days."
    )


@rule(
    "GHL104",
    "Busy workflow went silent",
    severity=Severity.WARNING,
    penalty=18,
    needs={Evidence.RUNS},
    remedy="Check that whatever starts it (form, ad, calendar, integration) is still connected.",
    consults={Evidence.METADATA, Evidence.DEFINITION},
    basis="When a source breaks, nothing fails: the workflow just stops being started.",
)
def went_silent(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """An active workflow with 10 runs or more in 14 days has not run since for a long time.

    Long is 24 hours, 4 median gaps, and half as long again as the longest pause it made before.
    The 14 days end with its last run.
    """
    history = runs_of(workflow)
    if not workflow.active:
        return
    if workflow.parsed is not None and workflow.parsed.settings.pauses_on_dates:
        raise Lacks("the dates on which it pauses")
    last, gap = history.last_execution_at, history.median_gap
    if last is None or gap is None or history.busy_period_runs < BUSY:
        raise Lacks(f"{BUSY} runs within 14 days, to know its rhythm")
    silence = history.as_of - last
    if silence >= max(SHORTEST_SILENCE, MEDIAN_GAPS * gap, LONGER * _longest_pause(history)):
        yield Sighting(
            evidence=f"No run since {last:%Y-%m-%d %H:%M} UTC, {_spoken(silence)} ago; the 14 days "
            f"before had {history.busy_period_runs} runs with a median gap of {_spoken(gap)}.",
        )


def _longest_pause(history: RunHistory) -> timedelta:
    """Gives the longest pause it made before: a weekend is no outage."""
    times = [run.executed_at for run in history.recent_runs]
    shown = max((later - earlier for later, earlier in pairwise(times)), default=timedelta())
    return max(shown, history.longest_gap or timedelta())


def _check_that_it_would_show(workflow: WorkflowEvidence, location: LocationEvidence) -> None:
    """Refuses to judge a workflow that may run and tell nobody."""
    if not location.reporting_workflows:
        raise Lacks("runs of the location's other workflows", Gap.RUNS)
    steps = workflow.parsed.steps if workflow.parsed else ()
    reports = any(each.type in REPORTING_STEPS for each in steps)
    known = runs_of(workflow).last_execution_at is not None or workflow.step_logs is not None
    if not (reports or known):
        raise Lacks("a sign that it reports its runs: an earlier run, or a Webhook step")


def _rests_naturally(workflow: WorkflowEvidence) -> bool:
    triggers = workflow.parsed.triggers if workflow.parsed else None
    return bool(triggers) and all(each.type in SELDOM_TRIGGERS for each in triggers or ())


def _settled(workflow: WorkflowEvidence, history: RunHistory) -> bool:
    """Says whether it has stood as it is for long enough to be judged."""
    if workflow.created_at is None:
        raise Lacks("when it was created")
    changes = [each.changed_at for each in workflow.version_changes or ()]
    return history.as_of - max([workflow.created_at, *changes]) > SETTLED


def _spoken(duration: timedelta) -> str:
    if duration >= 3 * DAY:
        return f"{duration // DAY} days"
    if duration >= 2 * HOUR:
        return f"{duration // HOUR} hours"
    return f"{max(duration // MINUTE, 1)} min"
