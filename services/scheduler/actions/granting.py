"""Keeps the grants of locations that connected the app, for one renewer at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from libs.db.database import Database
from libs.ids import new_id
from libs.secrets import SecretBox
from services.scheduler.ghl.oauth import Grant
from services.scheduler.ghl.problems import ConnectionExpired
from services.scheduler.ghl.tokens import AccessToken
from services.scheduler.store import connections
from services.scheduler.store.connections import Sealed, Stored

PAUSE = 0.2
"""Seconds between two looks whether another process has renewed the grant."""


class TokenLost(ConnectionExpired):
    """The encryption key that the token was kept with is gone; connect the location again."""

    reason = "TOKEN_LOST"


@dataclass
class _Held:
    grant: Grant
    next: Grant | None = None

    async def replace(self, grant: Grant) -> None:
        self.next = grant


class StoredGrants:
    """The grant of one location, in the database.

    HighLevel is asked for the next grant outside of any transaction, because the database ends
    those that wait; the row itself says who renews.
    """

    def __init__(self, database: Database, box: SecretBox, location_id: str) -> None:
        self._database = database
        self._box = box
        self._location_id = location_id

    async def read(self) -> Grant:
        """Gives the grant as it is stored now."""
        async with self._database.transaction() as session:
            stored = await connections.get(session, self._location_id)
        return self._grant(stored)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[_Held]:
        """Lets one renewer at a time in, of all processes.

        One statement stores the next grant and forgets the old one.
        """
        holder = new_id()
        stored = await self._hold(holder)
        renewed: Sealed | None = None
        try:
            held = _Held(self._grant(stored))
            yield held
            if held.next:
                renewed = sealed(held.next, self._box, version=stored.sealed.version)
        finally:
            async with self._database.transaction() as session:
                await connections.release(session, self._location_id, holder, renewed)

    async def _hold(self, holder: str) -> Stored:
        while True:
            async with self._database.transaction() as session:
                if held := await connections.hold(session, self._location_id, holder):
                    return held
                self._grant(await connections.get(session, self._location_id))
            await asyncio.sleep(PAUSE)

    def _grant(self, stored: Stored | None) -> Grant:
        if stored is None or stored.sealed.refresh is None:
            raise ConnectionExpired("The location is not connected any more.")
        access = AccessToken(opened(stored.sealed.access, self._box), stored.sealed.expires_at)
        return Grant(access, opened(stored.sealed.refresh, self._box))


def sealed(grant: Grant, box: SecretBox, *, version: int = 0) -> Sealed:
    """Gives a grant as it is stored."""
    return Sealed(
        box.seal(grant.access.value.encode()),
        grant.access.expires_at,
        box.seal(grant.refresh_token.encode()),
        version,
    )


def opened(secret: bytes, box: SecretBox) -> str:
    """Gives a stored token to call with."""
    try:
        return box.open(secret).decode()
    except ValueError:
        raise TokenLost from None
