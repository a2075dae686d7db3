"""Lays steps out as GoHighLevel's builder does: in one flat list, linked by ids.

They are written one below the other. A step that branches comes last and has
`ways`: names, and the steps below each. An `if_else` says what is `asked`; the
ways of any other step are transitions. A step that is `loose` is one that the
step above it does not lead to.
"""

from collections.abc import Iterator, Sequence
from typing import Any

Step = dict[str, Any]
Steps = Sequence[Step]

NOTES = frozenset({"ways", "asked", "loose"})
"""What is written beside a step and is no part of the export."""


def laid_out(steps: Steps, ids: Iterator[str]) -> list[Step]:
    """Gives the steps with ids and links; a Go To leads to the first step of the name it has."""
    placed: list[Step] = []
    _place(steps, None, ids, placed)
    named = {each["name"]: each["id"] for each in reversed(placed)}
    for each in placed:
        if each["type"] == "goto":
            target = each["attributes"].get("targetNodeId")
            each["attributes"]["targetNodeId"] = named.get(target, target)
    return placed


def _place(steps: Steps, parent: str | None, ids: Iterator[str], placed: list[Step]) -> str:
    """Places steps one below the other; gives the id of the first."""
    first, above = "", parent
    before: Step | None = None
    for order, written in enumerate(steps):
        each = {key: value for key, value in written.items() if key not in NOTES}
        each |= {"id": next(ids), "order": order, "attributes": dict(written["attributes"])}
        if before is not None and not written.get("loose"):
            before["next"] = each["id"]
        if above:
            each["parentKey"] = above
        first = first or each["id"]
        placed.append(each)
        if "ways" in written:
            _branch(each, written, ids, placed)
            return first
        before, above = each, each["id"]
    return first


def _branch(node: Step, written: Step, ids: Iterator[str], placed: list[Step]) -> None:
    ways = [{"id": next(ids), "name": name} for name, _ in written["ways"]]
    node["next"] = [each["id"] for each in ways]
    asks = written["type"] == "if_else"
    if asks:
        _ask(node, written["asked"], ways[0])
    else:
        node["cat"] = "multi-path"
        node["attributes"]["transitions"] = [dict(each) for each in ways]
    for position, (each, (_, below)) in enumerate(zip(ways, written["ways"], strict=True)):
        each.update({"parent": node["id"], "parentKey": node["id"], "order": position})
        each.update(_answer(position) if asks else _transition())
        placed.append(each)
        if below:
            each["next"] = _place(below, each["id"], ids, placed)


def _ask(node: Step, asked: Step, yes: Step) -> None:
    node |= {"cat": "conditions", "nodeType": "condition-node"}
    segments = [{"operator": "and", "conditions": [asked]}]
    node["attributes"] |= {
        "branches": [{**yes, "operator": "and", "segments": segments}],
        "noneBranchName": "None",
    }


def _answer(position: int) -> Step:
    kind, attributes = ("branch-no", {"else": True}) if position else ("branch-yes", {"if": False})
    return {"type": "if_else", "cat": "conditions", "nodeType": kind, "attributes": attributes}


def _transition() -> Step:
    return {"type": "transition", "cat": "transition", "attributes": {}}
