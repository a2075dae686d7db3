"""Incidents, deliveries and caught mails."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.rest.models.shapes import Answer, words
from libs.contracts.notifier.v1 import notifier_pb2 as pb

IncidentStatusWord = Literal["open", "resolved"]
DeliveryStatusWord = Literal["pending", "delivered", "failed", "suppressed"]


class TestVerdict(Answer):
    """What became of a test at one target."""

    target_id: str
    channel: str
    target: str
    """Where it went, with the middle masked."""
    delivered: bool
    detail: str | None
    """What the other side said."""
    elapsed_ms: int


class TestVerdicts(Answer):
    """What became of a test alert."""

    delivered: bool
    """Whether every target accepted it."""
    items: list[TestVerdict] = Field(validation_alias="verdicts")


class Incident(Answer):
    """Something wrong, from its first event until it is over."""

    incident_id: str
    location_id: str | None
    """null when it is about many locations."""
    dedup_key: str
    status: Annotated[str, words(pb.IncidentStatus.DESCRIPTOR)]
    severity: Annotated[str, words(pb.Severity.DESCRIPTOR)]
    title: str
    workflow_id: str | None
    workflow_name: str | None
    event_count: int
    failure_count: int
    opened_at: AwareDatetime
    last_event_at: AwareDatetime | None
    resolved_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None
    """When somebody began to look after it."""
    acknowledged_by: str | None
    snoozed_until: AwareDatetime | None
    snoozed_until_worse: bool
    """Whether getting worse ends the snooze."""
    resolved_by: str | None
    """Who ended it by hand; null when it ended by itself."""
    cause: str | None
    fix: str | None
    """What helped, as told when it was ended by hand."""
    caused_by: str | None
    """The incident that stands for it, and is told in its stead."""


class Delivery(Answer):
    """A message to one target."""

    delivery_id: str
    location_id: str
    incident_id: str | None
    event_id: str | None
    target_id: str | None
    channel: str | None
    target: str | None
    """Where it goes, with the middle masked."""
    occasion: str | None
    """opened, reminder, update, resolved or summary."""
    message_id: str | None
    """What it goes out in; several share one when they are folded into one message."""
    subject: str | None
    status: Annotated[str, words(pb.DeliveryStatus.DESCRIPTOR)]
    suppressed_by: str | None
    """The silence or the incident that suppressed it."""
    suppressed_because: str | None
    """alerts_disabled, critical_alerts_disabled, silenced, inhibited, no_target,
    target_disabled, target_removed, below_severity_floor, not_wanted, monthly_cap, no_summaries,
    nothing_changed, already_waiting, no_open_incident, folded_into_resolved or
    superseded_by_opened."""
    attempts: int
    last_error: str | None
    last_code: int | None
    """The code of the last answer: HTTP status, or SMTP reply."""
    created_at: AwareDatetime
    next_attempt_at: AwareDatetime | None
    held_until: AwareDatetime | None
    held_because: str | None
    """settling (until it is certain that an end lasts), quiet_hours, digest or together."""
    delivered_at: AwareDatetime | None


class CaughtMail(Answer):
    """A mail that was kept because no mail server is configured."""

    message_id: str
    location_id: str | None
    caught_at: AwareDatetime
    sender: str | None
    recipient: str | None
    subject: str | None
    text: str | None
    html: str | None


class CaughtMails(Answer):
    """The last mails that were caught, newest first."""

    items: list[CaughtMail]
