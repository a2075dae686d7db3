"""The connection of a location to GoHighLevel."""

from fastapi import APIRouter, Response

from gateway.access import Scope
from gateway.rest.changes import Changes
from gateway.rest.models.connections import Connection, ConnectionBody, MadeConnection
from gateway.rest.openapi import told
from gateway.rest.problems import OneTokenNeeded
from gateway.rest.routes import Back, KeyedRoute, Who
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

router = APIRouter(
    prefix="/api/locations/{location_id}/connection",
    tags=["Locations"],
    route_class=KeyedRoute,
)

SECONDS = 60.0
"""GoHighLevel is asked once, and may want to be asked again a little later."""


@router.get("", responses=told(404))
async def get_connection(back: Back, caller: Who, location_id: str) -> Connection:
    """Says how a location is connected to GoHighLevel, and what its token may not read."""
    caller.require(Scope.READ)
    request = pb.GetConnectionRequest(location_id=caller.location(location_id))
    with back.asking("scheduler"):
        response = await back.services.scheduler.GetConnection(request, timeout=back.seconds)
    return Connection.of(response.connection)


@router.put("")
async def connect_location(
    back: Back, caller: Who, changes: Changes, location_id: str, body: ConnectionBody
) -> MadeConnection:
    """Connects a location to GoHighLevel after trying the token, which nobody sees again.

    A token that is not accepted leaves the connection as it was. When GoHighLevel
    does not answer, the token is kept and tried by the next scan.
    """
    caller.require(Scope.WRITE)
    if (body.private_token is None) == (body.oauth is None):
        raise OneTokenNeeded
    named = caller.location(location_id)
    with back.asking("scheduler"):
        response = await back.services.scheduler.ConnectLocation(
            body.message(named, caller.name), timeout=SECONDS
        )
    await changes.note("location.connected", named, named)
    return MadeConnection.made(response)


@router.delete("", status_code=204, response_class=Response, responses=told(404))
async def disconnect_location(back: Back, caller: Who, changes: Changes, location_id: str) -> None:
    """Forgets a location's token; what was learned with it stays, and no alert that it expired."""
    caller.require(Scope.WRITE)
    named = caller.location(location_id)
    request = pb.DisconnectLocationRequest(location_id=named, actor=caller.name)
    with back.asking("scheduler"):
        await back.services.scheduler.DisconnectLocation(request, timeout=back.seconds)
    await changes.note("location.disconnected", named, named)
