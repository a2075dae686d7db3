"""History on its way in and out."""

from collections.abc import Mapping
from typing import Any, Literal

from gateway.rest.models.shapes import Answer

FormatWord = Literal["ndjson", "csv"]
NDJSON, CSV = "application/x-ndjson", "text/csv"


class RejectedLine(Answer):
    """A line that was not imported."""

    line: int
    """Where it begins in the file; the first line is 1."""
    reason: str
    field: str | None
    detail: str | None
    """What to do about it."""


class Imported(Answer):
    """What became of a file."""

    accepted: int
    """Executions that were added."""
    duplicates: int
    """Executions that were known before."""
    rejected: int
    rejected_lines: list[RejectedLine]
    """The first 1,000 of them."""


EXPORT: Mapping[int | str, dict[str, Any]] = {
    200: {
        "description": "The executions, newest first.",
        "content": {each: {"schema": {"type": "string"}} for each in (NDJSON, CSV)},
    }
}
IMPORT: Mapping[str, Any] = {
    "required": True,
    "content": {
        NDJSON: {
            "schema": {"type": "string"},
            "examples": {
                "two runs": {
                    "value": '{"workflowId": "wf-welcome", "status": "success", '
                    '"executedAt": "2026-03-01T09:00:00Z"}\n'
                    '{"workflowId": "wf-welcome", "status": "failed", "errorMessage": "timeout", '
                    '"executedAt": "2026-03-01T10:00:00Z"}\n'
                }
            },
        },
        CSV: {
            "schema": {"type": "string"},
            "examples": {
                "one run": {
                    "value": "workflow_id,status,executed_at,execution_time_ms\n"
                    "wf-welcome,success,2026-03-01T09:00:00Z,1200\n"
                }
            },
        },
    },
}
