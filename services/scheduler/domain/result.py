"""What a scan says of one workflow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Finding
from services.scheduler.domain.ignoring import Ignores
from services.scheduler.domain.rules import CoverageEntry, NotAssessed, assess
from services.scheduler.domain.score import Basis, Score, gains, score_of

NOTHING_IGNORED = Ignores((), datetime.min.replace(tzinfo=UTC))


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
    ignored: tuple[Finding, ...] = ()
    """Those that somebody decided to live with; they are in no number."""
    gains: Mapping[str, int] = field(default_factory=dict)
    """By fingerprint, by how much the score rises when that finding alone is fixed."""
    version: int | None = None
    """The workflow's version, where it is known."""


def examined(
    workflow: WorkflowEvidence, location: LocationEvidence, ignores: Ignores = NOTHING_IGNORED
) -> WorkflowResult:
    """Gives what all rules say of a workflow, and its score from what is not ignored."""
    assessment = assess(workflow, location)
    version = workflow.known_version
    ignored = tuple(each for each in assessment.findings if ignores.cover(each, version))
    counted = tuple(each for each in assessment.findings if each not in ignored)
    basis = _basis(workflow)
    return WorkflowResult(
        workflow_id=workflow.workflow_id,
        workflow_name=workflow.workflow_name,
        draft=workflow.draft,
        runs=workflow.history.last_7_days.total if workflow.history else 0,
        score=score_of(counted, basis),
        findings=counted,
        assessed_rule_ids=assessment.assessed_rule_ids,
        not_assessed=assessment.not_assessed,
        coverage=assessment.coverage,
        ignored=ignored,
        gains=gains(counted, basis),
        version=version,
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
