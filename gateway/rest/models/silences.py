"""Silences."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.rest import wire
from gateway.rest.models.shapes import Answer, Body, Moment, examples, words
from libs.contracts.notifier.v1 import notifier_pb2 as pb

SeverityWord = Literal["critical", "warning", "info"]


class SilenceBody(Body):
    """What to hear nothing of, until when, and why."""

    model_config = examples(
        {"endsAt": "2026-03-02T18:00:00Z", "reason": "The forms are being moved."},
        {
            "workflowId": "wf-welcome",
            "kinds": ["workflow_failing"],
            "upToSeverity": "warning",
            "endsAt": "2026-03-02T18:00:00Z",
            "reason": "Known, the provider works on it.",
        },
    )

    workflow_id: str = ""
    """Only this workflow; without one all of the location."""
    kinds: list[str] = Field(default_factory=list)
    """Only these kinds of events: workflow_failing, critical_finding and so on; else all."""
    up_to_severity: SeverityWord | None = None
    """Only what is at most so severe; else anything."""
    ends_at: Annotated[Moment, Field(strict=False)]
    """At most 90 days from now."""
    reason: str
    """1 to 1,000 characters."""

    def message(self, location_id: str, actor: str) -> pb.CreateSilenceRequest:
        """Gives the silence as somebody makes it; without a location it covers all of them."""
        return pb.CreateSilenceRequest(
            location_id=location_id,
            workflow_id=self.workflow_id,
            installation=not location_id,
            kinds=self.kinds,
            up_to_severity=wire.number(pb.Severity.DESCRIPTOR, self.up_to_severity),
            ends_at=wire.timestamp(self.ends_at),
            reason=self.reason,
            actor=actor,
        )


class Silence(Answer):
    """Suppresses what it covers until it ends."""

    silence_id: str
    location_id: str | None
    """null when it covers all locations."""
    workflow_id: str | None
    """null when it covers all of the location."""
    kinds: list[str]
    """All kinds when there are none."""
    up_to_severity: Annotated[str, words(pb.Severity.DESCRIPTOR)]
    reason: str
    created_by: str
    created_at: AwareDatetime
    ends_at: AwareDatetime
    expired_by: str | None
    """Who ended it early."""
    active: bool
    suppressed_count: int
    """How many messages it suppressed."""
