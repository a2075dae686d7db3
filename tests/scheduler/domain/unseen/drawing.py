"""Draws a workflow step by step, as people do in the builder, and exports it in one of its dialects."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

Draw = Callable[[], None]
Way = tuple[str, Draw]
HEX = "0123456789abcdef"


@dataclass
class Node:
    """One step on the canvas."""

    id: str
    type: str
    name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    next: list[str] = field(default_factory=list)
    parent: str = ""
    node_type: str = ""
    siblings: list[str] = field(default_factory=list)


@dataclass
class Flow:
    """One workflow, before it is written down."""

    id: str
    name: str
    nodes: list[Node] = field(default_factory=list)
    triggers: list[dict[str, Any]] = field(default_factory=list)
    status: str = "published"
    settings: dict[str, Any] = field(default_factory=dict)

    def of_type(self, *types: str) -> list[Node]:
        """Gives the steps of some types that do something, in the order they were drawn."""
        return [
            node
            for node in self.nodes
            if node.type in types and not node.node_type.startswith("branch")
        ]

    def node(self, node_id: str) -> Node:
        """Gives a step."""
        return next(node for node in self.nodes if node.id == node_id)

    def leading_to(self, node_id: str) -> list[Node]:
        """Gives the steps that point to one."""
        return [
            node
            for node in self.nodes
            if node_id in node.next or node.attributes.get("targetNodeId") == node_id
        ]

    def copy(self) -> "Flow":
        """Gives a copy to spoil."""
        return deepcopy(self)


def an_id(random: Random) -> str:
    """Gives an id as the builder makes them."""
    parts = ("".join(random.choices(HEX, k=length)) for length in (8, 4, 4, 4, 12))
    return "-".join(parts)


class Canvas:
    """Where one workflow is drawn: the next step is joined to whatever is still open."""

    def __init__(self, random: Random, flow: Flow) -> None:
        self.random = random
        self.flow = flow
        self._open: list[Node] = []

    def step(self, kind: str, name: str, **attributes: Any) -> Node:
        """Adds a step."""
        node = Node(an_id(self.random), kind, name, attributes)
        self._join(node)
        self.flow.nodes.append(node)
        self._open = [node]
        return node

    def choice(self, name: str, ways: Sequence[tuple[str, dict[str, Any], Draw]], no: Way) -> None:
        """Adds an If/Else: ways with a condition each, and what happens to everybody else.

        Afterwards the drawing goes on at the end of the first way; the others have ended.
        """
        head = self.step("if_else", name)
        head.node_type = "condition-node"
        nodes = [self._branch(head, label, "branch-yes") for label, _, _ in ways]
        other = self._branch(head, no[0], "branch-no")
        other.attributes["else"] = True
        head.attributes |= {
            "noneBranchName": no[0],
            "branches": [
                {
                    "id": node.id,
                    "name": label,
                    "operator": "or",
                    "segments": [{"operator": "and", "conditions": [condition]}],
                }
                for node, (label, condition, _) in zip(nodes, ways, strict=True)
            ],
        }
        for node in (*nodes, other):
            node.siblings = [each.id for each in (*nodes, other) if each is not node]
        self._along([(node, way[2]) for node, way in zip(nodes, ways, strict=True)], other, no[1])

    def transitions(self, head: Node, ways: Sequence[tuple[dict[str, Any], Draw]]) -> None:
        """Gives a multi-path step its ways; the drawing goes on at the end of the first."""
        nodes = []
        for about, _ in ways:
            node = Node(an_id(self.random), "transition", about["name"], {}, parent=head.id)
            self.flow.nodes.append(node)
            nodes.append(node)
        head.next = [node.id for node in nodes]
        head.attributes["transitions"] = [
            {"id": node.id, **about} for node, (about, _) in zip(nodes, ways, strict=True)
        ]
        *most, last = zip(nodes, (draw for _, draw in ways), strict=True)
        self._along(most, *last)

    def go_to(self, name: str, target: Node) -> None:
        """Ends the way here and goes on elsewhere."""
        self.step("goto", name, targetNodeId=target.id)
        self._open = []

    def _branch(self, head: Node, label: str, kind: str) -> Node:
        node = Node(an_id(self.random), "if_else", label, {}, parent=head.id, node_type=kind)
        self.flow.nodes.append(node)
        head.next.append(node.id)
        return node

    def _along(self, ways: Sequence[tuple[Node, Draw]], last: Node, draw_last: Draw) -> None:
        goes_on: list[Node] = []
        for position, (node, draw) in enumerate([*ways, (last, draw_last)]):
            self._open = [node]
            draw()
            if position == 0:
                goes_on = self._open
        self._open = goes_on

    def _join(self, node: Node) -> None:
        for each in self._open:
            each.next.append(node.id)
            node.parent = each.id


@dataclass(frozen=True)
class Dialect:
    """How one exporter writes."""

    steps: str
    kind: str
    id: str
    envelope: str = ""
    lists_links: bool = False
    """Whether also a single link is a list."""
    scalars: bool = False
    """Whether a list of one is written as its only entry."""
    camera: bool = False
    """Whether positions on the canvas and other things of no meaning are written too."""


DIALECTS = (
    Dialect("templates", "type", "id", envelope="workflowData", camera=True),
    Dialect("templates", "type", "id", envelope="workflowData", scalars=True),
    Dialect("steps", "type", "id", lists_links=True),
    Dialect("actions", "type", "id", scalars=True),
    Dialect("nodes", "actionType", "_id", camera=True),
    Dialect("steps", "actionType", "_id", envelope="workflow"),
)


def exported(flow: Flow, dialect: Dialect, random: Random) -> dict[str, Any]:
    """Writes a workflow down."""
    steps = [_written(node, dialect, random) for node in flow.nodes]
    about = {
        "_id" if dialect.id == "_id" else "id": flow.id,
        "name": flow.name,
        "status": flow.status,
        "version": random.randint(1, 60),
        "locationId": "loc-unseen",
        **flow.settings,
    }
    triggers = [_trigger(each, dialect) for each in flow.triggers]
    if dialect.envelope == "workflow":
        return {"workflow": {**about, dialect.steps: steps}, "triggers": triggers}
    if dialect.envelope:
        return {**about, dialect.envelope: {dialect.steps: steps}, "triggers": triggers}
    return {**about, dialect.steps: steps, "triggers": triggers}


def _written(node: Node, dialect: Dialect, random: Random) -> dict[str, Any]:
    written: dict[str, Any] = {
        dialect.id: node.id,
        dialect.kind: node.type,
        "name": node.name,
        "order": random.randint(0, 40),
        "attributes": _attributes(node.attributes, scalars=dialect.scalars),
    }
    branching = node.node_type == "condition-node" or "transitions" in node.attributes
    if len(node.next) == 1 and not branching and not dialect.lists_links:
        written["next"] = node.next[0]
    elif node.next:
        written["next"] = node.next
    elif random.random() < 0.5:
        written["next"] = None
    if node.parent:
        written["parentKey"] = node.parent
    if node.node_type:
        written |= {"nodeType": node.node_type, "cat": "conditions"}
    if node.siblings:
        written |= {"sibling": node.siblings, "parent": node.parent}
    if dialect.camera:
        written["position"] = {"x": random.randint(-900, 900), "y": random.randint(0, 9000)}
        written["advanceCanvasMeta"] = {"collapsed": False}
    return written


def _attributes(attributes: dict[str, Any], *, scalars: bool) -> dict[str, Any]:
    plain = ("tags", "user_list", "workflow_id", "attachments")
    return {
        key: value[0]
        if scalars and key in plain and isinstance(value, list) and len(value) == 1
        else value
        for key, value in attributes.items()
    }


def _trigger(trigger: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    about = dict(trigger)
    return {dialect.id: about.pop("id"), **about}


def texts_of(flow: Flow) -> Iterator[tuple[dict[str, Any], str]]:
    """Gives where messages to contacts are written: the attributes, and the key in them."""
    for node in flow.of_type("sms", "email"):
        for key in ("body", "html", "subject"):
            if isinstance(node.attributes.get(key), str):
                yield node.attributes, key
