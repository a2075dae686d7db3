"""How the workflows of a location start, stop and resemble each other.

Of each workflow only a few names are kept, so that a whole location fits in little memory
while its definitions are read one after the other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from services.scheduler.domain.definition import values
from services.scheduler.domain.definition.model import Condition, Definition, Step, Trigger
from services.scheduler.domain.definition.vocabulary import (
    OWN_ADDRESS_TRIGGERS,
    TRIGGER_TYPES,
    may_pause,
)
from services.scheduler.domain.definition.walking import strongly_connected

_Place = tuple[str, str]
_ANY_TAG: _Place = ("any tag", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowLinks:
    """What one workflow does to others and what starts it, as names and ids.

    What happens `at_once` happens to every contact at the start, before a pause or a choice.
    """

    workflow_id: str
    workflow_name: str = ""
    live: bool | None = True
    """Whether it is published; `None` when nobody could tell."""
    allows_reentry: bool = False
    calls: frozenset[str] = frozenset()
    calls_at_once: frozenset[str] = frozenset()
    adds_tags: frozenset[str] = frozenset()
    adds_tags_at_once: frozenset[str] = frozenset()
    removes_tags: frozenset[str] = frozenset()
    removes_from: frozenset[str] = frozenset()
    starts_on_tags: frozenset[str] = frozenset()
    starts_on_tags_alone: frozenset[str] = frozenset()
    """Those of them that start it whatever else is true of the contact."""
    starts_on_any_tag: bool = False
    starts_on_reply: bool = False
    triggers: frozenset[str] = frozenset()
    """A mark for each trigger that is the same for the same type and conditions."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Workflows that start each other; `at_once` when nothing on the way makes anyone wait."""

    members: tuple[str, ...]
    at_once: bool
    allows_reentry: bool


class LocationGraph:
    """The workflows of a location by how they start and stop each other.

    One of which nobody can tell whether it is live counts where that excuses another workflow, and
    not where it accuses one. `complete` says whether the definition of every workflow of the location was read: only then
    does it mean something that a workflow is *not* in it.
    """

    def __init__(self, workflows: Iterable[WorkflowLinks], *, complete: bool) -> None:
        self.complete = complete
        self._names: dict[str, str] = {}
        self._called: set[str] = set()
        self._stopped_on_reply: set[str] = set()
        self._added_tags: set[str] = set()
        self._by_trigger: dict[str, list[str]] = {}
        known = list(workflows)
        for each in known:
            self._names[each.workflow_id] = each.workflow_name or each.workflow_id
            self._added_tags |= each.adds_tags
            if each.live is not False:
                self._called |= each.calls - {each.workflow_id}
                self._stopped_on_reply |= each.removes_from if each.starts_on_reply else frozenset()
        live = [each for each in known if each.live]
        for each in live:
            for mark in each.triggers:
                self._by_trigger.setdefault(mark, []).append(each.workflow_id)
        self._circles = {member: circle for circle in _circles(live) for member in circle.members}

    def name_of(self, workflow_id: str) -> str:
        """Gives what people call a workflow."""
        return self._names.get(workflow_id, workflow_id)

    def is_called(self, workflow_id: str) -> bool:
        """Says whether another live workflow adds contacts to it."""
        return workflow_id in self._called

    def stopped_on_reply(self, workflow_id: str) -> bool:
        """Says whether a live workflow takes contacts out of it when they reply."""
        return workflow_id in self._stopped_on_reply

    def adds_tag(self, tag: str) -> bool:
        """Says whether some workflow adds the tag, given as `tag_name` gives it."""
        return tag in self._added_tags

    def starting_alike(self, trigger: Trigger, workflow_id: str) -> list[str]:
        """Gives the other live workflows that start on the same trigger."""
        mark = trigger_mark(trigger)
        return [each for each in self._by_trigger.get(mark, ()) if each != workflow_id]

    def circle_of(self, workflow_id: str) -> Circle | None:
        """Gives the circle that a workflow is in."""
        return self._circles.get(workflow_id)


def links_of(
    definition: Definition, *, workflow_id: str, workflow_name: str = "", live: bool | None
) -> WorkflowLinks:
    """Gives what a location needs to remember of one workflow's definition."""
    at_once = _at_once(definition)
    tags = [trigger for trigger in definition.live_triggers if trigger.type == "contact_tag"]
    return WorkflowLinks(
        workflow_id=workflow_id,
        workflow_name=workflow_name or definition.name,
        live=live,
        allows_reentry=definition.settings.allow_multiple is True,
        calls=_named(definition.steps, "add_to_workflow"),
        calls_at_once=_named(at_once, "add_to_workflow"),
        adds_tags=_named(definition.steps, "add_contact_tag"),
        adds_tags_at_once=_named(at_once, "add_contact_tag"),
        removes_tags=_named(definition.steps, "remove_contact_tag"),
        removes_from=_named(definition.steps, "remove_from_workflow"),
        starts_on_tags=frozenset(tag for trigger in tags for tag in _added(trigger)),
        starts_on_tags_alone=frozenset(
            tag for trigger in tags if len(trigger.conditions or ()) == 1 for tag in _added(trigger)
        ),
        starts_on_any_tag=any(trigger.conditions == () for trigger in tags),
        starts_on_reply=any(each.type == "customer_reply" for each in definition.live_triggers),
        triggers=frozenset(filter(None, map(trigger_mark, definition.live_triggers))),
    )


