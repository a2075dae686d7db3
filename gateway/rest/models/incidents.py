"""What happened to an incident, and what people do with it."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from gateway.rest.models.alerts import Delivery, Incident
from gateway.rest.models.shapes import Answer, Body, Moment, examples


class NoteBody(Body):
    """What to say with a change."""

    model_config = examples({"note": "Looking into it."})

    note: str = ""
    """At most 1,000 characters."""


class SnoozeBody(Body):
    """How long to keep an incident quiet; whichever comes first, if both are given."""

    model_config = examples(
        {"until": "2026-03-02T18:00:00Z"},
        {"untilWorse": True, "note": "Known since yesterday."},
    )

    until: Annotated[Moment | None, Field(strict=False)] = None
    """At most 30 days from now."""
    until_worse: bool = False
    """Until it counts twice as many failures, or events where none are counted."""
    note: str = ""
    """At most 1,000 characters."""


class ResolveBody(Body):
    """What it was and what helped; the next alert of the same kind carries both."""

    model_config = examples({"cause": "The number was wrong.", "fix": "Corrected it in the form."})

    cause: str = ""
    """At most 1,000 characters."""
    fix: str = ""
    """At most 1,000 characters."""


class TimelineEvent(Answer):
    """An event as it counted in an incident."""

    event_id: str
    kind: str
    occurred_at: AwareDatetime | None


class DeliveryAttempt(Answer):
    """One try to deliver a message."""

    delivery_id: str
    verdict: str
    """delivered, later, doubtful, refused, gone or held."""
    code: int | None
    detail: str | None
    """What the other side said."""
    elapsed_ms: int
    ended_at: AwareDatetime


class IncidentAction(Answer):
    """Something that was done to an incident."""

    action: str
    """acknowledged, snoozed, woken, resolved, reopened, noted, reminded or updated."""
    actor: str | None
    """Null when it came due by itself."""
    note: str | None
    done_at: AwareDatetime


class TimelineEntry(Answer):
    """Something that happened to an incident: one of four sorts, the others are null."""

    at: AwareDatetime
    event: TimelineEvent | None
    delivery: Delivery | None
    attempt: DeliveryAttempt | None
    action: IncidentAction | None


class EarlierFix(Answer):
    """What helped when an incident of the same kind was ended by hand."""

    incident_id: str
    cause: str | None
    fix: str | None
    resolved_by: str | None
    resolved_at: AwareDatetime


class IncidentStory(Answer):
    """An incident with everything that happened to it."""

    incident: Incident
    timeline: list[TimelineEntry]
    """Newest first, at most the last 100 of each sort."""
    earlier_fixes: list[EarlierFix]
    affected: list[Incident]
    """The incidents that this one stands for, at most 500."""
