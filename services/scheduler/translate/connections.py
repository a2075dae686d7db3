"""Reads requests about connections, and writes their answers; no answer has a token."""

from dataclasses import asdict

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import timestamp
from services.scheduler.domain.connection import (
    Connected,
    Connection,
    ConnectionKind,
    ConnectionStatus,
    GivenGrant,
)
from services.scheduler.translate import refusals
from services.scheduler.translate.requests import text

LONGEST_TOKEN = 8192

KINDS = {
    ConnectionKind.PRIVATE_TOKEN: pb.CONNECTION_KIND_PRIVATE_TOKEN,
    ConnectionKind.OAUTH: pb.CONNECTION_KIND_OAUTH,
}
STATUSES = {
    ConnectionStatus.CONNECTED: pb.CONNECTION_STATUS_CONNECTED,
    ConnectionStatus.EXPIRED: pb.CONNECTION_STATUS_EXPIRED,
}


def token_from(request: pb.ConnectLocationRequest) -> str | GivenGrant:
    """Reads what a location is connected with."""
    if request.WhichOneof("token") == "oauth":
        if not request.oauth.refresh_token:
            raise refusals.TokenMissing.at("oauth.refresh_token")
        return GivenGrant(
            text(request.oauth.refresh_token, "oauth.refresh_token", LONGEST_TOKEN),
            text(request.oauth.access_token, "oauth.access_token", LONGEST_TOKEN),
        )
    if not request.private_token:
        raise refusals.TokenMissing.at("private_token")
    return text(request.private_token, "private_token", LONGEST_TOKEN)


def connected_to(connected: Connected) -> pb.ConnectLocationResponse:
    """Writes a connection that was made."""
    return pb.ConnectLocationResponse(
        connection=connection_to(connected.connection), workflow_count=connected.workflow_count
    )


def connection_to(connection: Connection) -> pb.Connection:
    """Writes a connection."""
    return pb.Connection(
        location_id=connection.location_id,
        kind=KINDS[connection.kind],
        status=STATUSES[connection.status],
        status_since=timestamp(connection.status_since),
        error=connection.error,
        connected_at=timestamp(connection.connected_at),
        connected_by=connection.connected_by,
        last_read_at=timestamp(connection.last_read_at),
        access_expires_at=timestamp(connection.access_expires_at),
        unreadable=[pb.UnreadableResource(**asdict(each)) for each in connection.unreadable],
    )
