"""Incidents: the inbox, the story of one, and what people do with it."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.rest import wire
from gateway.rest.changes import Changes
from gateway.rest.models.alerts import Incident, IncidentStatusWord
from gateway.rest.models.incidents import IncidentStory, NoteBody, ResolveBody, SnoozeBody
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadReach, Who, WriteReach
from libs.contracts.notifier.v1 import notifier_pb2 as pb

router = APIRouter(prefix="/api/incidents", tags=["Incidents"], route_class=KeyedRoute)


@router.get("")
async def list_incidents(
    back: Back,
    location_id: ReadReach,
    page: PageAsked,
    status: Annotated[IncidentStatusWord | None, Query(description="Only this status.")] = None,
    *,
    needs_attention: Annotated[
        bool, Query(description="Only those that are open, and neither acknowledged nor snoozed.")
    ] = False,
) -> Page[Incident]:
    """Lists incidents, the one with the newest event first."""
    request = pb.ListIncidentsRequest(
        location_id=location_id,
        installation=not location_id,
        status=wire.number(pb.IncidentStatus.DESCRIPTOR, status),
        needs_attention=needs_attention,
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("notifier"):
        response = await back.services.notifier.ListIncidents(request, timeout=back.seconds)
    return page_of(Incident, response.incidents, response.next_page_token)


@router.get("/{incident_id}", responses=told(404))
async def get_incident(back: Back, location_id: ReadReach, incident_id: str) -> IncidentStory:
    """Gives an incident with its events, messages, attempts and what people did."""
    request = pb.GetIncidentRequest(location_id=location_id, incident_id=incident_id)
    with back.asking("notifier"):
        response = await back.services.notifier.GetIncident(request, timeout=back.seconds)
    return IncidentStory.of(response)


@router.post("/{incident_id}/acknowledge", responses=told(404))
async def acknowledge_incident(
    *,
    back: Back,
    who: Who,
    location_id: WriteReach,
    changes: Changes,
    incident_id: str,
    body: NoteBody | None = None,
) -> Incident:
    """Says that somebody looks after an open incident: it is told again only if more severe."""
    request = pb.AcknowledgeIncidentRequest(
        location_id=location_id,
        incident_id=incident_id,
        actor=who.name,
        note=body.note if body else "",
    )
    with back.asking("notifier"):
        response = await back.services.notifier.AcknowledgeIncident(request, timeout=back.seconds)
    await changes.note("incident.acknowledged", incident_id, location_id or None)
    return Incident.of(response.incident)


@router.post("/{incident_id}/snooze", responses=told(404))
async def snooze_incident(
    *,
    back: Back,
    who: Who,
    location_id: WriteReach,
    changes: Changes,
    incident_id: str,
    body: SnoozeBody,
) -> Incident:
    """Keeps an open incident quiet until a time, or until it gets worse."""
    request = pb.SnoozeIncidentRequest(
        location_id=location_id,
        incident_id=incident_id,
        actor=who.name,
        note=body.note,
        until=wire.timestamp(body.until),
        until_worse=body.until_worse,
    )
    with back.asking("notifier"):
        response = await back.services.notifier.SnoozeIncident(request, timeout=back.seconds)
    await changes.note("incident.snoozed", incident_id, location_id or None)
    return Incident.of(response.incident)


@router.post("/{incident_id}/resolve", responses=told(404))
async def resolve_incident(
    *,
    back: Back,
    who: Who,
    location_id: WriteReach,
    changes: Changes,
    incident_id: str,
    body: ResolveBody | None = None,
) -> Incident:
    """Ends an incident by hand, and remembers what helped."""
    said = body or ResolveBody()
    request = pb.ResolveIncidentRequest(
        location_id=location_id,
        incident_id=incident_id,
        actor=who.name,
        cause=said.cause,
        fix=said.fix,
    )
    with back.asking("notifier"):
        response = await back.services.notifier.ResolveIncident(request, timeout=back.seconds)
    await changes.note("incident.resolved", incident_id, location_id or None)
    return Incident.of(response.incident)


@router.post("/{incident_id}/reopen", responses=told(404))
async def reopen_incident(
    *,
    back: Back,
    who: Who,
    location_id: WriteReach,
    changes: Changes,
    incident_id: str,
    body: NoteBody | None = None,
) -> Incident:
    """Makes an incident need attention again: what was ended, acknowledged or snoozed."""
    request = pb.ReopenIncidentRequest(
        location_id=location_id,
        incident_id=incident_id,
        actor=who.name,
        note=body.note if body else "",
    )
    with back.asking("notifier"):
        response = await back.services.notifier.ReopenIncident(request, timeout=back.seconds)
    await changes.note("incident.reopened", incident_id, location_id or None)
    return Incident.of(response.incident)


@router.post("/{incident_id}/notes", responses=told(404))
async def annotate_incident(
    *,
    back: Back,
    who: Who,
    location_id: WriteReach,
    changes: Changes,
    incident_id: str,
    body: NoteBody,
) -> Incident:
    """Adds a note to an incident."""
    request = pb.AnnotateIncidentRequest(
        location_id=location_id, incident_id=incident_id, actor=who.name, note=body.note
    )
    with back.asking("notifier"):
        response = await back.services.notifier.AnnotateIncident(request, timeout=back.seconds)
    await changes.note("incident.noted", incident_id, location_id or None)
    return Incident.of(response.incident)
