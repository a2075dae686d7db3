"""What a rule is, and what it can say."""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.scheduler.domain.definition import Definition, LocationGraph, Step, Trigger
from services.scheduler.domain.evidence import (
    Evidence,
    LocationEvidence,
    RunHistory,
    WorkflowEvidence,
)
from services.scheduler.domain.finding import Severity

MOST_EXECUTIONS = 5


class Gap(StrEnum):
    """Why something could not be judged: the coverage entries, which take no points."""

    DEFINITION = "GHL901"
    RUNS = "GHL902"
    SHAPE = "GHL903"
    REFERENCES = "GHL904"
    CUT_SHORT = "GHL905"
    RULE_FAILED = "GHL906"


class Lacks(Exception):
    """A rule cannot judge this workflow: says what is missing, for people."""

    def __init__(self, missing: str, gap: Gap | None = None) -> None:
        super().__init__(missing)
        self.gap = gap


class ListsMissing(Lacks):
    """A rule would have to look into lists of the location that could not be read."""

    def __init__(self, lists: Iterable[str]) -> None:
        named = ", ".join(sorted(lists))
        super().__init__(f"the location's {named}", Gap.REFERENCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a rule saw at one place of a workflow; severity and penalty only where they vary.

    `place` is the id of the step or trigger, `place_name` what people call it.
    """

    evidence: str
    occurrences: int = 1
    execution_ids: tuple[str, ...] = ()
    place: str = ""
    place_name: str = ""
    severity: Severity | None = None
    penalty: float | None = None


Check = Callable[[WorkflowEvidence, LocationEvidence], Iterator[Sighting]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the catalogue; its check is pure, and its docstring says when it fires.

    Without what it `needs` it is never asked; what it `consults` it asks for only where the
    workflow gives it reason to.
    """

    id: str
    name: str
    severity: Severity
    penalty: float
    needs: frozenset[Evidence]
    remedy: str
    counts_as: Severity | None
    check: Check
    consults: frozenset[Evidence] = frozenset()
    basis: str = ""
    """Why this is a fault, in a sentence."""
    about_drafts: bool = False
    """Whether people are told of it though the workflow is a draft: that it is one is the fault."""


def rule(
    rule_id: str,
    name: str,
    *,
    severity: Severity,
    penalty: float,
    needs: AbstractSet[Evidence],
    remedy: str,
    counts_as: Severity | None = None,
    consults: AbstractSet[Evidence] = frozenset(),
    basis: str = "",
    about_drafts: bool = False,
) -> Callable[[Check], Rule]:
    """Makes a rule of a check; `counts_as` is for one whose points no cap may hide."""

    def made(check: Check) -> Rule:
        return Rule(
            id=rule_id,
            name=name,
            severity=severity,
            penalty=penalty,
            needs=frozenset(needs),
            remedy=remedy,
            counts_as=counts_as,
            check=check,
            consults=frozenset(consults),
            basis=basis,
            about_drafts=about_drafts,
        )

    return made


def runs_of(workflow: WorkflowEvidence) -> RunHistory:
    """Gives the run history to a rule that needs runs."""
    assert workflow.history is not None, "a rule is asked only when it has what it needs"
    return workflow.history


def definition_of(workflow: WorkflowEvidence) -> Definition:
    """Gives the definition to a rule that needs it."""
    assert workflow.parsed is not None, "a rule is asked only when it has what it needs"
    return workflow.parsed


def live_steps(workflow: WorkflowEvidence) -> Iterator[tuple[int, Step]]:
    """Gives the steps that contacts can come to, with their positions.

    A fault in a step that nobody comes to hurts nobody; that nobody does is a finding of its own.
    """
    definition = definition_of(workflow)
    unreached = definition.graph.unreached
    return ((n, step) for n, step in enumerate(definition.steps) if n not in unreached)


def triggers_of(workflow: WorkflowEvidence) -> tuple[Trigger, ...]:
    """Gives the triggers; an export without a list of them says nothing of there being none."""
    triggers = definition_of(workflow).triggers
    if triggers is None:
        raise Lacks("the triggers, which this definition leaves out", Gap.DEFINITION)
    return triggers


def graph_of(location: LocationEvidence) -> LocationGraph:
    """Gives the location's graph to a rule that found it must look there."""
    if location.graph is None:
        raise Lacks("the definitions of the location's other workflows", Gap.DEFINITION)
    return location.graph


def whole_graph_of(location: LocationEvidence) -> LocationGraph:
    """Gives the location's graph to a rule that concludes from what is not in it."""
    graph = graph_of(location)
    if not graph.complete:
        raise Lacks("the definitions of some of the location's workflows", Gap.DEFINITION)
    return graph


def is_published(workflow: WorkflowEvidence) -> bool:
    """Says whether a workflow is live, for a rule on those that are."""
    if workflow.published is None:
        raise Lacks("whether it is published")
    return workflow.published


def at(place: Step | Trigger, evidence: str, **more: Any) -> Sighting:
    """Gives what was seen at a step or trigger, which the sentence then names."""
    kind = "Step" if isinstance(place, Step) else "Trigger"
    return Sighting(
        evidence=f"{kind} “{place.label}” {evidence}",
        place=place.id,
        place_name=place.label,
        **more,
    )
