"""Locations, and who changed what in them."""

from typing import Any

from fastapi import APIRouter

from gateway.access import Scope
from gateway.access.locations import LocationNotFound
from gateway.rest.backend import Backend
from gateway.rest.changes import Changes
from gateway.rest.models.access import (
    AuditEntry,
    DeletedLocation,
    Location,
    LocationBody,
    RemovedRows,
)
from gateway.rest.models.shapes import Page
from gateway.rest.openapi import told
from gateway.rest.problems import NothingToChange
from gateway.rest.routes import Back, KeyedRoute, PageAsked, Who
from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2

router = APIRouter(prefix="/api", tags=["Locations"], route_class=KeyedRoute)

DELETION_SECONDS = 60.0
"""A location may have millions of rows; what one call does not manage the next one does."""


@router.get("/locations")
async def list_locations(back: Back, caller: Who, page: PageAsked) -> Page[Location]:
    """Lists the locations, by id; a location's key sees only its own."""
    caller.require(Scope.READ)
    found = await back.access.list_locations(
        caller.location_id, page_size=page.size, page_token=page.token
    )
    return Page(
        items=[Location.model_validate(each) for each in found.items],
        next_page_token=found.next_page_token or None,
    )


@router.put("/locations/{location_id}", responses=told(503, 504))
async def put_location(
    back: Back, caller: Who, changes: Changes, location_id: str, body: LocationBody
) -> Location:
    """Creates a location or changes its name and time zone; a field not given is kept.

    Alerts call it by that name from then on, and its quiet hours and digests are of that
    time zone. A call that fails midway has begun, and the same call goes on.
    """
    caller.require(Scope.WRITE)
    if not body.model_fields_set:
        raise NothingToChange
    changed = await back.access.put_location(
        caller.location(location_id), name=body.name, time_zone=body.time_zone
    )
    await changes.note("location.changed", changed.location_id, changed.location_id)
    await _tell_notifier(back, changed.location_id, body)
    return Location.model_validate(changed)


@router.delete("/locations/{location_id}", responses=told(404, 503, 504))
async def delete_location(
    back: Back, caller: Who, changes: Changes, location_id: str
) -> DeletedLocation:
    """Deletes a location and all that is kept of it, for good; only its audit log stays.

    Its keys are revoked first. Needs an admin key of the agency. A call that fails
    midway has begun, and the same call goes on. What a key of the agency sends
    for the location later makes it anew.
    """
    caller.require_agency(Scope.ADMIN)
    await back.access.revoke_keys_of(location_id)
    removed = await _removed(back, location_id)
    removed["gateway"] = await back.access.remove_location(location_id)
    if not any(removed.values()):
        raise LocationNotFound(location_id=location_id)
    # Noted of no location: that would make it known again.
    await changes.note("location.deleted", location_id, None)
    return DeletedLocation(location_id=location_id, removed_rows=RemovedRows(**removed))


async def _tell_notifier(back: Backend, location_id: str, body: LocationBody) -> None:
    given = {"location_name": body.name, "timezone": body.time_zone}
    settings = notifier_pb2.AlertSettings(location_id=location_id)
    request = notifier_pb2.UpdateAlertSettingsRequest(settings=settings)
    for field, value in given.items():
        if value is None:
            continue
        request.update_mask.paths.append(field)
        if value:
            setattr(request.settings, field, value)
    if request.update_mask.paths:
        with back.asking("notifier"):
            await back.services.notifier.UpdateAlertSettings(request, timeout=back.seconds)


async def _removed(back: Backend, location_id: str) -> dict[str, int]:
    """Asks every service twice: the first time they may still be telling each other of it."""
    asked: dict[str, tuple[Any, Any]] = {
        "scheduler": (back.services.scheduler, scheduler_pb2),
        "ingestion": (back.services.ingestion, ingestion_pb2),
        "notifier": (back.services.notifier, notifier_pb2),
    }
    removed = dict.fromkeys(asked, 0)
    for service, (stub, contract) in [*asked.items(), *asked.items()]:
        request = contract.DeleteLocationRequest(location_id=location_id)
        with back.asking(service):
            response = await stub.DeleteLocation(request, timeout=DELETION_SECONDS)
        removed[service] += response.deleted_count
    return removed


@router.get("/audit")
async def list_audit(back: Back, caller: Who, page: PageAsked) -> Page[AuditEntry]:
    """Lists who changed what, newest first; a location's key sees only its own."""
    caller.require(Scope.ADMIN)
    found = await back.access.list_audit(
        caller.location_id, page_size=page.size, page_token=page.token
    )
    return Page(
        items=[AuditEntry.model_validate(each) for each in found.items],
        next_page_token=found.next_page_token or None,
    )
