"""What all faults for workflows share: a workflow, its surroundings, and a place for the fault.

The faults are written from what HighLevel's documents say goes wrong, rule by rule.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.scheduler.domain.unseen.agencies import Agency
from tests.scheduler.domain.unseen.drawing import Flow, Node, an_id


@dataclass
class Case:
    """One workflow to spoil, with all that is around it."""

    agency: Agency
    flow: Flow
    random: Random
    others: dict[str, Flow] = field(default_factory=dict)
    """Other workflows that were spoilt with it, by id."""

    def starts_on(self, *words: str) -> bool:
        """Says whether the type of a trigger has one of these words in it."""
        return any(word in trigger["type"] for trigger in self.flow.triggers for word in words)

    def some(self, *types: str) -> Node:
        """Gives some step of these types."""
        return self.random.choice(found(self.flow.of_type(*types)))

    def new(self, kind: str, **attributes: Any) -> Node:
        """Gives a step that is not on the canvas yet."""
        return Node(an_id(self.random), kind, kind, attributes)

    def put_first(self, node: Node) -> None:
        """Puts a step before all others."""
        first = self.flow.nodes[0]
        node.next, first.parent = [first.id], node.id
        self.flow.nodes.insert(0, node)

    def other(self) -> Flow:
        """Gives another published workflow, to be spoilt too."""
        published = [each for each in self.agency.others(self.flow) if each.status == "published"]
        chosen = self.random.choice(published).copy()
        self.others[chosen.id] = chosen
        return chosen


class NoPlace(Exception):
    """This workflow has no place for this fault."""


def found(places: list[Any]) -> list[Any]:
    """Gives the places, of which there must be one."""
    if not places:
        raise NoPlace
    return places


Way = Callable[[Case], None]


class Spoilers(dict[str, list[Way]]):
    """By rule, the ways to make its fault."""

    def of(self, rule_id: str) -> Callable[[Way], Way]:
        """Registers a way to make the fault of a rule."""

        def registered(way: Way) -> Way:
            self.setdefault(rule_id, []).append(way)
            return way

        return registered
