"""Silences: what somebody wants to hear nothing of for a while."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from gateway.rest.changes import Changes
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.models.silences import Silence, SilenceBody
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadReach, Who, WriteReach
from libs.contracts.notifier.v1 import notifier_pb2 as pb

router = APIRouter(prefix="/api/silences", tags=["Silences"], route_class=KeyedRoute)


@router.get("")
async def list_silences(
    back: Back,
    location_id: ReadReach,
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
    back: Back, who: Who, reach: WriteReach, changes: Changes, body: SilenceBody
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
    back: Back, who: Who, reach: WriteReach, changes: Changes, silence_id: str
) -> Silence:
    """Ends a silence now; what it suppressed and is still open is told."""
    request = pb.ExpireSilenceRequest(location_id=reach, silence_id=silence_id, actor=who.name)
    with back.asking("notifier"):
        response = await back.services.notifier.ExpireSilence(request, timeout=back.seconds)
    await changes.note("silence.expired", silence_id, reach or None)
    return Silence.of(response.silence)
