"""When Runwarden could not record, and what came of that time later."""

from fastapi import APIRouter

from gateway.rest.models.gaps import CountedGap
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadReach
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api/gaps", tags=["Executions"], route_class=KeyedRoute)


@router.get("")
async def list_gaps(back: Back, location_id: ReadReach, page: PageAsked) -> Page[CountedGap]:
    """Lists the times in which nothing could be recorded, newest first.

    They are the same for all locations; counted are the executions of one, or of all.
    """
    request = pb.ListRecordingGapsRequest(
        location_id=location_id, page_size=page.size, page_token=page.token
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.ListRecordingGaps(request, timeout=back.seconds)
    return page_of(CountedGap, response.gaps, response.next_page_token)
