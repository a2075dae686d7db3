"""Rules on the records that a workflow makes and changes."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from services.scheduler.domain.definition import Step, values
from services.scheduler.domain.definition.vocabulary import (
    EVENT_TRIGGERS,
    OPPORTUNITY_TRIGGERS,
    TRIGGER_TYPES,
)
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import (
    Lacks,
    Sighting,
    at,
    definition_of,
    live_steps,
    rule,
    triggers_of,
)

CREATES = frozenset({"create_opportunity", "internal_create_opportunity"})
FINDS = frozenset({"find_opportunity", "find_contact", "find_or_create_contact"})
NEEDS_OPPORTUNITY = frozenset({"internal_update_opportunity", "internal-add-opportunity-owner"})


@rule(
    "GHL207",
    "Re-entry can duplicate records",
    severity=Severity.WARNING,
    penalty=8,
    needs={Evidence.DEFINITION},
    remedy="Switch re-entry off, or look the record up before creating it.",
    basis="A contact who enters twice gets a second opportunity, and both are worked on.",
)
def duplicates(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """Contacts may enter again, and an opportunity is created with no look-up before it.

    Not where each start stands for something of its own: an appointment, an invoice, an order, an
    opportunity. A condition on opportunities before it counts as a look-up.
    """
    definition = definition_of(workflow)
    if definition.settings.allow_multiple is not True or not _has(workflow, CREATES):
        return
    types = {each.type for each in triggers_of(workflow)}
    if not types or types & EVENT_TRIGGERS or types - TRIGGER_TYPES:
        return
    for step in _without_before(workflow, CREATES, FINDS):
        yield at(step, "creates an opportunity at every entry, and contacts may enter again.")


@rule(
    "GHL230",
    "Opportunity step without an opportunity",
    severity=Severity.WARNING,
    penalty=12,
    needs={Evidence.DEFINITION},
    remedy="Add Find Opportunity before it; HighLevel skips the step otherwise.",
    basis="The step needs to know which opportunity; without one it is skipped, not failed.",
)
def no_opportunity(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """A step changes an opportunity, no trigger brings one, and none is found or created before.

    Not judged where another workflow starts it: that one may bring the opportunity.
    """
    if not _has(workflow, NEEDS_OPPORTUNITY):
        return
    types = {each.type for each in triggers_of(workflow)}
    if not types:
        raise Lacks("what starts it, and whether that brings an opportunity")
    if types & OPPORTUNITY_TRIGGERS or types - TRIGGER_TYPES:
        return
    for step in _without_before(workflow, NEEDS_OPPORTUNITY, CREATES | {"find_opportunity"}):
        yield at(step, "changes an opportunity, and nothing before it finds or creates one.")


def _has(workflow: WorkflowEvidence, types: AbstractSet[str]) -> bool:
    return any(each.type in types for each in definition_of(workflow).steps)


def _without_before(
    workflow: WorkflowEvidence, wanted: AbstractSet[str], before: AbstractSet[str]
) -> Iterator[Step]:
    """Gives the steps of some types that no step of other types can come before."""
    definition = definition_of(workflow)
    prepared = definition.graph.after(
        n for n, each in enumerate(definition.steps) if each.type in before or _asks(each)
    )
    for n, step in live_steps(workflow):
        if step.type in wanted and n not in prepared:
            yield step


def _asks(step: Step) -> bool:
    """Says whether a step branches on opportunities, which only works where there may be one."""
    return step.type == "if_else" and any(
        key == "conditionType" and "opportunit" in text
        for key, text in values.strings(step.settings.get("branches"))
    )
