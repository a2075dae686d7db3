"""Walks over directed graphs, without recursion and in linear time."""

from collections.abc import Collection, Iterable, Sequence

Successors = tuple[tuple[int, ...], ...]


def reached(
    successors: Successors, starts: Iterable[int], seen: set[int] | None = None
) -> set[int]:
    """Gives the starts and all that can be reached from them, added to what was `seen` before."""
    found = set[int]() if seen is None else seen
    waiting = list(starts)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(successors[each])
    return found


def strongly_connected(
    successors: Successors, without: Collection[int] = frozenset()
) -> list[list[int]]:
    """Gives the groups in which every node leads to every other, each node in one group."""
    search = _GroupSearch(successors, without)
    for root in range(len(successors)):
        if root not in search.order and root not in without:
            search.walk(root)
    return search.groups


def longest_weight(successors: Successors, starts: Collection[int], weights: Sequence[int]) -> int:
    """Gives the greatest sum of weights on one way from a start; a way back is not taken."""
    best: dict[int, int] = {}
    on_the_way: set[int] = set()
    for start in starts:
        trail = [start]
        while trail:
            node = trail[-1]
            if node in best:
                trail.pop()
                continue
            if node not in on_the_way:
                on_the_way.add(node)
                ahead = [n for n in successors[node] if n not in best and n not in on_the_way]
                if ahead:
                    trail.extend(ahead)
                    continue
            trail.pop()
            on_the_way.discard(node)
            best[node] = weights[node] + max((best.get(n, 0) for n in successors[node]), default=0)
    return max((best[start] for start in starts if start in best), default=0)


class _GroupSearch:
    """Tarjan's algorithm with a trail of its own: a chain of 5,000 steps is no depth."""

    def __init__(self, successors: Successors, without: Collection[int]) -> None:
        self._successors = successors
        self._without = without
        self._lowest: dict[int, int] = {}
        self._open: list[int] = []
        self._is_open: set[int] = set()
        self.order: dict[int, int] = {}
        self.groups: list[list[int]] = []

    def walk(self, root: int) -> None:
        """Visits all that can be reached from a node."""
        trail = [(root, 0)]
        while trail:
            node, edge = trail.pop()
            if edge == 0:
                self._enter(node)
            deeper = self._next_unvisited(node, edge)
            if deeper is not None:
                trail += [(node, deeper + 1), (self._successors[node][deeper], 0)]
                continue
            if self._lowest[node] == self.order[node]:
                self._close(node)
            if trail:
                above = trail[-1][0]
                self._lowest[above] = min(self._lowest[above], self._lowest[node])

    def _enter(self, node: int) -> None:
        self.order[node] = self._lowest[node] = len(self.order)
        self._open.append(node)
        self._is_open.add(node)

    def _next_unvisited(self, node: int, start: int) -> int | None:
        """Gives the place of the next edge to follow, noting on the way what leads back."""
        targets = self._successors[node]
        for place in range(start, len(targets)):
            target = targets[place]
            if target in self._without:
                continue
            if target not in self.order:
                return place
            if target in self._is_open:
                self._lowest[node] = min(self._lowest[node], self.order[target])
        return None

    def _close(self, node: int) -> None:
        group: list[int] = []
        while not group or group[-1] != node:
            group.append(self._open.pop())
            self._is_open.discard(group[-1])
        self.groups.append(group)
