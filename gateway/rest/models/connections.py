"""Connections of locations to GoHighLevel."""

from typing import Annotated, Self

from pydantic import AwareDatetime, SecretStr

from gateway.rest.models.shapes import Answer, Body, examples, words
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb


class GrantBody(Body):
    """The grant of a location that installed your marketplace app."""

    refresh_token: SecretStr
    """It works once: from now on only Runwarden must use it."""
    access_token: SecretStr | None = None
    """Without it a new one is asked for at once."""


class ConnectionBody(Body):
    """What to connect a location with: a private integration token, or a grant."""

    model_config = examples(
        {"privateToken": "pit-00000000-0000-4000-8000-000000000000"},
        {"oauth": {"refreshToken": "a-refresh-token"}},
    )

    private_token: SecretStr | None = None
    oauth: GrantBody | None = None

    def message(self, location_id: str, actor: str) -> pb.ConnectLocationRequest:
        """Gives the request that connects with it; the service says when it is none or both."""
        request = pb.ConnectLocationRequest(location_id=location_id, actor=actor)
        if self.private_token is not None:
            request.private_token = self.private_token.get_secret_value()
        if self.oauth is not None:
            request.oauth.refresh_token = self.oauth.refresh_token.get_secret_value()
            if self.oauth.access_token is not None:
                request.oauth.access_token = self.oauth.access_token.get_secret_value()
        return request


class UnreadableResource(Answer):
    """Something that a connection may not read."""

    resource: str
    """What (workflow definitions, tags, custom values)."""
    code: str
    message: str
    """Why, and what to do."""


class Connection(Answer):
    """The connection of a location to GoHighLevel; its tokens are nowhere."""

    location_id: str
    kind: Annotated[str, words(pb.ConnectionKind.DESCRIPTOR)]
    status: Annotated[str, words(pb.ConnectionStatus.DESCRIPTOR)]
    status_since: AwareDatetime | None
    error: str | None
    """Why it does not work, or could not be tried."""
    connected_at: AwareDatetime | None
    connected_by: str | None
    last_read_at: AwareDatetime | None
    """When GoHighLevel last answered it."""
    access_expires_at: AwareDatetime | None
    """When the access token ends by itself; it is renewed before."""
    unreadable: list[UnreadableResource]
    """What it could not read in the last scan; rules that need it are not assessed."""


class MadeConnection(Connection):
    """A connection that was made."""

    workflow_count: int | None
    """How many workflows its token sees; null when GoHighLevel did not answer."""

    @classmethod
    def made(cls, response: pb.ConnectLocationResponse) -> Self:
        """Gives the answer that shows it."""
        counted = response.HasField("workflow_count")
        count = response.workflow_count if counted else None
        return cls.of(response.connection, workflow_count=count)
