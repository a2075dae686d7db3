"""Rules on what starts a workflow."""

from collections.abc import Iterator

from services.scheduler.domain.definition import Trigger
from services.scheduler.domain.definition.vocabulary import SENDS
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import (
    Sighting,
    at,
    definition_of,
    graph_of,
    is_published,
    rule,
    triggers_of,
    whole_graph_of,
)

NEEDS_FILTER = frozenset(
    {
        "appointment",
        "customer_appointment",
        "call_status",
        "opportunity_changed",
        "pipeline_stage_updated",
        "customer_reply",
    }
)
MOST_NAMED = 3


@rule(
    "GHL201",
    "Published without any trigger",
    severity=Severity.CRITICAL,
    penalty=35,
    needs={Evidence.DEFINITION},
    remedy="Add a trigger, or call it from another workflow.",
    consults={Evidence.METADATA, Evidence.LOCATION, Evidence.RUNS},
    basis="A live workflow that nothing starts looks finished and does nothing.",
)
def no_trigger(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """Published with steps and no trigger, no other workflow adds to it, and no run for 30 days."""
    if triggers_of(workflow) or not definition_of(workflow).steps or not is_published(workflow):
        return
    if workflow.ran_lately or whole_graph_of(location).is_called(workflow.workflow_id):
        return
    yield Sighting(
        evidence=f"It is published with {len(definition_of(workflow).steps)} steps and no trigger, "
        "and no other workflow of the location adds contacts to it."
    )


@rule(
    "GHL202",
    "Every trigger is switched off",
    severity=Severity.CRITICAL,
    penalty=55,
    needs={Evidence.DEFINITION},
    remedy="Turn the trigger on and publish again.",
    consults={Evidence.METADATA, Evidence.LOCATION},
    basis="Copied triggers start switched off, and a published workflow does not show it.",
)
def triggers_off(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """Published with triggers, each of them switched off, and no other workflow adds to it."""
    triggers = triggers_of(workflow)
    if not triggers or any(each.active is not False for each in triggers):
        return
    called = location.graph is not None and location.graph.is_called(workflow.workflow_id)
    if is_published(workflow) and not called:
        named = ", ".join(f"“{each.label}”" for each in triggers[:MOST_NAMED])
        off = "its only trigger is" if len(triggers) == 1 else f"all {len(triggers)} triggers are"
        yield Sighting(evidence=f"It is published, and {off} switched off: {named}.")


@rule(
    "GHL203",
    "Trigger has no filter",
    severity=Severity.WARNING,
    penalty=12,
    needs={Evidence.DEFINITION},
    remedy="Add the calendar, status, pipeline or channel the workflow was meant for.",
    basis="Such an event happens for every calendar and pipeline, not only the one in mind.",
)
def unfiltered(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """A live trigger on appointments, calls, opportunities, stages or replies has no condition.

    On replies it is an info of half the points where the workflow writes to nobody.
    """
    sends = any(each.type in SENDS for each in definition_of(workflow).steps)
    for trigger in triggers_of(workflow):
        if trigger.active is False or trigger.type not in NEEDS_FILTER or trigger.conditions != ():
            continue
        what = f"({trigger.type}) has no filter: it starts on every such event of the location."
        if trigger.type == "customer_reply" and not sends:
            yield at(trigger, what, severity=Severity.INFO, penalty=6)
        else:
            yield at(trigger, what)


@rule(
    "GHL204",
    "Contact-changed trigger watches every field",
    severity=Severity.CRITICAL,
    penalty=30,
    needs={Evidence.DEFINITION},
    remedy="Choose the field to watch, else the workflow's own writes start it again.",
    basis="Every write to a contact is a change, also the writes of the workflow itself.",
)
def watches_everything(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """A live trigger on contact changes names no field at all."""
    for trigger in triggers_of(workflow):
        if trigger.type != "contact_changed" or trigger.active is False:
            continue
        if trigger.conditions is not None and not any(each.field for each in trigger.conditions):
            yield at(trigger, "starts on every change of a contact: it names no field.")


@rule(
    "GHL206",
    "Two live workflows start on the same trigger",
    severity=Severity.WARNING,
    penalty=12,
    needs={Evidence.DEFINITION, Evidence.LOCATION},
    remedy="Merge them, or make their filters exclude each other.",
    basis="Both run for the same contact at once, in no order, and may both write to them.",
)
def doubled_trigger(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """Another published workflow has a live trigger of the same type with the same conditions.

    Triggers with an address or a timetable of their own, and types we do not know, are left out.
    """
    if not is_published(workflow):
        return
    graph = graph_of(location)
    found = [(each, graph.starting_alike(each, workflow.workflow_id)) for each in _live(workflow)]
    for trigger, others in found:
        if others:
            named = ", ".join(f"“{graph.name_of(each)}”" for each in others[:MOST_NAMED])
            more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
            yield at(
                trigger, f"({trigger.type}) starts {named}{more} too, with the same conditions."
            )
    if not any(others for _, others in found):
        whole_graph_of(location)


def _live(workflow: WorkflowEvidence) -> Iterator[Trigger]:
    return (each for each in triggers_of(workflow) if each.active is not False)
