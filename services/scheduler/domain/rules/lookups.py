"""Rules on things of the location that triggers, steps and texts name."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.scheduler.domain.definition import Condition, Step, values
from services.scheduler.domain.definition.location import called_workflows, tag_name
from services.scheduler.domain.definition.messages import TEMPLATE_KEYS, inputs_of
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.references import References
from services.scheduler.domain.rules.rule import (
    ListsMissing,
    Sighting,
    at,
    live_steps,
    rule,
    triggers_of,
)

NO_LISTS = References()
LISTS_OF_FIELDS = {
    "form.id": "forms",
    "formid": "forms",
    "calendar.id": "calendars",
    "calendarid": "calendars",
    "appointment.calendarid": "calendars",
    "opportunity.pipelineid": "pipelines",
    "pipelineid": "pipelines",
    "opportunity.pipelinestageid": "stages",
    "opportunity.stageid": "stages",
    "pipelinestageid": "stages",
    "stageid": "stages",
}
ONE_OF = frozenset({"", "==", "=", "eq", "is", "in", "is-any-of", "contains-any", "index-of-true"})
LISTS_OF_SETTINGS = {
    "pipeline_id": "pipelines",
    "pipelineId": "pipelines",
    "pipeline_stage_id": "stages",
    "pipelineStageId": "stages",
    "calendar_id": "calendars",
    "calendarId": "calendars",
    "user": "users",
    "userId": "users",
    "assignedTo": "users",
    "user_list": "users",
    "selectedUser": "users",
} | dict.fromkeys(TEMPLATE_KEYS, "templates")
NAMES_THINGS = values.words(
    """
    appointment_booking assign_user conversationai_book_appointment create_opportunity email
    find_opportunity internal-add-contact-followers internal-add-opportunity-owner
    internal-remove-contact-followers internal_create_opportunity internal_notification
    internal_update_opportunity manual-call remove_assigned_user remove_opportunity sms
    task-notification update_appointment_status
    """
)
"""Steps whose ids are of this location; a step that copies contacts names those of another."""
_ID = re.compile(r"[A-Za-z0-9]{20,28}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class _Named:
    """Things of one list, of which a place needs at least one."""

    list_name: str
    wanted: tuple[str, ...]


@rule(
    "GHL205",
    "Trigger waits for something that does not exist",
    severity=Severity.CRITICAL,
    penalty=35,
    needs={Evidence.DEFINITION},
    remedy="Point the trigger at an existing tag, form, calendar or stage.",
    consults={Evidence.REFERENCES, Evidence.LOCATION},
    basis="What does not exist cannot happen, so the workflow never starts.",
)
def waits_for_nothing(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """A live trigger's condition names only things that the location does not have.

    Tags, forms, calendars, pipelines and stages. A tag that some workflow adds counts as there.
    """
    lists, unread = location.references or NO_LISTS, set[str]()
    seen = False
    for trigger in triggers_of(workflow):
        if trigger.active is False:
            continue
        for condition in trigger.conditions or ():
            named = _named_in(condition)
            known = _known(named, lists, unread)
            if named is None or known is None or _added_somewhere(named, location):
                continue
            if not any(each in known for each in named.wanted):
                seen = True
                gone = ", ".join(each[:60] for each in named.wanted[:3])
                yield at(trigger, f"waits for {gone}, which is not among the {named.list_name}.")
    if unread and not seen:
        raise ListsMissing(unread)


@rule(
    "GHL225",
    "Reference to a deleted object",
    severity=Severity.CRITICAL,
    penalty=35,
    needs={Evidence.DEFINITION},
    remedy="Choose an existing object; HighLevel skips such a step without an error.",
    consults={Evidence.REFERENCES},
    basis="The step keeps the id of what was deleted, and is skipped for every contact.",
)
def deleted_reference(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """A step names something by an id that the location's lists do not have.

    Users, pipelines, stages, calendars, custom fields, templates and workflows.
    """
    lists, unread = location.references or NO_LISTS, set[str]()
    seen = False
    for _, step in live_steps(workflow):
        for named in _references_of(step):
            known = _known(named, lists, unread)
            gone = [each for each in named.wanted if known is not None and each not in known]
            if gone:
                seen = True
                yield at(
                    step, f"names {gone[0]}, which is not among the {_spoken(named.list_name)}."
                )
                break
    if unread and not seen:
        raise ListsMissing(unread)


def _known(named: _Named | None, lists: References, unread: set[str]) -> frozenset[str] | None:
    """Gives the list that something is on; notes it when it could not be read."""
    if named is None:
        return None
    known: frozenset[str] | None = getattr(lists, named.list_name)
    if known is None:
        unread.add(_spoken(named.list_name))
    return known


def _named_in(condition: Condition) -> _Named | None:
    """Gives what a condition waits for, where it is something of a list."""
    field = condition.field.lower().replace("_", "")
    if not condition.readable or condition.operator not in ONE_OF or not condition.values:
        return None
    if any("{{" in each or each.lower() in {"any", "all"} for each in condition.values):
        return None
    if field in {"tagsadded", "contact.tags", "tags", "tag"}:
        return _Named("tags", tuple(map(tag_name, condition.values)))
    list_name = LISTS_OF_FIELDS.get(field)
    return _Named(list_name, condition.values) if list_name else None


def _added_somewhere(named: _Named, location: LocationEvidence) -> bool:
    graph = location.graph
    return (
        named.list_name == "tags"
        and graph is not None
        and any(graph.adds_tag(each) for each in named.wanted)
    )


def _references_of(step: Step) -> Iterator[_Named]:
    """Gives the ids a step names, list by list; what does not look like an id is none."""
    if step.type in {"add_to_workflow", "remove_from_workflow"}:
        yield from _ids("workflows", called_workflows(step))
    if step.type == "update_contact_field":
        fields = [each.get("field") for each in values.objects(step.settings.get("fields"))]
        yield from _ids("custom_fields", values.texts(fields))
    if step.type not in NAMES_THINGS:
        return
    for source in (step.settings, inputs_of(step), *_parts_of(step)):
        for key in LISTS_OF_SETTINGS.keys() & source.keys():
            yield from _ids(LISTS_OF_SETTINGS[key], values.texts(source[key]))


def _parts_of(step: Step) -> Iterator[dict[str, object]]:
    """Gives the part of a notification that says who gets it."""
    if step.type == "internal_notification":
        for part in ("email", "sms", "notification"):
            yield from (dict(each) for each in values.objects(step.settings.get(part)))


def _ids(list_name: str, found: Iterable[str]) -> Iterator[_Named]:
    ids = tuple(each for each in found if _ID.fullmatch(each))
    if ids:
        yield _Named(list_name, ids)


def _spoken(list_name: str) -> str:
    return list_name.replace("_", " ")
