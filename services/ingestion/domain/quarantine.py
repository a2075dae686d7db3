"""Deliveries that could not be read, and how much of them may be shown."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from libs import problems
from services.ingestion.domain.text import cut

LARGEST_BODY = 64 * 1024
LARGEST_SHOWN = 4 * 1024
LONGEST_VALUE = 100
HIDDEN = "…"

OUR_FIELDS = frozenset(
    {
        "status",
        "workflowid",
        "workflowname",
        "failedactionid",
        "failedactionname",
        "executiontimems",
        "executedat",
        "runid",
        "executionid",
        "webhookid",
        "locationid",
    }
)
"""Fields that say something about the run and nothing about a contact.

`errorMessage` is not among them: it likes to name who could not be reached.
"""

OUR_OBJECTS: Mapping[str, frozenset[str]] = {
    "customdata": OUR_FIELDS,
    "workflow": frozenset({"id", "name"}),
    "location": frozenset({"id"}),
}
NOTHING: frozenset[str] = frozenset()

# A merge field in the wrong place puts a contact where the status should be.
_PERSONAL = re.compile(r"\S+@\S*|(?<!\d)(?!\d{4}-\d\d-\d\d)\+?\(?\d[\d\s()./-]{7,}\d")


class QuarantinedNotFound(problems.NotFound):
    """No unread delivery has this id: it was replayed already, or it is older than 30 days."""

    reason = "QUARANTINED_NOT_FOUND"


class QuarantinedCut(problems.WrongState):
    """The body was above 64 KiB and its end was not kept; send the execution again instead."""

    reason = "QUARANTINED_CUT"


class QuarantinedSealed(problems.WrongState):
    """The key that encrypted the body is missing; add it to the end of ENCRYPTION_KEYS again."""

    reason = "QUARANTINED_SEALED"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadDelivery:
    """A delivery at the webhook door that could not be read as an execution."""

    location_id: str
    workflow_id: str
    reason: str
    detail: str = ""
    body: bytes = b""
    content_type: str = ""
    idempotency_key: str = ""
    """The caller's key, where it was not in the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedDelivery:
    """The same as it is shown."""

    quarantine_id: str
    location_id: str
    workflow_id: str
    received_at: datetime
    reason: str
    detail: str
    redacted_body: str
    body_size: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class OpenedDelivery:
    """The same with its body, for whoever can read it again; never logged."""

    delivery: QuarantinedDelivery
    body: bytes
    content_type: str
    idempotency_key: str


def redacted(body: bytes) -> str:
    """Gives a body with every value but our own replaced; empty when it is not JSON we can read."""
    if len(body) > LARGEST_BODY:
        return ""
    try:
        # Numbers stay text: Python refuses to read very long ones.
        content = json.loads(body, parse_int=str)
        shown = json.dumps(_shown(content, OUR_FIELDS), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    return cut(shown, LARGEST_SHOWN)


def _shown(value: object, ours: frozenset[str]) -> object:
    if isinstance(value, dict):
        return {_shown_name(name): _shown_member(name, each, ours) for name, each in value.items()}
    if isinstance(value, list):
        return [_shown(each, ours) for each in value]
    return HIDDEN


def _shown_member(name: str, value: object, ours: frozenset[str]) -> object:
    plain = name.replace("_", "").lower()
    if isinstance(value, dict | list):
        return _shown(value, OUR_OBJECTS.get(plain, NOTHING) if ours is OUR_FIELDS else NOTHING)
    if plain in ours:
        return _harmless(value)
    return HIDDEN


def _harmless(value: object) -> object:
    return _PERSONAL.sub(HIDDEN, value[:LONGEST_VALUE]) if isinstance(value, str) else value


def _shown_name(name: str) -> str:
    return _PERSONAL.sub(HIDDEN, name[:LONGEST_VALUE])
