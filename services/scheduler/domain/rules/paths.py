"""Rules on where the steps of a workflow lead."""

from collections.abc import Iterator

from services.scheduler.domain.definition import Definition, Step
from services.scheduler.domain.definition.model import NodeType
from services.scheduler.domain.definition.values import objects
from services.scheduler.domain.definition.vocabulary import COUNTERS, STEP_TYPES, holds, may_pause
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import (
    Gap,
    Lacks,
    Sighting,
    at,
    definition_of,
    graph_of,
    is_published,
    live_steps,
    rule,
    whole_graph_of,
)

MOST_NAMED = 4


@rule(
    "GHL211",
    "Loop without a pause",
    severity=Severity.CRITICAL,
    penalty=40,
    needs={Evidence.DEFINITION},
    remedy="Add a wait and an exit condition, or remove the Go To.",
    basis="A contact in such a loop passes its steps without end, in seconds.",
)
def loop(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """Steps lead round to themselves without a wait, a drip, or another step that may pause.

    Not where the loop has a way out and a step that can count its rounds. In a loop without a way
    out calls and charges are no pause.
    """
    definition = linked(workflow)
    steps = definition.steps
    for round_ in _restless(definition):
        first = min((steps[n] for n in round_), key=lambda each: (each.type != "goto", each.id))
        named = " → ".join(f"“{steps[n].label}”" for n in round_[:MOST_NAMED])
        yield at(first, f"closes a loop of {len(round_)} steps without a pause: {named}.")


def _restless(definition: Definition) -> Iterator[list[int]]:
    """Gives the loops in which a contact goes round without rest, each once."""
    steps, graph = definition.steps, definition.graph
    pausing = {n for n, each in enumerate(steps) if may_pause(each.type)}
    holding = {n for n in pausing if holds(steps[n].type)}
    told = set[int]()
    for round_ in [*graph.loops(without=pausing), *graph.loops(without=holding)]:
        inside = set(round_)
        leaves = any(target not in inside for n in round_ for target in graph.successors[n])
        counts = any(steps[n].type in COUNTERS for n in round_)
        may_end = leaves and (counts or inside & pausing)
        if may_end or inside & (graph.unreached | told):
            continue
        told |= inside
        yield round_


@rule(
    "GHL212",
    "Workflows start each other in a circle",
    severity=Severity.CRITICAL,
    penalty=40,
    needs={Evidence.DEFINITION, Evidence.LOCATION},
    remedy="Break the circle with a guard tag or an exit condition.",
    basis="A contact who goes round in it is written to again and again until someone notices.",
)
def circle(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """Live workflows start each other by Add to Workflow, or by tags that others wait for.

    Critical when that happens before any pause or condition and one of them lets contacts enter
    again; a warning of half the points when none does. With a pause or condition on the way it is
    an info, and only with re-entry.
    """
    if not is_published(workflow):
        return
    found = graph_of(location).circle_of(workflow.workflow_id)
    if found is None:
        whole_graph_of(location)
        return
    named = " → ".join(
        f"“{graph_of(location).name_of(each)}”" for each in found.members[:MOST_NAMED]
    )
    each_other = f"{len(found.members)} live workflows start each other"
    if found.at_once:
        again = found.allows_reentry
        yield Sighting(
            evidence=f"{each_other} without a pause: {named}.",
            severity=Severity.CRITICAL if again else Severity.WARNING,
            penalty=40 if again else 20,
        )
    elif found.allows_reentry:
        evidence = f"{each_other}, after a pause or under a condition: {named}."
        yield Sighting(evidence=evidence, severity=Severity.INFO, penalty=5)


@rule(
    "GHL213",
    "Step points to a missing step",
    severity=Severity.CRITICAL,
    penalty=35,
    needs={Evidence.DEFINITION},
    remedy="Reconnect the step in the builder and save.",
    basis="A contact who comes to such a step leaves the workflow there.",
)
def missing_step(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """The next step, a branch or the target of a Go To is the id of no step."""
    definition = linked(workflow)
    for each in definition.graph.missing:
        yield at(
            definition.steps[each.position], f"leads to a step that does not exist ({each.target})."
        )


@rule(
    "GHL214",
    "Step can never be reached",
    severity=Severity.WARNING,
    penalty=8,
    needs={Evidence.DEFINITION},
    remedy="Connect it or delete it.",
    basis="What is written there looks as if it happened, and no contact ever comes to it.",
)
def unreachable(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """No way leads to a step from the first one.

    Told once for steps that hang together, and not where a step points to a missing one: then
    that is the cause.
    """
    definition = linked(workflow)
    if not definition.graph.complete:
        raise Lacks("links between some of the steps, which are of unknown shape", Gap.SHAPE)
    if definition.graph.missing:
        return
    for island in definition.graph.islands:
        first = definition.steps[island.position]
        if first.type in STEP_TYPES:
            more = f", nor can the {island.steps - 1} after it" if island.steps > 1 else ""
            yield at(first, f"cannot be reached{more}.")


@rule(
    "GHL215",
    "If/Else with a dead end",
    severity=Severity.WARNING,
    penalty=10,
    needs={Evidence.DEFINITION},
    remedy="Add the None branch, and decide what happens to the contacts in each branch.",
    basis="Contacts whom no branch wants leave the workflow without a trace.",
)
def dead_end(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """An If/Else has no branch for the contacts that meet no condition.

    A branch without a step in it is an info of half the points: the contacts in it are done.
    """
    definition = linked(workflow)
    steps, successors = definition.steps, definition.graph.successors
    for n, step in live_steps(workflow):
        if step.type != "if_else" or not _asks(step) or not step.readable_links:
            continue
        targets = successors[n]
        if not targets or len(targets) < len(set(step.leads_to) | set(step.declared)):
            continue
        if not _has_else(step, [steps[each] for each in targets]):
            yield at(step, "has no branch for contacts who meet none of its conditions.")
        elif empty := [
            steps[each].label
            for each in targets
            if _is_branch(steps[each]) and not successors[each]
        ]:
            named = ", ".join(f"“{each}”" for each in empty[:MOST_NAMED])
            yield at(step, f"has nothing to do in {named}.", severity=Severity.INFO, penalty=5)


@rule(
    "GHL216",
    "Live workflow has no steps",
    severity=Severity.CRITICAL,
    penalty=30,
    needs={Evidence.DEFINITION},
    remedy="Add steps or unpublish it.",
    consults={Evidence.METADATA},
    basis="It takes contacts in and does nothing for them.",
)
def no_steps(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """Published, and its list of steps is empty."""
    definition = definition_of(workflow)
    if not definition.steps and not definition.oddities and is_published(workflow):
        yield Sighting(evidence="It is published and has no step.")


def linked(workflow: WorkflowEvidence) -> Definition:
    """Gives the definition to a rule that follows its links."""
    definition = definition_of(workflow)
    if not definition.graph.linked:
        raise Lacks("the links between the steps, which this definition leaves out", Gap.SHAPE)
    return definition


def _asks(step: Step) -> bool:
    return step.node_type == NodeType.CONDITION or bool(objects(step.settings.get("branches")))


def _is_branch(step: Step) -> bool:
    return step.node_type in {NodeType.YES, NodeType.NO}


def _has_else(step: Step, targets: list[Step]) -> bool:
    """Says whether there is a branch for the rest; exports tell it in four ways."""
    branches = objects(step.settings.get("branches"))
    return (
        any(each.node_type == NodeType.NO or each.settings.get("else") is True for each in targets)
        or any("segments" in each and not each["segments"] for each in branches)
        or len(targets) > len(branches)
        or not branches
    )