def tag_name(tag: str) -> str:
    """Gives a tag as HighLevel compares it: lower case, its spaces alike."""
    return " ".join(tag.lower().split())


def called_workflows(step: Step) -> tuple[str, ...]:
    """Gives the ids of the workflows that a step adds to or removes from."""
    return values.texts(values.first(step.settings, "workflow_id", "workflowId"))


def trigger_mark(trigger: Trigger) -> str:
    """Gives the same text for triggers that start on the same; empty where that cannot be told."""
    if trigger.type not in TRIGGER_TYPES - OWN_ADDRESS_TRIGGERS or trigger.conditions is None:
        return ""
    conditions = sorted(
        (each.field, each.operator, *sorted(tag_name(value) for value in each.values))
        for each in trigger.conditions
    )
    identity = repr((trigger.type, trigger.timing, conditions))
    return sha256(identity.encode(errors="replace")).hexdigest()[:32]


def is_about_tags(condition: Condition) -> bool:
    """Says whether a trigger's condition names tags that are added."""
    field = condition.field.lower()
    removal = "remov" in field or "false" in condition.operator or "not" in condition.operator
    return "tag" in field and not removal


def _at_once(definition: Definition) -> list[Step]:
    steps = definition.steps
    pausing = {n for n, step in enumerate(steps) if may_pause(step.type)}
    return [steps[n] for n in definition.graph.at_once(pausing)]


def _named(steps: Iterable[Step], step_type: str) -> frozenset[str]:
    """Gives the workflows or tags that steps of a type name."""
    found = [step for step in steps if step.type == step_type]
    if step_type.endswith("_contact_tag"):
        return frozenset(tag_name(tag) for each in found for tag in tags_of(each))
    return frozenset(target for each in found for target in called_workflows(each))


def tags_of(step: Step) -> tuple[str, ...]:
    """Gives the tags that a step adds or removes, without those that depend on the contact."""
    return tuple(tag for tag in values.texts(step.settings.get("tags")) if "{{" not in tag)


def _added(trigger: Trigger) -> Iterator[str]:
    for condition in trigger.conditions or ():
        if is_about_tags(condition):
            yield from map(tag_name, condition.values)


def _circles(workflows: list[WorkflowLinks]) -> Iterator[Circle]:
    """Gives the circles, each workflow in one: those at once before those with pauses."""
    taken: set[str] = set()
    for at_once in (True, False):
        for members in _groups(workflows, at_once=at_once):
            if taken.isdisjoint(each.workflow_id for each in members):
                taken.update(each.workflow_id for each in members)
                yield Circle(
                    tuple(sorted(each.workflow_id for each in members)),
                    at_once,
                    any(each.allows_reentry for each in members),
                )


def _groups(workflows: list[WorkflowLinks], *, at_once: bool) -> Iterator[list[WorkflowLinks]]:
    """Gives the sets of workflows that lead round to themselves."""
    by_place = {("workflow", each.workflow_id): each for each in workflows}
    edges: dict[_Place, list[_Place]] = {place: [] for place in by_place}
    for source, target in _edges(workflows, at_once=at_once):
        edges.setdefault(source, []).append(target)
        edges.setdefault(target, [])
    places = list(edges)
    numbers = {place: n for n, place in enumerate(places)}
    graph = tuple(tuple(numbers[target] for target in edges[place]) for place in places)
    for group in strongly_connected(graph):
        members = [by_place[places[n]] for n in group if places[n] in by_place]
        if len(members) > 1 or (members and _goes_round_alone(members[0], at_once=at_once)):
            yield members


def _edges(workflows: list[WorkflowLinks], *, at_once: bool) -> Iterator[tuple[_Place, _Place]]:
    """Gives what starts what.

    Tags are places too: one that many add and many wait for makes a few edges, not a square.
    """
    for each in workflows:
        here = ("workflow", each.workflow_id)
        for called in each.calls_at_once if at_once else each.calls:
            yield here, ("workflow", called)
        for tag in each.adds_tags_at_once if at_once else each.adds_tags:
            yield here, ("tag", tag)
            yield ("tag", tag), _ANY_TAG
        for tag in each.starts_on_tags_alone if at_once else each.starts_on_tags:
            yield ("tag", tag), here
        if each.starts_on_any_tag and not at_once:
            yield _ANY_TAG, here


def _goes_round_alone(workflow: WorkflowLinks, *, at_once: bool) -> bool:
    """Says whether a workflow starts itself; by a tag only if it also takes that tag away.

    Nobody gets a tag they already have.
    """
    calls = workflow.calls_at_once if at_once else workflow.calls
    tags = workflow.adds_tags_at_once if at_once else workflow.adds_tags
    again = tags & workflow.starts_on_tags & workflow.removes_tags
    return workflow.workflow_id in calls or bool(again)
