"""The way to HighLevel for a location that is connected."""

from datetime import datetime

from libs.db.database import Database
from libs.secrets import SecretBox
from services.scheduler.actions.granting import StoredGrants, opened
from services.scheduler.domain.connection import ConnectionKind
from services.scheduler.ghl.client import ConnectedLocation, GhlClient
from services.scheduler.ghl.oauth import OAuthApp
from services.scheduler.ghl.problems import OAuthAppMissing
from services.scheduler.ghl.tokens import PrivateToken, TokenSource
from services.scheduler.store import connections
from services.scheduler.store.connections import Stored


class Reaching:
    """Opens the way to HighLevel with the token that a location was connected with."""

    def __init__(
        self, database: Database, client: GhlClient, box: SecretBox, app: OAuthApp | None
    ) -> None:
        self._database = database
        self._client = client
        self._box = box
        self._app = app
        self._connected_at: dict[str, datetime] = {}

    async def location(self, location_id: str) -> ConnectedLocation | None:
        """Gives the location as its token shows it; None when it is not connected."""
        async with self._database.transaction() as session:
            stored = await connections.get(session, location_id)
        if stored is None:
            return None
        self._forget_what_was_before(stored)
        return self._client.location(location_id, self._tokens(stored))

    def _forget_what_was_before(self, stored: Stored) -> None:
        """Lets a new token try what an old one was refused, whichever process connected it."""
        connection = stored.connection
        if self._connected_at.get(connection.location_id) != connection.connected_at:
            self._client.forget(connection.location_id)
            self._connected_at[connection.location_id] = connection.connected_at

    def _tokens(self, stored: Stored) -> TokenSource:
        location_id = stored.connection.location_id
        if stored.connection.kind is ConnectionKind.PRIVATE_TOKEN:
            return PrivateToken(opened(stored.sealed.access, self._box))
        if self._app is None:
            raise OAuthAppMissing
        grants = StoredGrants(self._database, self._box, location_id)
        return self._client.oauth_tokens(location_id, self._app, grants)
