"""What is known of workflows, how they changed, and their definitions."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AwareDatetime

from gateway.rest.models.shapes import Answer, words
from gateway.rest.models.transfers import NDJSON
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb


class KeptDefinition(Answer):
    """A definition that is kept; its content is not given back."""

    origin: Annotated[str, words(pb.KeptDefinition.Origin.DESCRIPTOR)]
    """`ghl`: GoHighLevel's workflow API gave it; `upload`: somebody uploaded it."""
    read_at: AwareDatetime | None
    uploaded_by: str | None
    step_count: int
    size: int
    """In bytes."""


class WorkflowSnapshot(Answer):
    """A workflow as GoHighLevel's list last showed it."""

    workflow_id: str
    name: str | None
    status: str | None
    """GoHighLevel's word (published, draft); null when its list never had the workflow."""
    version: int | None
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    first_seen_at: AwareDatetime | None
    last_seen_at: AwareDatetime | None
    vanished_at: AwareDatetime | None
    """Since when the list has it no more."""
    definitions: list[KeptDefinition]


class WorkflowChange(Answer):
    """What became different about a workflow in GoHighLevel."""

    workflow_id: str
    kind: Annotated[str, words(pb.WorkflowChange.Kind.DESCRIPTOR)]
    changed_at: AwareDatetime | None
    name: str | None
    status: str | None
    version: int | None
    previous_name: str | None
    previous_status: str | None
    previous_version: int | None


class UploadedDefinition(Answer):
    """What was understood of a definition."""

    workflow_id: str
    name: str | None
    status: str | None
    step_count: int
    trigger_count: int | None
    """null when the export leaves the triggers out."""
    unknown_types: list[str]
    """Types of steps and triggers that no rule knows; they are no finding."""
    oddities: list[str]
    """What of its shape was not understood."""
    size: int
    """In bytes."""
    uploaded_at: AwareDatetime | None
    unchanged: bool
    """Whether the same content was there already."""


class RejectedDefinition(Answer):
    """A line that is no definition."""

    line: int
    """The first line is 1."""
    workflow_id: str | None
    reason: str
    detail: str
    """What to do about it."""


class UploadedDefinitions(Answer):
    """What became of many definitions."""

    accepted: int
    unchanged: int
    """Those of the accepted ones that were there already."""
    rejected: int
    rejected_lines: list[RejectedDefinition]
    """The first 100 of them."""


_STEPS = '"steps": [{"id": "s1", "type": "sms", "name": "Send SMS", "attributes": {"body": "Hi"}}]'

DEFINITION: Mapping[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "object", "description": "The export of the workflow builder."},
            "examples": {
                "one step": {
                    "value": {
                        "name": "Welcome",
                        "status": "published",
                        "steps": [
                            {
                                "id": "s1",
                                "type": "sms",
                                "name": "Send SMS",
                                "attributes": {"body": "Hi"},
                            }
                        ],
                    }
                }
            },
        }
    },
}
DEFINITIONS: Mapping[str, Any] = {
    "required": True,
    "content": {
        NDJSON: {
            "schema": {"type": "string"},
            "examples": {
                "two workflows": {
                    "value": f'{{"id": "wf-welcome", "name": "Welcome", {_STEPS}}}\n'
                    f'{{"id": "wf-reminder", "name": "Reminder", {_STEPS}}}\n'
                }
            },
        }
    },
}
