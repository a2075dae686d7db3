"""Reads a definition of any shape: the builder's export, its aliases, or something else entirely."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from services.scheduler.domain.definition import values
from services.scheduler.domain.definition.graph import Graph, Node, graph_of
from services.scheduler.domain.definition.model import (
    Condition,
    Definition,
    Settings,
    Step,
    Trigger,
)
from services.scheduler.domain.definition.vocabulary import STEP_TYPES, TRIGGER_TYPES

MOST_STEPS = 5_000
MOST_TRIGGERS = 500
MOST_UNKNOWN = 20
ENVELOPES = ("workflow", "definition", "data", "result")
DEEPEST_ENVELOPE = 4
STEP_LISTS = ("templates", "steps", "actions", "nodes")
TRIGGER_LISTS = ("triggers", "data", "items")


def read_definition(content: object) -> Definition:
    """Gives what a definition says; never fails, whatever `content` is."""
    documents = tuple(_documents(content))
    for workflow in documents:
        raw_steps = _steps_in(workflow)
        if raw_steps is not None:
            return _read(workflow, raw_steps, documents)
    return Definition(readable=False, oddities=("no list of steps",))


def _read(
    workflow: Mapping[str, object],
    raw_steps: list[object],
    documents: tuple[Mapping[str, object], ...],
) -> Definition:
    notes = _Notes()
    steps = _steps(raw_steps, notes)
    triggers = _triggers(documents, notes)
    return Definition(
        readable=True,
        workflow_id=values.name(values.first(workflow, "id", "_id", "workflowId")),
        name=values.name(workflow.get("name")),
        status=values.name(workflow.get("status")).lower(),
        version=values.whole(workflow.get("version")),
        updated_at=values.moment(values.first(workflow, "updatedAt", "updated_at")),
        settings=_settings(workflow),
        steps=steps,
        triggers=triggers,
        graph=_graph(steps, complete=not notes.incomplete),
        unknown_step_types=_unknown((each.type for each in steps), STEP_TYPES),
        unknown_trigger_types=_unknown((each.type for each in triggers or ()), TRIGGER_TYPES),
        oddities=notes.told(),
    )


@dataclass(slots=True)
class _Notes:
    """What was not understood on the way; `incomplete` when links may be missing for it."""

    counts: Counter[str] = field(default_factory=Counter)
    incomplete: bool = False

    def add(self, what: str) -> None:
        self.counts[what] += 1

    def add_gap(self, what: str) -> None:
        self.add(what)
        self.incomplete = True

    def told(self) -> tuple[str, ...]:
        return tuple(
            what if count == 1 else f"{what} ({count} times)" for what, count in self.counts.items()
        )


def _documents(content: object) -> Iterator[Mapping[str, object]]:
    """Gives the document and what it wraps, outermost first."""
    if isinstance(content, list) and all(_like_a_step(each) for each in content):
        content = {"steps": content} if content else None
    for _ in range(DEEPEST_ENVELOPE):
        if not isinstance(content, Mapping):
            return
        yield content
        content = next(
            (content[key] for key in ENVELOPES if isinstance(content.get(key), Mapping)), None
        )


def _like_a_step(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and "type" in value
        and ("next" in value or "attributes" in value)
    )


def _steps_in(document: Mapping[str, object]) -> list[object] | None:
    inner = document.get("workflowData")
    for source in (inner, document):
        if isinstance(source, Mapping):
            for key in STEP_LISTS:
                if isinstance(found := source.get(key), list):
                    return found
    return None


def _settings(workflow: Mapping[str, object]) -> Settings:
    return Settings(
        allow_multiple=values.flag(values.first(workflow, "allowMultiple", "allow_multiple")),
        stop_on_response=values.flag(values.first(workflow, "stopOnResponse", "stop_on_response")),
        pauses_on_dates=not values.blank(workflow.get("scheduledPauseDates")),
    )


def _steps(found: list[object], notes: _Notes) -> tuple[Step, ...]:
    if len(found) > MOST_STEPS:
        notes.add_gap(f"more than {MOST_STEPS} steps; only the first {MOST_STEPS} were read")
    steps: list[Step] = []
    taken: set[str] = set()
    for position, raw in enumerate(found[:MOST_STEPS], start=1):
        if not isinstance(raw, Mapping):
            notes.add_gap("an entry among the steps that is no step")
            continue
        step = _step(raw, position)
        if step.id in taken:
            notes.add_gap("two steps with one id")
            continue
        if not step.readable_links:
            notes.add_gap("a step whose links could not be read")
        if not step.type:
            notes.add("a step without a type")
        taken.add(step.id)
        steps.append(step)
    return tuple(steps)


def _step(raw: Mapping[str, object], position: int) -> Step:
    attributes = values.first(raw, "attributes", "config", "parameters")
    settings = dict(attributes) if isinstance(attributes, Mapping) else {}
    kind = values.name(values.first(raw, "type", "actionType")) or values.name(settings.get("type"))
    leads_to, readable = _ids(raw.get("next"))
    if kind == "goto":
        target, fine = _ids(values.first(settings, "targetNodeId", "target"))
        leads_to, readable = target + leads_to, readable and fine
    return Step(
        id=values.name(values.first(raw, "id", "_id")) or f"#{position}",
        type=kind,
        name=values.name(raw.get("name")),
        attributes=MappingProxyType(settings) if isinstance(attributes, Mapping) else None,
        node_type=values.name(raw.get("nodeType")),
        parent=values.name(values.first(raw, "parentKey", "parent")),
        leads_to=tuple(dict.fromkeys(leads_to)),
        declared=tuple(dict.fromkeys(_declared(settings))),
        readable_links=readable,
    )


def _ids(value: object) -> tuple[tuple[str, ...], bool]:
    """Gives the ids in a link, and whether it held nothing else."""
    entries = value if isinstance(value, list) else [value]
    if len(entries) > values.MOST_VALUES:
        return (), False
    ids = tuple(found for each in entries if (found := values.name(each)))
    return ids, all(values.blank(each) or isinstance(each, str | int) for each in entries)


def _declared(settings: Mapping[str, object]) -> Iterator[str]:
    for key in ("branches", "transitions"):
        for each in values.objects(settings.get(key)):
            if found := values.name(each.get("id")):
                yield found


def _triggers(
    documents: Iterable[Mapping[str, object]], notes: _Notes
) -> tuple[Trigger, ...] | None:
    for document in documents:
        inner = document.get("workflowData")
        for source in (document, inner if isinstance(inner, Mapping) else {}):
            found = source.get("triggers")
            if isinstance(found, Mapping):
                found = next(
                    (found[k] for k in TRIGGER_LISTS if isinstance(found.get(k), list)), None
                )
            if isinstance(found, list):
                return tuple(_each_trigger(found, notes))
    return None


def _each_trigger(found: list[object], notes: _Notes) -> Iterator[Trigger]:
    for position, raw in enumerate(found[:MOST_TRIGGERS], start=1):
        if not isinstance(raw, Mapping):
            notes.add("an entry among the triggers that is no trigger")
        elif values.flag(raw.get("deleted")) is not True:
            yield _trigger(raw, position)


def _trigger(raw: Mapping[str, object], position: int) -> Trigger:
    listed = [_conditions(raw.get(key)) for key in ("conditions", "filters")]
    known = [each for each in listed if each is not None]
    return Trigger(
        id=values.name(values.first(raw, "id", "_id")) or f"trigger #{position}",
        type=values.name(values.first(raw, "type", "triggerType")),
        name=values.name(raw.get("name")),
        active=values.flag(raw.get("active")),
        conditions=max(known, key=len) if known else None,
        timing=_flat(values.first(raw, "schedule_config", "scheduleConfig")),
    )


def _conditions(found: object) -> tuple[Condition, ...] | None:
    if not isinstance(found, list):
        return None
    return tuple(_condition(each) for each in found[: values.MOST_VALUES])


def _condition(raw: object) -> Condition:
    if not isinstance(raw, Mapping):
        return Condition("", "", (_flat(raw),), readable=False)
    value = raw.get("value")
    entries = values.listed(value)
    return Condition(
        field=values.name(values.first(raw, "field", "filterField")),
        operator=values.name(raw.get("operator")).lower(),
        values=tuple(_flat(each) for each in entries),
        readable=all(isinstance(each, str | int | float) for each in entries),
    )


def _flat(value: object) -> str:
    """Gives a value as one text that is the same for the same value."""
    if value is None or isinstance(value, str | int | float):
        return values.text(value) if not isinstance(value, bool) else str(value)
    return "\x1f".join(sorted(f"{key}={each}" for key, each in values.strings(value)))


def _graph(steps: tuple[Step, ...], *, complete: bool) -> Graph:
    nodes = [
        Node(
            each.id,
            each.parent,
            each.leads_to,
            each.declared,
            known=each.type in STEP_TYPES,
        )
        for each in steps
    ]
    return graph_of(nodes, complete=complete)


def _unknown(types: Iterable[str], known: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted({each for each in types if each and each not in known})[:MOST_UNKNOWN])
