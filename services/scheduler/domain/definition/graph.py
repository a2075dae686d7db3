"""Where the steps of a workflow lead; every question is answered in linear time."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.scheduler.domain.definition.walking import (
    Successors,
    longest_weight,
    reached,
    strongly_connected,
)

MOST_ENTRIES_WEIGHED = 16
ENDS = frozenset({"end", "exit", "final", "finish", "none", "null", "stop"})
"""What some exports write where a step is the last."""


@dataclass(frozen=True, slots=True)
class Node:
    """A step as the graph sees it; `known` is false for a type that may do anything."""

    id: str
    parent: str
    leads_to: tuple[str, ...]
    declared: tuple[str, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class MissingLink:
    """A link of a step to an id that no step has."""

    position: int
    target: str


@dataclass(frozen=True, slots=True)
class Island:
    """Steps that no way leads to: where they begin, and how many there are."""

    position: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The links between steps, by their position in the definition.

    `linked` is false when the export has no links at all, and the steps are taken in their order.
    `complete` is false when there may be links that could not be read.
    """

    successors: Successors = ()
    entries: tuple[int, ...] = ()
    missing: tuple[MissingLink, ...] = ()
    islands: tuple[Island, ...] = ()
    unreached: frozenset[int] = frozenset()
    linked: bool = True
    complete: bool = True

    def after(self, positions: Iterable[int]) -> set[int]:
        """Gives the steps that can follow on one of these, sooner or later."""
        return reached(self.successors, [n for each in positions for n in self.successors[each]])

    def loops(self, *, without: Collection[int] = ()) -> Iterator[list[int]]:
        """Gives the sets of steps that lead round to themselves, leaving some steps out."""
        for group in strongly_connected(self.successors, frozenset(without)):
            if len(group) > 1 or group[0] in self.successors[group[0]]:
                yield sorted(group)

    def heaviest_way(self, weights: Sequence[int], *, ends: Collection[int] = ()) -> int:
        """Gives the greatest sum of weights on one way through the workflow, no round twice.

        At the `ends` a way is over, and behind each of them another begins.
        """
        cut = frozenset(ends)
        successors = tuple(() if n in cut else each for n, each in enumerate(self.successors))
        behind = [target for n in cut for target in self.successors[n]]
        return longest_weight(successors, [*self.entries, *sorted(behind)], weights)

    def at_once(self, pausing: Collection[int]) -> Iterator[int]:
        """Gives the steps that every contact passes at the start, before any pause or choice."""
        if len(self.entries) != 1:
            return
        position, passed = self.entries[0], set[int]()
        while position not in passed and position not in pausing:
            passed.add(position)
            yield position
            if len(self.successors[position]) != 1:
                return
            position = self.successors[position][0]


NO_STEPS = Graph()


def graph_of(nodes: Sequence[Node], *, complete: bool) -> Graph:
    """Gives the graph of steps; `complete` says whether all their links could be read."""
    if len(nodes) > 1 and not any(each.leads_to or each.declared for each in nodes):
        chain = tuple((n + 1,) if n + 1 < len(nodes) else () for n in range(len(nodes)))
        return Graph(successors=chain, entries=(0,), linked=False, complete=False)
    positions = {each.id: n for n, each in enumerate(nodes)}
    children = _children(nodes, positions)
    missing: list[MissingLink] = []
    successors = tuple(
        tuple(_targets(n, each, positions, children, missing)) for n, each in enumerate(nodes)
    )
    sources = _sources(nodes, successors, positions)
    entries = _entries(nodes, successors, sources, positions)
    unreached = frozenset(range(len(nodes))) - reached(successors, entries)
    return Graph(
        successors=successors,
        entries=entries,
        missing=tuple(missing),
        islands=tuple(_islands(successors, sources, entries)),
        unreached=unreached if complete else frozenset(),
        complete=complete,
    )


def _children(nodes: Sequence[Node], positions: Mapping[str, int]) -> Mapping[str, list[int]]:
    """Gives the steps below a branch that is no step of its own."""
    found: dict[str, list[int]] = {}
    for n, each in enumerate(nodes):
        if each.parent and each.parent not in positions:
            found.setdefault(each.parent, []).append(n)
    return found


def _targets(
    position: int,
    node: Node,
    positions: Mapping[str, int],
    children: Mapping[str, list[int]],
    missing: list[MissingLink],
) -> Iterator[int]:
    """Gives where a step leads; what leads nowhere goes to `missing`.

    Some exports write branches as steps, others only name them in the step that branches. A branch
    that is no step is missing only where its siblings are steps.
    """
    targets = dict.fromkeys(node.leads_to + node.declared)
    own_steps = any(each in positions for each in targets)
    for target in targets:
        if target in positions:
            yield positions[target]
        elif target in node.declared and target in children:
            yield from children[target]
        elif target.lower() in ENDS:
            continue
        elif target in node.leads_to and (own_steps or target not in node.declared):
            missing.append(MissingLink(position, target))


def _sources(
    nodes: Sequence[Node], successors: Successors, positions: Mapping[str, int]
) -> list[int]:
    """Gives a step of each group that nothing outside it points to, best candidates first."""
    groups = strongly_connected(successors)
    group_of = {position: n for n, group in enumerate(groups) for position in group}
    entered = {
        group_of[target]
        for position, targets in enumerate(successors)
        for target in targets
        if group_of[target] != group_of[position]
    }

    def rank(position: int) -> tuple[bool, bool, str]:
        node = nodes[position]
        return bool(node.parent), node.parent in positions, node.id

    heads = [min(group, key=rank) for n, group in enumerate(groups) if n not in entered]
    return sorted(heads, key=rank)


def _entries(
    nodes: Sequence[Node],
    successors: Successors,
    sources: Sequence[int],
    positions: Mapping[str, int],
) -> tuple[int, ...]:
    """Gives the step a contact starts with, and those that might be starts too.

    The builder writes at each step which one it was placed under: the start is under none. Where
    that does not decide, it is the step from which most can be reached. What a step of unknown
    type leads to we do not know, so what was placed under one counts as reached.
    """

    def is_strange(position: int) -> bool:
        above = positions.get(nodes[position].parent)
        return not (nodes[position].known if above is None else nodes[above].known)

    strangers = tuple(each for each in sources if is_strange(each))
    known = [each for each in sources if not is_strange(each)]
    if not known:
        return strangers

    def placing(position: int) -> tuple[bool, bool]:
        parent = nodes[position].parent
        return bool(parent), parent in positions

    best = [each for each in known if placing(each) == placing(known[0])][:MOST_ENTRIES_WEIGHED]
    start = max(best, key=lambda each: len(reached(successors, [each]))) if best[1:] else best[0]
    return (start, *strangers)


def _islands(
    successors: Successors,
    sources: Sequence[int],
    entries: Sequence[int],
) -> Iterator[Island]:
    seen = reached(successors, entries)
    for each in sources:
        if each not in seen:
            before = len(seen)
            reached(successors, [each], seen)
            yield Island(each, len(seen) - before)
