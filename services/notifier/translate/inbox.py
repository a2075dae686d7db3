"""Reads what people do with incidents, and writes what happened to one."""

from datetime import datetime
from typing import Protocol

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain.delivery import Delivery
from services.notifier.domain.event import rfc3339
from services.notifier.domain.inbox import (
    Action,
    Attempt,
    Deed,
    Entry,
    IncidentNotFound,
    Occurrence,
    Story,
)
from services.notifier.domain.incident import EarlierFix
from services.notifier.translate import fields, lists


class ActorMissing(problems.InvalidRequest):
    """Say who does it: give the actor, 1 to 200 characters."""

    reason = "ACTOR_MISSING"


class NoteMissing(problems.InvalidRequest):
    """Give the note, 1 to 1,000 characters."""

    reason = "NOTE_MISSING"


class AboutIncident(Protocol):
    """What all requests about one incident have."""

    location_id: str
    incident_id: str


def incident_from(request: AboutIncident) -> tuple[str, str]:
    """Reads which incident a request is about; one of the whole installation has no location."""
    location_id = fields.location_id(request.location_id) if request.location_id else ""
    if not fields.is_id(request.incident_id):
        raise IncidentNotFound(incident_id=request.incident_id)
    return location_id, request.incident_id


def actor_from(given: str) -> str:
    """Reads who does something."""
    actor = fields.name(given)
    if not actor:
        raise ActorMissing.at("actor")
    return actor


def note_from(given: str) -> str:
    """Reads a note."""
    note = fields.text(given)
    if not note:
        raise NoteMissing.at("note")
    return note


def snooze_from(request: pb.SnoozeIncidentRequest, until: datetime | None) -> Action:
    """Reads who snoozes, and what will stand in the story."""
    end = [f"until {rfc3339(until)}"] if until else []
    if request.until_worse:
        end.append("until it gets worse")
    said = [" or ".join(end).capitalize(), fields.text(request.note)]
    return Action(Deed.SNOOZED, actor_from(request.actor), ": ".join(filter(None, said)))


def story_to(story: Story) -> pb.GetIncidentResponse:
    return pb.GetIncidentResponse(
        incident=lists.incident_to(story.incident),
        timeline=[_entry_to(at, entry) for at, entry in story.entries],
        earlier_fixes=[_fix_to(each) for each in story.earlier_fixes],
        affected=[lists.incident_to(each) for each in story.affected],
    )


def _entry_to(at: datetime, entry: Entry) -> pb.TimelineEntry:
    message = pb.TimelineEntry(at=timestamp(at))
    match entry:
        case Occurrence():
            message.event.CopyFrom(_event_to(entry))
        case Delivery():
            message.delivery.CopyFrom(lists.delivery_to(entry))
        case Attempt():
            message.attempt.CopyFrom(attempt_to(entry))
        case Action():
            message.action.CopyFrom(_action_to(entry))
    return message


def _event_to(event: Occurrence) -> pb.TimelineEvent:
    return pb.TimelineEvent(
        event_id=event.event_id, kind=event.kind, occurred_at=timestamp(event.occurred_at)
    )


def attempt_to(attempt: Attempt) -> pb.DeliveryAttempt:
    return pb.DeliveryAttempt(
        delivery_id=attempt.delivery_id,
        verdict=attempt.verdict,
        code=attempt.code,
        detail=attempt.detail,
        elapsed_ms=attempt.elapsed_ms,
        ended_at=timestamp(attempt.ended_at),
    )


def _action_to(action: Action) -> pb.IncidentAction:
    return pb.IncidentAction(
        action=action.deed,
        actor=action.actor,
        note=action.note,
        done_at=timestamp(action.done_at),
    )


def _fix_to(fix: EarlierFix) -> pb.EarlierFix:
    return pb.EarlierFix(
        incident_id=fix.incident_id,
        cause=fix.cause,
        fix=fix.fix,
        resolved_by=fix.resolved_by,
        resolved_at=timestamp(fix.resolved_at),
    )
