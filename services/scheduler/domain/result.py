"""What a scan says of one workflow."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Finding
from services.scheduler.domain.rules import CoverageEntry, NotAssessed, assess
from services.scheduler.domain.score import Basis, Score, score_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowResult:
    """What a scan says of one workflow; `runs` are those of the last 7 days."""

    workflow_id: str
    workflow_name: str
    draft: bool
    runs: int
    score: Score
    findings: tuple[Finding, ...]
    assessed_rule_ids: tuple[str, ...]
    not_assessed: tuple[NotAssessed, ...]
    coverage: tuple[CoverageEntry, ...] = ()
    """What could not be seen of it, without points."""


def examined(workflow: WorkflowEvidence, location: LocationEvidence) -> WorkflowResult:
    """Gives what all rules say of a workflow, and its score."""
    assessment = assess(workflow, location)
    return WorkflowResult(
        workflow_id=workflow.workflow_id,
        workflow_name=workflow.workflow_name,
        draft=workflow.draft,
        runs=workflow.history.last_7_days.total if workflow.history else 0,
        score=score_of(assessment.findings, _basis(workflow)),
        findings=assessment.findings,
        assessed_rule_ids=assessment.assessed_rule_ids,
        not_assessed=assessment.not_assessed,
        coverage=assessment.coverage,
    )


def lowest_first(results: Iterable[WorkflowResult]) -> list[WorkflowResult]:
    """Gives the results by score, those without one last."""

    def rank(result: WorkflowResult) -> tuple[bool, int, str]:
        score = result.score.value
        return score is None, score or 0, result.workflow_id

    return sorted(results, key=rank)


def _basis(workflow: WorkflowEvidence) -> Basis:
    """Counts fresh runs, so that a workflow that runs once a week is scored too."""
    return Basis(
        runs=len(workflow.history.fresh_runs) if workflow.history else 0,
        definition=Evidence.DEFINITION in workflow.kinds,
    )
