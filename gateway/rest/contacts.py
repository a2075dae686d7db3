"""Contacts: nothing is kept of them but by which they are forgotten."""

from fastapi import APIRouter

from gateway.rest.changes import Changes
from gateway.rest.models.contacts import ForgetBody, Forgotten
from gateway.rest.routes import Back, KeyedRoute, WriteLocation
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api/contacts", tags=["Contacts"], route_class=KeyedRoute)

SECONDS = 60.0
"""The whole log of a location is looked through."""


@router.post("/forget")
async def forget_contact(
    back: Back, location_id: WriteLocation, changes: Changes, body: ForgetBody
) -> Forgotten:
    """Forgets a contact. Its executions stay, without it, so that no number changes.

    They lose the contact, the run id and the error message; unread deliveries in
    which its id stands are removed. What its runs said is also removed, within
    minutes, from what alerts keep; what was sent already cannot be called back.
    """
    request = pb.ForgetContactRequest(location_id=location_id, contact_id=body.contact_id)
    with back.asking("ingestion"):
        response = await back.services.ingestion.ForgetContact(request, timeout=SECONDS)
    await changes.note("contact.forgotten", "", location_id)
    return Forgotten.of(response)
