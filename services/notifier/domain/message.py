"""What people and programs are told, before a channel gives it its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.notifier.domain import wording
from services.notifier.domain.event import (
    AboutWorkflow,
    Event,
    Severity,
    payload_of,
    rfc3339,
)
from services.notifier.domain.incident import EarlierFix, Incident, IncidentStatus, opened_by
from services.notifier.domain.links import Links
from services.notifier.domain.text import cut
from services.notifier.domain.wording import Fact, Listing


class Occasion(StrEnum):
    """Why a message goes out."""

    OPENED = "opened"
    RAISED = "raised"
    REMINDER = "reminder"
    UPDATE = "update"
    RESOLVED = "resolved"
    SUMMARY = "summary"
    TARGET = "target"
    FOLDED = "folded"
    TEST = "test"


_TYPES = {
    Occasion.OPENED: "incident.opened",
    Occasion.RAISED: "incident.raised",
    Occasion.REMINDER: "incident.reminder",
    Occasion.UPDATE: "incident.updated",
    Occasion.RESOLVED: "incident.resolved",
    Occasion.SUMMARY: "scan.completed",
    Occasion.TARGET: "target.changed",
    Occasion.FOLDED: "alerts.folded",
    Occasion.TEST: "alert.test",
}
"""What webhooks carry as `type`."""


LONGEST_PLACE = 40
MOST_LISTED = 50
"""So many incidents are named in the alert that stands for them; its page lists all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The same facts for every channel: for people in order, for programs by name."""

    occasion: Occasion
    severity: Severity
    title: str
    occurred_at: datetime
    facts: tuple[Fact, ...]
    listings: tuple[Listing, ...] = ()
    link: str
    link_text: str
    settings_link: str
    location_name: str = ""
    """What people call the location; its id is in the content."""

    held_because: str = ""
    """Why it had to wait, where people should know."""

    suppressed_since_last: int = 0
    """Failures (or events) since the message before about the same that no message tells."""

    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        if self.occasion in (Occasion.RESOLVED, Occasion.TEST):
            return self.occasion.upper()
        return self.severity.upper()

    @property
    def subject(self) -> str:
        place = f"{cut(self.location_name, LONGEST_PLACE)}: " if self.location_name else ""
        return f"[{self.tag}] {place}{self.title}"

    @property
    def place(self) -> str:
        """The location as people know it."""
        return self.location_name or str(self.content.get("location_id") or "")

    @property
    def counted(self) -> int:
        """How bad its incident was when it was written: failures, or events where none count."""
        incident = self.content.get("incident") or {}
        return int(incident.get("failure_count") or incident.get("event_count") or 0)

    @property
    def document(self) -> dict[str, Any]:
        """The facts for programs, as webhooks carry them."""
        return {
            "type": _TYPES[self.occasion],
            "timestamp": rfc3339(self.occurred_at),
            "data": {
                "notification_reason": self.occasion,
                "location": {
                    "id": self.content.get("location_id"),
                    "name": self.location_name or None,
                },
                "counts": _counts(self.content.get("incident")),
                "items": [],
                "suppressed_since_last": self.suppressed_since_last,
                **self.content,
                "links": {"page": self.link, "settings": self.settings_link},
            },
        }


def opening(
    event: Event,
    at: datetime,
    incident: Incident,
    links: Links,
    earlier: EarlierFix | None = None,
) -> Message:
    """Tells that something is wrong, and what helped the last time."""
    message = _message(event, at, links, Occasion.OPENED, incident)
    if earlier is None:
        return message
    return replace(
        message,
        facts=message.facts + wording.facts_of_fix(earlier),
        content={**message.content, "earlier_fix": _fix_content(earlier)},
    )


def raised(event: Event, at: datetime, incident: Incident, links: Links) -> Message:
    """Tells that something that is open became more severe."""
    message = _message(event, at, links, Occasion.RAISED, incident)
    title = wording.became(incident.severity, message.title)
    return replace(message, title=title, content={**message.content, "title": title})


def unfolded(event: Event, at: datetime, links: Links) -> Message:
    """Gives what would be told if an event opened an incident."""
    return _message(event, at, links, Occasion.OPENED, None)


def late_opening(incident: Incident, at: datetime, links: Links) -> Message:
    """Tells that something is wrong, to who should have heard of it when it began."""
    return _about_incident(incident, at, links, Occasion.OPENED, incident.title)


def reminder(incident: Incident, at: datetime, links: Links) -> Message:
    """Tells that something is still wrong, and that nobody looks after it."""
    title = wording.still_open(incident, at)
    return _about_incident(incident, at, links, Occasion.REMINDER, title)


def update(incident: Incident, at: datetime, links: Links) -> Message:
    """Tells that something that was told got worse since."""
    return _about_incident(incident, at, links, Occasion.UPDATE, wording.got_worse(incident))


def located(message: Message, names: Mapping[str, str]) -> Message:
    """Gives a message that calls its location by its name, if that has one."""
    place = str(message.content.get("location_id") or "")
    if place not in names:
        return message
    unnamed = Fact("Location", place)
    named = Fact("Location", f"{names[place]} ({place})")
    facts = tuple(named if each == unnamed else each for each in message.facts)
    return replace(message, location_name=names[place], facts=facts)


def with_affected(
    message: Message, affected: Sequence[Incident], links: Links, names: Mapping[str, str]
) -> Message:
    """Gives a message with the list of the incidents that its own stands for."""
    if not affected:
        return message
    still_open = [each for each in affected if each.status is IncidentStatus.OPEN]
    failing = Fact("Failing because of it", wording.counted(len(still_open), "workflow"))
    return replace(
        message,
        facts=(failing, *message.facts),
        listings=(*message.listings, _affected_listing(affected, links, names)),
        content={
            **message.content,
            "affected_count": len(affected),
            "affected": [_affected_content(each) for each in affected[:MOST_LISTED]],
        },
    )


def ending(incident: Incident, links: Links) -> Message:
    """Tells that it is over, and if somebody ended it by hand, who, and what helped."""
    by = f"Ended by {cut(incident.resolved_by, wording.LONGEST_NAME)}"
    title = f"{by if incident.resolved_by else 'Over'}: {incident.title}"
    at = incident.resolved_at or incident.last_event_at
    return _about_incident(incident, at, links, Occasion.RESOLVED, title)


def resolution(event: Event, at: datetime, incident: Incident | None, links: Links) -> Message:
    """Tells that it is over.

    Says when it began as well: where the opening was not delivered yet, this
    message stands for both.
    """
    return _message(event, at, links, Occasion.RESOLVED, incident)


def summary(event: Event, at: datetime, links: Links) -> Message:
    """Tells what happened, where nothing begins or ends."""
    return _message(event, at, links, Occasion.SUMMARY, None)


def trial(location_id: str, at: datetime, links: Links) -> Message:
    """Tells only that this target can be reached."""
    return Message(
        occasion=Occasion.TEST,
        severity=Severity.INFO,
        title=wording.TEST_TITLE,
        occurred_at=at,
        facts=(
            Fact("What to do", "Nothing: this is a test, and no workflow failed."),
            Fact("Location", location_id or "All of them"),
            Fact("Sent", wording.moment(at)),
        ),
        link=links.settings(location_id),
        link_text="Open the alert settings",
        settings_link=links.settings(location_id),
        content={"test": True, "location_id": location_id, "severity": Severity.INFO},
    )


def _about_incident(
    incident: Incident, at: datetime, links: Links, occasion: Occasion, title: str
) -> Message:
    workflow = {"id": incident.workflow_id, "name": incident.workflow_name}
    return Message(
        occasion=occasion,
        severity=incident.severity,
        title=title,
        occurred_at=at,
        facts=wording.facts_of_incident(incident, at),
        link=links.incident(incident.incident_id),
        link_text="Open the incident",
        settings_link=links.settings(incident.location_id),
        content={
            "test": False,
            "event_id": None,
            "location_id": incident.location_id,
            "kind": opened_by(incident.dedup_key),
            "severity": incident.severity,
            "occasion": occasion,
            "title": title,
            "workflow": workflow if incident.workflow_id else None,
            "incident": _incident_content(incident),
            "detail": None,
        },
    )


def _message(
    event: Event, at: datetime, links: Links, occasion: Occasion, incident: Incident | None
) -> Message:
    ended = incident if occasion is Occasion.RESOLVED else None
    # What is wrong is as bad as it has become, whatever the event adds to it.
    severity = incident.severity if incident and not ended else event.severity
    title = wording.title_of(event, ended)
    link, link_text = links.about(event)
    return Message(
        occasion=occasion,
        severity=severity,
        title=title,
        occurred_at=at,
        facts=wording.facts_of(event, at, ended),
        listings=wording.listings_of(event),
        link=link,
        link_text=link_text,
        settings_link=links.settings(event.location_id),
        content={
            "test": False,
            "event_id": event.event_id,
            "location_id": event.location_id,
            "kind": event.detail.kind,
            "severity": severity,
            "occasion": occasion,
            "title": title,
            "workflow": _workflow_content(event),
            "incident": incident and _incident_content(incident),
            "detail": payload_of(event.detail),
        },
    )


def _affected_listing(
    affected: Sequence[Incident], links: Links, names: Mapping[str, str]
) -> Listing:
    where = {each.location_id for each in affected}
    listed = affected[:MOST_LISTED]
    places = [f"{names.get(each.location_id, each.location_id)}: " for each in listed]
    lines = [
        f"{place if len(where) > 1 else ''}{each.title}"
        for place, each in zip(places, listed, strict=True)
    ]
    if more := len(affected) - len(listed):
        lines.append(f"… and {more} more")
    urls = tuple(links.incident(each.incident_id) for each in listed)
    return Listing(f"Stands for {len(affected)} incidents", tuple(lines), urls)


def _fix_content(earlier: EarlierFix) -> dict[str, Any]:
    return {
        "incident_id": earlier.incident_id,
        "cause": earlier.cause,
        "fix": earlier.fix,
        "resolved_by": earlier.resolved_by,
        "resolved_at": rfc3339(earlier.resolved_at),
    }


def _affected_content(incident: Incident) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "location_id": incident.location_id,
        "workflow": {"id": incident.workflow_id, "name": incident.workflow_name},
        "title": incident.title,
        "status": incident.status,
        "failure_count": incident.failure_count,
    }


def _workflow_content(event: Event) -> dict[str, str] | None:
    if isinstance(event.detail, AboutWorkflow):
        return {"id": event.detail.workflow_id, "name": event.detail.workflow_name}
    return None


def _counts(incident: Mapping[str, Any] | None) -> dict[str, int]:
    if incident is None:
        return {"alerts": 1}
    counted = {name: incident[f"{name[:-1]}_count"] for name in ("events", "failures")}
    return {"alerts": 1, **counted}


def _incident_content(incident: Incident) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "dedup_key": incident.dedup_key,
        "status": incident.status,
        "event_count": incident.event_count,
        "failure_count": incident.failure_count,
        "opened_at": rfc3339(incident.opened_at),
        "resolved_at": incident.resolved_at and rfc3339(incident.resolved_at),
        "resolved_by": incident.resolved_by or None,
        "cause": incident.cause or None,
        "fix": incident.fix or None,
    }
