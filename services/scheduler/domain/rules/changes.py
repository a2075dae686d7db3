"""Rules on what happened to a workflow since it was last looked at."""

from collections.abc import Iterator, Sequence

from services.scheduler.domain.evidence import (
    Evidence,
    LocationEvidence,
    RunOutcome,
    WorkflowEvidence,
    WorkflowStatus,
)
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import MOST_EXECUTIONS, Lacks, Sighting, rule, runs_of

FEWEST_RUNS_A_SIDE = 5
RISE = 0.20
FEWEST_FAILURES_MORE = 2


@rule(
    "GHL101",
    "Workflow was unpublished",
    severity=Severity.CRITICAL,
    penalty=40,
    needs={Evidence.METADATA, Evidence.EARLIER_SCAN},
    remedy="Publish it again, or take it out of the scan if it was stopped on purpose.",
    basis="A draft takes in no contact, and HighLevel tells nobody that one was unpublished.",
    about_drafts=True,
)
def unpublished(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """The last completed scan saw it published, and it is a draft now; until it is published."""
    before = workflow.previous.status if workflow.previous else None
    if workflow.status is not WorkflowStatus.DRAFT:
        return
    if before is WorkflowStatus.PUBLISHED:
        yield Sighting(evidence="It was published at the last completed scan and is a draft now.")
    elif "GHL101" in workflow.standing:
        yield Sighting(evidence="It was published once and is still a draft.")


@rule(
    "GHL102",
    "Workflow disappeared",
    severity=Severity.CRITICAL,
    penalty=45,
    needs={Evidence.METADATA},
    remedy="Restore it from HighLevel's deleted workflows, or take it out of the selection.",
    consults={Evidence.EARLIER_SCAN},
    basis="A deleted workflow runs no more, and whatever pointed to it points to nothing.",
)
def disappeared(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """HighLevel's list lacks it, though the last completed scan saw it there or it is selected.

    Until it is back.
    """
    if workflow.listed is None:
        raise Lacks("HighLevel's list of workflows")
    if workflow.listed:
        return
    if workflow.previous is not None and workflow.previous.status is not None:
        yield Sighting(
            evidence="It was in HighLevel's list at the last completed scan and is gone."
        )
    elif "GHL102" in workflow.standing and not workflow.selected:
        yield Sighting(evidence="It was in HighLevel's list once and is still gone.")
    elif workflow.selected:
        yield Sighting(evidence="It is selected for scans, and HighLevel's list does not have it.")


@rule(
    "GHL105",
    "Failures began after an edit",
    severity=Severity.WARNING,
    penalty=15,
    needs={Evidence.METADATA, Evidence.RUNS},
    remedy="Compare the version with the one before, and undo the edit to the step that fails.",
    basis="A failure that starts with a version is most likely an edit, and quick to undo.",
)
def failing_since_edit(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """Since a change of version 20 points more of its runs fail than before, at least 2 more.

    Each side needs 5 of the newest runs.
    """
    if workflow.version_changes is None:
        raise Lacks("the times at which its version changed")
    runs = runs_of(workflow).fresh_runs
    judged = False
    for change in workflow.version_changes:
        after = [run for run in runs if run.executed_at >= change.changed_at]
        before = [run for run in runs if run.executed_at < change.changed_at]
        if min(len(after), len(before)) < FEWEST_RUNS_A_SIDE:
            continue
        judged = True
        if _rose(before, after):
            version = "" if change.version is None else f" to version {change.version}"
            yield Sighting(
                evidence=f"{_failures(after)} of {len(after)} runs failed since the change"
                f"{version} at {change.changed_at:%Y-%m-%d %H:%M} UTC, "
                f"{_failures(before)} of {len(before)} before.",
                execution_ids=tuple(run.execution_id for run in after if run.at_fault)[
                    :MOST_EXECUTIONS
                ],
            )
            return
    if workflow.version_changes and not judged:
        raise Lacks(f"{FEWEST_RUNS_A_SIDE} runs on each side of a change of version")


def _rose(before: Sequence[RunOutcome], after: Sequence[RunOutcome]) -> bool:
    rise = _failures(after) / len(after) - _failures(before) / len(before)
    return rise >= RISE and _failures(after) - _failures(before) >= FEWEST_FAILURES_MORE


def _failures(runs: Sequence[RunOutcome]) -> int:
    return sum(run.at_fault for run in runs)
