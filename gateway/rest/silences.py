"""Silences: what somebody wants to hear nothing of for a while."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, status

from gateway.access import Scope
from gateway.rest.changes import Changes
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.models.silences import Silence, SilenceBody
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadLocation, Who
from libs.contracts.notifier.v1 import notifier_pb2 as pb

router = APIRouter(prefix="/api/silences", tags=["Silences"], route_class=KeyedRoute)


def asked_reach(
    caller: Who,
    location_id: Annotated[
        str | None,
        Query(description="The location. Needed with a key of the agency, unless all are meant."),
    ] = None,
    *,
    all_locations: Annotated[
        bool, Query(description="All locations. Needs a key of the agency.")
    ] = False,
) -> str:
    """Reads which location a caller may silence; nothing for all of them."""
    if all_locations:
        caller.require_agency(Scope.WRITE)
        return ""
    caller.require(Scope.WRITE)
    return caller.location(location_id)


Reach = Annotated[str, Depends(asked_reach)]


@router.get("")
async def list_silences(
    back: Back,
    location_id: ReadLocation,
    page: PageAsked,
    *,
    include_ended: Annotated[bool, Query(description="Those that ended too.")] = False,
) -> Page[Silence]:
    """Lists the silences of a location and those of all locations, newest first."""
    request = pb.ListSilencesRequest(
        location_id=location_id,
        include_ended=include_ended,
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("notifier"):
        response = await back.services.notifier.ListSilences(request, timeout=back.seconds)
    return page_of(Silence, response.silences, response.next_page_token)


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_silence(
    back: Back, who: Who, reach: Reach, changes: Changes, body: SilenceBody
) -> Silence:
    """Suppresses alerts for a while; that something is over is told all the same."""
    request = body.message(reach, who.name)
    with back.asking("notifier"):
        response = await back.services.notifier.CreateSilence(request, timeout=back.seconds)
    made = response.silence
    await changes.note("silence.created", made.silence_id, reach or None)
    return Silence.of(made)


@router.post("/{silence_id}/expire", responses=told(404))
async def expire_silence(
    back: Back, who: Who, reach: Reach, changes: Changes, silence_id: str
) -> Silence:
    """Ends a silence now; what it suppressed and is still open is told."""
    request = pb.ExpireSilenceRequest(location_id=reach, silence_id=silence_id, actor=who.name)
    with back.asking("notifier"):
        response = await back.services.notifier.ExpireSilence(request, timeout=back.seconds)
    await changes.note("silence.expired", silence_id, reach or None)
    return Silence.of(response.silence)
