"""Definitions that are uploaded: what is refused, and what is understood of the others."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from libs import problems
from services.scheduler.domain.definition import Definition, read_definition, values
from services.scheduler.domain.workflow import ListedWorkflow

LARGEST = 2 * 1024**2
DEEPEST = 64
MOST_TYPES = 40


class DefinitionTooLarge(problems.InvalidRequest):
    """The definition must be at most 2 MiB."""

    reason = "DEFINITION_TOO_LARGE"


class DefinitionNotJson(problems.InvalidRequest):
    """The definition must be the JSON that the workflow builder exports, in UTF-8."""

    reason = "DEFINITION_NOT_JSON"


class DefinitionTooDeep(problems.InvalidRequest):
    """The definition must be at most 64 levels deep."""

    reason = "DEFINITION_TOO_DEEP"


class DefinitionWithoutSteps(problems.InvalidRequest):
    """There is no list of steps in it; upload the whole export of one workflow."""

    reason = "DEFINITION_WITHOUT_STEPS"


class Origin(StrEnum):
    """Where a definition came from."""

    GHL = "ghl"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDefinition:
    """A definition that is kept, without its content."""

    workflow_id: str
    origin: Origin
    read_at: datetime
    uploaded_by: str = ""
    name: str = ""
    status: str = ""
    step_count: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Understood:
    """A definition's content as it is kept, and what was understood of it."""

    content: bytes
    definition: Definition

    @property
    def digest(self) -> bytes:
        """The same for the same content."""
        return sha256(self.content).digest()

    @property
    def unknown_types(self) -> tuple[str, ...]:
        """Types of steps and triggers that no rule knows."""
        found = self.definition.unknown_step_types + self.definition.unknown_trigger_types
        return tuple(sorted(set(found)))[:MOST_TYPES]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What was understood of an uploaded definition; `unchanged` when it was there already."""

    workflow_id: str
    understood: Understood
    uploaded_at: datetime
    unchanged: bool


def state_of(workflow_id: str, definition: Definition) -> ListedWorkflow | None:
    """Gives what an export says of its workflow beside the steps; None when it has no version."""
    if definition.version is None:
        return None
    return ListedWorkflow(
        workflow_id=workflow_id,
        name=definition.name,
        status=definition.status,
        version=definition.version,
        updated_at=definition.updated_at,
    )


def understood(content: bytes) -> Understood:
    """Reads an uploaded definition; raises what is wrong with it."""
    if len(content) > LARGEST:
        raise DefinitionTooLarge.at("content")
    definition = read_definition(decoded(content))
    if not definition.readable:
        raise DefinitionWithoutSteps.at("content")
    return Understood(content, definition)


def decoded(content: bytes) -> object:
    """Gives the JSON value, at most 64 levels deep."""
    try:
        value = json.loads(content, parse_constant=_refused)
    except RecursionError:
        raise DefinitionTooDeep.at("content") from None
    except ValueError:
        raise DefinitionNotJson.at("content") from None
    if values.deeper_than(DEEPEST, value):
        raise DefinitionTooDeep.at("content")
    return value


def encoded(value: object) -> bytes:
    """Gives a JSON value as it is kept."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _refused(constant: str) -> None:
    raise ValueError(constant)
