"""Quarantine: deliveries that could not be read, and their second reading."""

from fastapi import APIRouter

from gateway.payloads import read_again
from gateway.rest.changes import Changes
from gateway.rest.models.quarantine import QuarantinedDelivery, ReplayBody
from gateway.rest.models.recording import Recorded
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadLocation, WriteLocation
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api/quarantine", tags=["Quarantine"], route_class=KeyedRoute)


@router.get("")
async def list_quarantined(
    back: Back, location_id: ReadLocation, page: PageAsked
) -> Page[QuarantinedDelivery]:
    """Lists the deliveries that could not be read, newest first, contact data redacted."""
    request = pb.ListQuarantinedRequest(
        location_id=location_id, page_size=page.size, page_token=page.token
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.ListQuarantined(request, timeout=back.seconds)
    return page_of(QuarantinedDelivery, response.deliveries, response.next_page_token)


@router.post("/{quarantine_id}/replay", responses=told(404))
async def replay_quarantined(
    *,
    back: Back,
    location_id: WriteLocation,
    changes: Changes,
    quarantine_id: str,
    body: ReplayBody | None = None,
) -> Recorded:
    """Reads a delivery again, with corrections, and records what it turns out to be.

    The delivery leaves the quarantine when the execution is stored, or was known
    before. What cannot be read stays, and the answer says why.
    """
    corrected = body or ReplayBody()
    wanted = pb.GetQuarantinedRequest(location_id=location_id, quarantine_id=quarantine_id)
    with back.asking("ingestion"):
        kept = await back.services.ingestion.GetQuarantined(wanted, timeout=back.seconds)
    workflow_id = corrected.workflow_id or kept.delivery.workflow_id
    execution = read_again(kept.body, workflow_id, corrected.corrections(), kept.idempotency_key)
    execution.location_id = location_id
    request = pb.ReplayQuarantinedRequest(quarantine_id=quarantine_id, execution=execution)
    with back.asking("ingestion"):
        replayed = await back.services.ingestion.ReplayQuarantined(request, timeout=back.seconds)
    await changes.note("quarantine.replayed", quarantine_id, location_id)
    return Recorded.told(replayed.result)
