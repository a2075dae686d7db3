"""A whole body: one execution or an array of them, each read or with its reason."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from gateway.payloads import decoding, keys, lenient, problems, strict
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest

LONGEST_WORKFLOW_ID = 64
MOST_REMEMBERED = 10_000
"""Workflow ids that are not looked at again; almost all webhooks come from the same ones."""
NO_WORKFLOW = "unknown"
"""Stands where a delivery names no workflow that can be one."""


class Reading(msgspec.Struct, frozen=True):
    """One item of a body. A struct is made in an eighth of a frozen dataclass's time."""

    content: pb.Execution | InvalidRequest
    """The execution, still without its location, or why it cannot be read."""
    workflow_id: str
    location_id: str | None
    """The location the item speaks of."""
    raw: Any
    """What it was read from: the body itself, or a value in its array."""
    key: str | None = None
    """The key it came with outside of it."""

    def body(self) -> bytes:
        """Gives what it was read from, for the quarantine."""
        if isinstance(self.raw, bytes):
            return self.raw
        try:
            return json.dumps(self.raw).encode()
        except RecursionError:
            return b""  # a depth that the reason already tells of


class Readings(msgspec.Struct, frozen=True):
    """What was found in a body."""

    items: Sequence[Reading]
    several: bool
    """Whether the body was an array, so that the answer is a list too."""


ReadItem = Callable[[Any, Any, int | None], Reading]
"""Reads a value, out of its raw form, at its place in an array."""


def read_leniently(body: bytes, workflow_id: str | None, key: str | None) -> Readings:
    """Reads what a webhook sent; what cannot be read comes back as an item with its reason.

    `workflow_id` is the path's and `key` the header `Idempotency-Key`. Raises
    only `TooManyItems`.
    """

    def item(value: Any, raw: Any, position: int | None) -> Reading:
        return _lenient_item(value, raw, workflow_id, keys.of_item(key, position))

    try:
        return _items(_unwrapped(decoding.leniently(body)), body, item)
    except problems.TooManyItems:
        raise  # of a body that large the quarantine keeps only a part
    except InvalidRequest as problem:
        unread = Reading(problem, usable_workflow_id(workflow_id) or NO_WORKFLOW, None, body, key)
        return Readings([unread], False)


def read_strictly(body: bytes, workflow_id: str | None, key: str | None) -> Readings:
    """Reads a request that must be right: an object, an array, or `{"executions": […]}`.

    Raises what is wrong with the body as a whole, or with its only object. A
    wrong item of an array hurts only itself and comes back with its problem.
    """

    def item(value: Any, raw: Any, position: int | None) -> Reading:
        return _strict_item(value, raw, workflow_id, keys.of_item(key, position))

    readings = _items(_unwrapped(decoding.strictly(body)), body, item)
    first = readings.items[0].content
    if not readings.several and isinstance(first, InvalidRequest):
        raise first
    return readings


def _items(value: Any, body: bytes, item: ReadItem) -> Readings:
    if not isinstance(value, list):
        return Readings([item(value, body, None)], False)
    if not value:
        raise problems.BodyEmpty
    if len(value) > problems.MOST_ITEMS:
        raise problems.TooManyItems
    return Readings([item(each, each, position) for position, each in enumerate(value)], True)


def _lenient_item(value: Any, raw: Any, in_path: str | None, key: str | None) -> Reading:
    workflow_id, location_id = usable_workflow_id(in_path), None
    content: pb.Execution | InvalidRequest
    try:
        sent = lenient.Body(_checked_object(value, raw))
        location_id = sent.location_id()
        workflow_id = workflow_id or _named_workflow(sent, in_path)
        content = sent.execution(key)
        content.workflow_id = workflow_id
    except InvalidRequest as problem:
        content = problem
    return Reading(content, workflow_id or NO_WORKFLOW, location_id, raw, key)


def _named_workflow(sent: lenient.Body, in_path: str | None) -> str:
    named = sent.workflow_id()
    if workflow_id := usable_workflow_id(named):
        return workflow_id
    raise problems.WorkflowIdWrong if in_path or named else problems.WorkflowMissing


def _strict_item(value: Any, raw: Any, in_path: str | None, key: str | None) -> Reading:
    try:
        read = strict.execution(_checked_object(value, raw), in_path, key)
    except InvalidRequest as problem:
        return Reading(problem, in_path or NO_WORKFLOW, None, raw)
    return Reading(read, read.workflow_id, read.location_id or None, raw)


def _checked_object(value: Any, raw: Any) -> dict[str, Any]:
    decoding.check_bounds(value, raw if isinstance(raw, bytes) else None)
    if not isinstance(value, dict):
        raise problems.BodyNotObject
    return value


def _unwrapped(value: Any) -> Any:
    wrapped = isinstance(value, dict) and len(value) == 1 and "executions" in value
    return value["executions"] if wrapped else value


def usable_workflow_id(workflow_id: str | None) -> str | None:
    """Gives the id when it can be one; a path may hold a merge field that HighLevel left."""
    if workflow_id is None or len(workflow_id) > LONGEST_WORKFLOW_ID:
        return None
    return workflow_id if _can_be_one(workflow_id) else None


@lru_cache(maxsize=MOST_REMEMBERED)
def _can_be_one(workflow_id: str) -> bool:
    visible = workflow_id.isprintable() and bool(workflow_id.strip())
    return visible and keys.is_filled_in(workflow_id)
