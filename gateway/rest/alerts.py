"""Alerts: a test, deliveries, caught mails."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.access import Scope
from gateway.rest import wire
from gateway.rest.changes import Changes
from gateway.rest.models.alerts import (
    CaughtMail,
    CaughtMails,
    Delivery,
    DeliveryStatusWord,
    TestVerdicts,
)
from gateway.rest.models.deliveries import DeliveryStory, ReplayBody, Replayed
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.openapi import told
from gateway.rest.routes import (
    Back,
    KeyedRoute,
    PageAsked,
    ReadLocation,
    Who,
    WriteLocation,
    WriteReach,
)
from libs.contracts.notifier.v1 import notifier_pb2 as pb

router = APIRouter(prefix="/api", tags=["Alerts"], route_class=KeyedRoute)

LONGEST_SUBJECT = 200
TEST_SECONDS = 30.0
"""A test waits for mail servers and webhooks of other people."""


@router.post("/alerts/test")
async def send_test_alert(
    back: Back,
    location_id: WriteReach,
    changes: Changes,
    target_id: Annotated[str, Query(description="Only this target.")] = "",
) -> TestVerdicts:
    """Sends a test to every target through the real path, and says what became of each."""
    request = pb.SendTestAlertRequest(
        location_id=location_id, target_id=target_id, installation=not location_id
    )
    with back.asking("notifier"):
        response = await back.services.notifier.SendTestAlert(request, timeout=TEST_SECONDS)
    await changes.note("alert.tested", location_id or "installation", location_id or None)
    return TestVerdicts.of(response, delivered=all(each.delivered for each in response.verdicts))


@router.get("/deliveries")
async def list_deliveries(
    *,
    back: Back,
    location_id: ReadLocation,
    page: PageAsked,
    incident_id: Annotated[str, Query(description="Only those of this incident.")] = "",
    status: Annotated[
        DeliveryStatusWord | None, Query(description="Only this status; failed: given up.")
    ] = None,
    target_id: Annotated[str, Query(description="Only to this target.")] = "",
) -> Page[Delivery]:
    """Lists what was sent to whom, newest first."""
    request = pb.ListDeliveriesRequest(
        location_id=location_id,
        incident_id=incident_id,
        status=wire.number(pb.DeliveryStatus.DESCRIPTOR, status),
        target_id=target_id,
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("notifier"):
        response = await back.services.notifier.ListDeliveries(request, timeout=back.seconds)
    return page_of(Delivery, response.deliveries, response.next_page_token)


@router.post("/deliveries/replay", responses=told(404))
async def replay_deliveries(
    back: Back, location_id: WriteLocation, changes: Changes, body: ReplayBody
) -> Replayed:
    """Sends again what was given up, with the same ids: named deliveries, or a span of time."""
    with back.asking("notifier"):
        response = await back.services.notifier.ReplayDeliveries(
            body.message(location_id), timeout=back.seconds
        )
    subject = ",".join(body.delivery_ids)[:LONGEST_SUBJECT] or location_id
    await changes.note("delivery.replayed", subject, location_id)
    return Replayed.of(response)


@router.get("/deliveries/{delivery_id}", responses=told(404))
async def get_delivery(back: Back, location_id: ReadLocation, delivery_id: str) -> DeliveryStory:
    """Gives one delivery with every attempt that was made."""
    request = pb.GetDeliveryRequest(location_id=location_id, delivery_id=delivery_id)
    with back.asking("notifier"):
        response = await back.services.notifier.GetDelivery(request, timeout=back.seconds)
    return DeliveryStory.of(response)


@router.get("/dev/mailbox", responses=told(404))
async def list_caught_mail(
    back: Back,
    caller: Who,
    location_id: Annotated[
        str | None, Query(description="Only mails of this location. Default: all a key may see.")
    ] = None,
) -> CaughtMails:
    """Lists the mails that were caught because no mail server is configured, newest first."""
    caller.require(Scope.READ)
    seen = caller.location(location_id) if location_id or caller.location_id else ""
    request = pb.ListCaughtMailRequest(location_id=seen)
    with back.asking("notifier"):
        response = await back.services.notifier.ListCaughtMail(request, timeout=back.seconds)
    return CaughtMails(items=[CaughtMail.of(each) for each in response.mails])
