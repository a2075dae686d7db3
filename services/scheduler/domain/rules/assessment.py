"""What the rules say of one workflow, and which of them could not look."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import islice

from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Finding, worst_first
from services.scheduler.domain.rules.catalogue import RULES
from services.scheduler.domain.rules.coverage import CoverageEntry, coverage_of
from services.scheduler.domain.rules.rule import Gap, Lacks, Rule, Sighting

RULE_FAILED = "GHL906 rule failed"
DRAFT_WEIGHT = 0.3
MOST_SIGHTINGS = 100
GAPS = {
    Evidence.DEFINITION: Gap.DEFINITION,
    Evidence.RUNS: Gap.RUNS,
    Evidence.REFERENCES: Gap.REFERENCES,
    Evidence.LOCATION: Gap.DEFINITION,
}


@dataclass(frozen=True, slots=True)
class NotAssessed:
    """A rule that could not judge, and what it lacked.

    `error` is set when the rule itself failed: a bug, for the log and nobody else.
    """

    rule_id: str
    lacks: str
    error: Exception | None = field(default=None, compare=False)
    gap: Gap | None = field(default=None, compare=False)
    """The coverage entry it falls under."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the rules say of one workflow."""

    findings: tuple[Finding, ...]
    assessed_rule_ids: tuple[str, ...]
    not_assessed: tuple[NotAssessed, ...]
    coverage: tuple[CoverageEntry, ...] = ()


def assess(
    workflow: WorkflowEvidence, location: LocationEvidence, rules: Sequence[Rule] = RULES
) -> Assessment:
    """Gives what every rule says of a workflow; one that fails leaves the others alone."""
    findings: list[Finding] = []
    assessed: list[str] = []
    not_assessed: list[NotAssessed] = []
    available = workflow.kinds | location.kinds
    for rule in rules:
        missing = rule.needs - available
        said = _lacking(rule, missing) if missing else _applied(rule, workflow, location)
        if isinstance(said, NotAssessed):
            not_assessed.append(said)
        else:
            assessed.append(rule.id)
            findings += said
    return Assessment(
        tuple(findings),
        tuple(assessed),
        tuple(not_assessed),
        coverage_of(workflow, location, not_assessed),
    )


def _lacking(rule: Rule, missing: AbstractSet[Evidence]) -> NotAssessed:
    gap = next((GAPS[each] for each in sorted(missing) if each in GAPS), None)
    return NotAssessed(rule.id, ", ".join(sorted(missing)), gap=gap)


def _applied(
    rule: Rule, workflow: WorkflowEvidence, location: LocationEvidence
) -> list[Finding] | NotAssessed:
    try:
        sightings = islice(rule.check(workflow, location), MOST_SIGHTINGS)
        return _one_a_place(_found(rule, workflow, seen) for seen in sightings)
    except Lacks as lacks:
        return NotAssessed(rule.id, str(lacks), gap=lacks.gap)
    except Exception as error:  # noqa: BLE001  # one rule's bug must not cost the other rules
        return NotAssessed(rule.id, RULE_FAILED, error, Gap.RULE_FAILED)


def _one_a_place(findings: Iterable[Finding]) -> list[Finding]:
    """Gives one finding for each place, by which scans know it again."""
    places: dict[str, Finding] = {}
    for finding in findings:
        before = places.get(finding.place)
        places[finding.place] = _together(before, finding) if before else finding
    return list(places.values())


def _together(first: Finding, second: Finding) -> Finding:
    worse, _ = worst_first([first, second])
    return replace(
        worse,
        evidence=f"{first.evidence} {second.evidence}",
        occurrences=first.occurrences + second.occurrences,
        execution_ids=tuple(dict.fromkeys(first.execution_ids + second.execution_ids)),
    )


def _found(rule: Rule, workflow: WorkflowEvidence, seen: Sighting) -> Finding:
    severity = seen.severity or rule.severity
    penalty = rule.penalty if seen.penalty is None else seen.penalty
    halted = workflow.draft and Evidence.DEFINITION in rule.needs
    return Finding(
        rule_id=rule.id,
        title=rule.name,
        workflow_id=workflow.workflow_id,
        workflow_name=workflow.workflow_name,
        place=seen.place,
        place_name=seen.place_name,
        severity=severity,
        counts_as=rule.counts_as or severity,
        base_penalty=penalty * DRAFT_WEIGHT if halted else penalty,
        occurrences=seen.occurrences,
        evidence=seen.evidence,
        remedy=rule.remedy,
        execution_ids=seen.execution_ids,
        about_draft=rule.about_drafts,
    )
