"""Connects locations to HighLevel."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from libs import problems
from libs.db import outbox
from libs.db.database import Database
from libs.secrets import SecretBox
from services.scheduler.actions.completing import to_tell
from services.scheduler.actions.granting import sealed
from services.scheduler.domain.connection import (
    Connected,
    Connection,
    ConnectionKind,
    ConnectionStatus,
    GivenGrant,
)
from services.scheduler.domain.events import ConnectionRemoved, ConnectionRestored
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.oauth import Grant, OAuthApp
from services.scheduler.ghl.problems import GhlUnavailable, OAuthAppMissing, RateLimited
from services.scheduler.ghl.tokens import AccessToken, PrivateToken, TokenSource
from services.scheduler.store import connections
from services.scheduler.store.connections import Sealed, Stored
from services.scheduler.store.now import now

TO_BE_RENEWED = AccessToken("none", datetime.min.replace(tzinfo=UTC))


class ConnectionNotFound(problems.NotFound):
    """The location is not connected to GoHighLevel."""

    reason = "CONNECTION_NOT_FOUND"


class Connecting:
    """Makes, shows and forgets connections."""

    def __init__(
        self,
        database: Database,
        client: GhlClient,
        box: SecretBox,
        app: OAuthApp | None,
        *,
        on_events: Callable[[], object],
    ) -> None:
        self._database = database
        self._client = client
        self._box = box
        self._app = app
        self._on_events = on_events

    async def connect(self, location_id: str, token: str | GivenGrant, *, actor: str) -> Connected:
        """Connects a location after trying the token; what does not answer is tried by a scan."""
        trial = self._trial(location_id, token)
        count, error = await self._tried(location_id, trial.tokens)
        connection = await self._keep(location_id, trial, error, actor)
        self._on_events()
        return Connected(connection, count)

    async def disconnect(self, location_id: str, *, actor: str) -> None:
        """Forgets a location's token; tells so where it was told that the token had expired."""
        async with self._database.transaction() as session:
            removed = _found(await connections.remove(session, location_id), location_id)
            if _expired(removed):
                at = await now(session)
                event = ConnectionRemoved(location_id=location_id, occurred_at=at, removed_by=actor)
                await outbox.add(session, to_tell([event]))
        self._client.forget(location_id)
        self._on_events()

    async def get(self, location_id: str) -> Connection:
        """Gives how a location is connected."""
        async with self._database.transaction() as session:
            stored = await connections.get(session, location_id)
        return _found(stored, location_id).connection

    def _trial(self, location_id: str, token: str | GivenGrant) -> "_Trial":
        self._client.forget(location_id)
        if isinstance(token, str):
            return _PrivateTrial(PrivateToken(token), token)
        if self._app is None:
            raise OAuthAppMissing
        access = AccessToken(token.access_token) if token.access_token else TO_BE_RENEWED
        keeper = _GrantOnTrial(Grant(access, AccessToken(token.refresh_token).value))
        tokens = self._client.oauth_tokens(location_id, self._app, keeper)
        return _GrantTrial(tokens, keeper)

    async def _tried(self, location_id: str, tokens: TokenSource) -> tuple[int | None, str]:
        """Gives how many workflows the token sees, or why nobody could tell."""
        try:
            listing = await self._client.location(location_id, tokens).workflows()
        except (GhlUnavailable, RateLimited) as problem:
            return None, problem.message
        finally:
            # What a token on trial was refused, or renewed, is not the connection's.
            self._client.forget(location_id)
        return len(listing.items), ""

    async def _keep(self, location_id: str, trial: "_Trial", error: str, actor: str) -> Connection:
        async with self._database.transaction() as session:
            before = await connections.get(session, location_id)
            had_expired = before is not None and _expired(before)
            status = ConnectionStatus.EXPIRED if had_expired and error else CONNECTED
            await connections.put(
                session,
                location_id,
                trial.kind,
                trial.sealed(self._box),
                status=status,
                error=error,
                actor=actor,
            )
            if not error:
                await connections.note_read(session, location_id, ())
            if had_expired and not error:
                event = ConnectionRestored(location_id=location_id, occurred_at=await now(session))
                await outbox.add(session, to_tell([event]))
            stored = await connections.get(session, location_id)
        return _found(stored, location_id).connection


CONNECTED = ConnectionStatus.CONNECTED


@dataclass(frozen=True, slots=True)
class _PrivateTrial:
    tokens: TokenSource
    value: str = field(repr=False)
    kind = ConnectionKind.PRIVATE_TOKEN

    def sealed(self, box: SecretBox) -> Sealed:
        return Sealed(box.seal(self.value.encode()))


@dataclass
class _GrantOnTrial:
    """Keeps a grant, renewed or not, until it is known to work."""

    grant: Grant

    async def read(self) -> Grant:
        return self.grant

    @asynccontextmanager
    async def held(self) -> AsyncIterator["_GrantOnTrial"]:
        yield self

    async def replace(self, grant: Grant) -> None:
        self.grant = grant


@dataclass(frozen=True, slots=True)
class _GrantTrial:
    tokens: TokenSource
    keeper: _GrantOnTrial
    kind = ConnectionKind.OAUTH

    def sealed(self, box: SecretBox) -> Sealed:
        return sealed(self.keeper.grant, box)


_Trial = _PrivateTrial | _GrantTrial


def _expired(stored: Stored) -> bool:
    return stored.connection.status is ConnectionStatus.EXPIRED


def _found(stored: Stored | None, location_id: str) -> Stored:
    if stored is None:
        raise ConnectionNotFound(location_id=location_id)
    return stored
