"""What a program sends to have executions recorded, and what became of each."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field

from gateway.intake import Taken
from gateway.rest.models.shapes import Answer
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

_WORDS = {
    pb.RecordResult.OUTCOME_ACCEPTED: "accepted",
    pb.RecordResult.OUTCOME_DUPLICATE: "duplicate",
    pb.RecordResult.OUTCOME_QUARANTINED: "quarantined",
    pb.RecordResult.OUTCOME_REJECTED: "rejected",
}


class FieldError(Answer):
    """What is wrong with one field."""

    field: str
    message: str


class Recorded(Answer):
    """What became of one execution."""

    status: Annotated[str, Field(json_schema_extra={"enum": [*_WORDS.values()]})]
    execution_id: str | None = None
    """For a duplicate the id it was first recorded under; null for a run that started."""
    quarantine_id: str | None = None
    """Its id in GET /api/quarantine, when it was quarantined."""
    reason: str | None = None
    """Why it was quarantined or rejected."""
    detail: str | None = None
    """The same for people."""
    errors: list[FieldError] = Field(default_factory=list)

    @classmethod
    def told(cls, result: pb.RecordResult) -> Self:
        """Gives what ingestion says of an item."""
        wrong = [FieldError(field=result.field, message=result.message)] if result.field else []
        return cls(
            status=_WORDS[result.outcome],
            execution_id=result.execution_id or None,
            reason=result.reason or None,
            detail=result.message or None,
            errors=wrong,
        )

    @classmethod
    def taken(cls, taken: Taken) -> Self:
        """Gives what became of an item that was read leniently."""
        kept_as = "quarantine_id" if taken.status == "quarantined" else "execution_id"
        problem = taken.problem
        return cls(
            status=taken.status,
            **{kept_as: taken.kept_as or None},
            reason=problem.reason if problem else None,
            detail=problem.message if problem else None,
        )

    @classmethod
    def refused(cls, problem: problems.Problem) -> Self:
        """Gives what an item is told that never reached ingestion."""
        return cls(
            status="rejected",
            reason=problem.reason,
            detail=problem.message,
            errors=[FieldError.model_validate(each) for each in problem.fields],
        )


class Recordings(Answer):
    """What became of each execution, in the order of the request."""

    results: list[Recorded]


EXECUTION: Mapping[str, Any] = {
    "type": "object",
    "required": ["status", "workflowId"],
    "properties": {
        "status": {
            "type": "string",
            "enum": ["success", "failed", "partial", "started"],
            "description": "`started` opens a run that another one with the same `runId` ends; "
            "what is not ended within the workflow's limit (a day) counts as failed.",
        },
        "workflowId": {"type": "string", "maxLength": 64},
        "locationId": {"type": "string", "maxLength": 64},
        "workflowName": {"type": "string", "maxLength": 300},
        "failedActionId": {"type": "string", "maxLength": 200},
        "failedActionName": {"type": "string", "maxLength": 300},
        "errorMessage": {"type": "string", "description": "Above 8 KiB it is cut."},
        "executionTimeMs": {"type": "integer", "minimum": 0, "maximum": 31_536_000_000},
        "executedAt": {"type": "string", "format": "date-time", "description": "Default: now."},
        "runId": {"type": "string", "maxLength": 200, "description": "Your own id of the run."},
        "contactId": {
            "type": "string",
            "maxLength": 200,
            "description": "Whom it was about; only a keyed hash of it is kept.",
        },
    },
}

BODY: Mapping[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    EXECUTION,
                    {"type": "array", "minItems": 1, "maxItems": 500, "items": EXECUTION},
                ]
            },
            "examples": {
                "one": {
                    "value": {
                        "workflowId": "wf-welcome",
                        "status": "failed",
                        "workflowName": "Welcome",
                        "failedActionName": "Send SMS",
                        "errorMessage": "The phone number is not valid",
                        "executionTimeMs": 1200,
                    }
                },
                "several": {
                    "value": [
                        {"workflowId": "wf-welcome", "status": "success", "runId": "run-1"},
                        {"workflowId": "wf-renewal", "status": "partial", "runId": "run-2"},
                    ]
                },
            },
        }
    },
}
