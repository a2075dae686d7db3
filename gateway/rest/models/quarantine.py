"""Deliveries that could not be read, and what a person corrects in one."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from gateway.rest.models.shapes import Answer, Body, Moment, examples


class QuarantinedDelivery(Answer):
    """A delivery that could not be read; it is deleted after 30 days."""

    quarantine_id: str
    location_id: str
    workflow_id: str | None
    received_at: AwareDatetime | None
    reason: str
    detail: str | None
    redacted_body: str | None
    """The body with every value but our own fields replaced."""
    body_size: int
    truncated: bool
    """Whether the body was cut at 64 KiB."""


class ReplayBody(Body):
    """What stands in place of what the delivery says; the rest is read from it again."""

    model_config = examples(
        {"status": "failed"},
        {"status": "success", "workflowId": "wf-welcome", "workflowName": "Welcome"},
    )

    status: Literal["success", "failed", "partial", "started"] | None = None
    workflow_id: str | None = None
    """The workflow it belongs to; that of the path it came by when not given."""
    workflow_name: str | None = None
    failed_action_id: str | None = None
    failed_action_name: str | None = None
    error_message: str | None = None
    execution_time_ms: int | None = None
    executed_at: Annotated[Moment | None, Field(strict=False)] = None
    """When the run ended; when the delivery came if neither this nor the delivery says it."""
    run_id: str | None = None

    def corrections(self) -> dict[str, Any]:
        """Gives what was given, as a webhook's body would have it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
