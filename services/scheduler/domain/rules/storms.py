"""Rules on starts that come in masses, and on steps that fail without a word."""

from collections.abc import Iterator, Sequence
from statistics import median

from services.scheduler.domain.evidence import (
    Evidence,
    LocationEvidence,
    StepLog,
    WorkflowEvidence,
)
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import Lacks, Sighting, rule, runs_of

STORM_STARTS = 50
STORM_FACTOR = 10
RECORD_FACTOR = 2
FEWEST_IN_A_STORM = 200
FEWEST_HOURS = 72
LATEST_HOURS = 24
FEWEST_ROWS = 10
FEWEST_SILENT = 3
SHARE_SILENT = 0.10
SHARE_SKIPPED = 0.30


@rule(
    "GHL409",
    "Enrolment storm",
    severity=Severity.CRITICAL,
    penalty=40,
    needs={Evidence.RUNS},
    remedy="Stop the workflow and break the loop that starts it again.",
    basis="HighLevel locks a workflow that one contact starts 50 times in 30 minutes.",
)
def storm(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """One contact started it 50 times within 30 minutes of the last 24 hours.

    As a warning of half the points: an hour of the last 24 with 200 runs or more, 10 times the
    usual hour and twice every hour before. That may be a large import too.
    """
    history = runs_of(workflow)
    if history.most_starts is None and history.hourly_runs is None:
        raise Lacks("starts by contact, or runs by the hour")
    if history.most_starts is not None and history.most_starts >= STORM_STARTS:
        yield Sighting(
            evidence=f"One contact started it {history.most_starts} times within 30 minutes."
        )
    elif peak := _peak(history.hourly_runs or ()):
        yield Sighting(
            evidence=f"{peak} runs in one of the last {LATEST_HOURS} hours, more than "
            f"{STORM_FACTOR} times its usual hour.",
            severity=Severity.WARNING,
            penalty=20,
        )


@rule(
    "GHL410",
    "Silent failures in the step log",
    severity=Severity.CRITICAL,
    penalty=30,
    needs={Evidence.STEP_LOGS},
    remedy="Read in the step's log why it was skipped or refused, and cure that.",
    basis="A provider's refusal inside a step that counts as done is shown nowhere else.",
)
def silent_failures(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """Rows of a step say success and carry an error status: 3 of them, or every tenth.

    As a warning of half the points: 30 % of at least 10 rows of a step were skipped for a reason
    that is not as it should be.
    """
    for each in workflow.step_logs or ():
        fewest = min(FEWEST_SILENT, max(1, SHARE_SILENT * each.rows))
        if each.silent_failures >= fewest:
            yield _seen(
                each, f"{each.silent_failures} of {each.rows} rows say success and carry an error"
            )
        elif each.rows >= FEWEST_ROWS and each.skipped >= SHARE_SKIPPED * each.rows:
            yield _seen(
                each,
                f"{each.skipped} of {each.rows} rows were skipped",
                severity=Severity.WARNING,
                penalty=15,
            )


def _peak(hours: Sequence[int]) -> int:
    """Gives the runs of a stormy hour among the latest; none when all is as usual."""
    if len(hours) < FEWEST_HOURS:
        return 0
    before, latest = hours[:-LATEST_HOURS], hours[-LATEST_HOURS:]
    usual = median([each for each in before if each] or [0])
    peak = max(latest)
    stormy = peak >= max(FEWEST_IN_A_STORM, STORM_FACTOR * usual, RECORD_FACTOR * max(before))
    return peak if stormy else 0


def _seen(
    step: StepLog, what: str, severity: Severity | None = None, penalty: float | None = None
) -> Sighting:
    name = step.step_name or step.step_id
    reason = f", for instance: “{step.sample_reason[:200]}”" if step.sample_reason else ""
    return Sighting(
        evidence=f"Step “{name}”: {what}{reason}.",
        place=step.step_id,
        place_name=name,
        severity=severity,
        penalty=penalty,
    )
