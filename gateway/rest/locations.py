"""Locations, and who changed what in them."""

from fastapi import APIRouter

from gateway.access import Scope
from gateway.rest.changes import Changes
from gateway.rest.models.access import AuditEntry, Location, LocationBody
from gateway.rest.models.shapes import Page
from gateway.rest.problems import NothingToChange
from gateway.rest.routes import Back, KeyedRoute, PageAsked, Who

router = APIRouter(prefix="/api", tags=["Locations"], route_class=KeyedRoute)


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


@router.put("/locations/{location_id}")
async def put_location(
    back: Back, caller: Who, changes: Changes, location_id: str, body: LocationBody
) -> Location:
    """Creates a location or changes its name and time zone; a field not given is kept."""
    caller.require(Scope.WRITE)
    if not body.model_fields_set:
        raise NothingToChange
    changed = await back.access.put_location(
        caller.location(location_id), name=body.name, time_zone=body.time_zone
    )
    await changes.note("location.changed", changed.location_id, changed.location_id)
    return Location.model_validate(changed)


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
