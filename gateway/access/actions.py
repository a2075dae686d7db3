"""What can be done about access: prove who one is, keep keys and locations, write down changes."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import available_timezones

from gateway.access import keys, sessions, store
from gateway.access.answers import Answers
from gateway.access.audit import AuditEntry, NewEntry
from gateway.access.callers import Caller, Scope, checked_location_id
from gateway.access.keys import ApiKey
from gateway.access.limits import RateLimits
from gateway.access.lists import Page, Position
from gateway.access.locations import (
    Location,
    LocationNameWrong,
    LocationNotFound,
    TimeZoneUnknown,
)
from gateway.access.tables import AuditRow, GatewayTable
from libs import problems
from libs.clock import Clock
from libs.db.database import Database
from libs.db.removal import remove_location
from libs.ids import new_id

KNOWN_FOR = timedelta(seconds=10)
"""How long a revoked key may still be taken, and how long a valid one asks no database."""
UNKNOWN_FOR = timedelta(seconds=2)
LOCATION_KNOWN_FOR = timedelta(hours=1)
MOST_REMEMBERED = 10_000
LONGEST_KEY_NAME = 100
LONGEST_LOCATION_NAME = 200

Refusal = type[problems.Unauthenticated]


class Access:
    """Keys, sessions, locations, the audit log and the rate limits of one gateway."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._limits = RateLimits(clock)
        self._callers: Answers[bytes, Caller | Refusal] = Answers(
            self._find_caller, clock, most=MOST_REMEMBERED
        )
        self._sessions: Answers[bytes, Caller | Refusal] = Answers(
            self._find_session, clock, most=MOST_REMEMBERED
        )
        self._locations: Answers[str, bool] = Answers(
            self._insert_location, clock, most=MOST_REMEMBERED
        )
        self._known_locations: Answers[str, bool] = Answers(
            self._find_location, clock, most=MOST_REMEMBERED
        )

    async def caller(self, secret: str | None) -> Caller:
        """Gives who holds the key.

        Raises `KeyMissing`, `KeyMalformed`, `KeyUnknown`, `KeyRevoked` or
        `KeyExpired`. Asks the database at most every 10 seconds for a key.
        """
        if secret and (known := self._callers.kept(keys.digest(secret))) is not None:
            return _accepted(known)
        return _accepted(await self._callers.of(keys.digest(keys.checked_secret(secret))))

    def remembered(self, secret: str | None) -> Caller | None:
        """Gives who holds the key, when that is known without asking the database.

        None when it is not, and when the key is worth nothing: `caller` says why.
        """
        known = self._callers.kept(keys.digest(secret)) if secret else None
        return known if isinstance(known, Caller) else None

    def count_request(self, caller: Caller) -> None:
        """Raises `RateLimited` when the key has used up its requests of this minute."""
        self._limits.take(caller.key_id)

    async def sign_in(self, secret: str | None) -> str:
        """Starts a session of a key that may read; gives the value for its cookie.

        Raises what `caller` raises, and `ScopeTooNarrow`.
        """
        caller = await self.caller(secret)
        caller.require(Scope.READ)
        token = sessions.new_token()
        async with self._database.transaction() as session:
            await store.add_session(
                session, keys.digest(token), caller.key_id, lifetime=sessions.LIFETIME
            )
        return token

    async def session(self, cookie: str | None) -> Caller:
        """Gives who is signed in; raises `SessionEnded`, also when the key was revoked."""
        return _accepted(await self._sessions.of(keys.digest(sessions.checked_token(cookie))))

    async def sign_out(self, cookie: str | None) -> None:
        """Ends a session, whether or not it still lives."""
        try:
            digest = keys.digest(sessions.checked_token(cookie))
        except sessions.SessionEnded:
            return
        async with self._database.transaction() as session:
            await store.remove_session(session, digest)
        self._sessions.forget(digest)

    async def create_key(
        self,
        *,
        name: str,
        scope: Scope,
        location_id: str | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[str, ApiKey]:
        """Makes a key; gives its secret, which is never shown again, and the key.

        Without a location it is a key of the agency. The location is created
        when it is new.
        """
        secret = keys.new_secret(scope)
        key = replace(
            keys.NewKey.of(secret, _checked_key_name(name), scope),
            location_id=checked_location_id(location_id) if location_id is not None else None,
            expires_at=self._checked_expiry(expires_at),
        )
        async with self._database.transaction() as session:
            if key.location_id is not None:
                await store.add_location(session, key.location_id)
            added = await store.add_key(session, key)
        self._callers.forget(key.key_hash)
        return secret, added

    async def list_keys(
        self, location_id: str | None = None, *, page_size: int = 0, page_token: str = ""
    ) -> Page[ApiKey]:
        """Gives a page of keys, newest first, revoked ones too; a location sees only its own."""
        query = {"list": "keys", "location_id": location_id}
        position = Position.read(query, page_size, page_token)
        async with self._database.transaction() as session:
            found = await store.list_keys(session, position, location_id)
        return position.page(found, lambda key: key.key_id)

    async def revoke_key(self, key_id: str, location_id: str | None = None) -> ApiKey:
        """Revokes a key for good; other gateways take it for 10 seconds at most.

        A location revokes only its own. Raises `KeyNotFound`.
        """
        async with self._database.transaction() as session:
            revoked = await store.revoke_key(session, key_id, location_id)
        if revoked is None:
            raise keys.KeyNotFound(key_id=key_id)
        key, key_hash = revoked
        self._callers.forget(key_hash)
        self._sessions.forget_all()
        return key

    async def revoke_keys_of(self, location_id: str) -> None:
        """Revokes all keys of a location; other gateways take them for 10 seconds at most."""
        async with self._database.transaction() as session:
            hashes = await store.revoke_keys_of(session, checked_location_id(location_id))
        for each in hashes:
            self._callers.forget(each)
        self._sessions.forget_all()

    async def remove_location(self, location_id: str) -> int:
        """Removes a location with its keys; gives how many rows there were, 0 when it is unknown.

        What was changed in it stays in the audit log.
        """
        tables, kept = GatewayTable.metadata, {AuditRow.__tablename__}
        removed = await remove_location(
            self._database, tables, checked_location_id(location_id), kept=kept
        )
        self._locations.forget(location_id)
        self._known_locations.forget(location_id)
        return removed

    def remembers(self, location_id: str) -> bool:
        """Says whether a location is known to be there without asking the database."""
        return self._locations.kept(location_id) is not None

    async def remember_location(self, location_id: str) -> None:
        """Creates the location unless it is there; asks the database once an hour for each."""
        if not self.remembers(location_id):
            await self._locations.of(checked_location_id(location_id))

    async def known(self, location_id: str) -> None:
        """Raises `LocationNotFound` unless the location is there."""
        await self.location(location_id)

    async def knows(self, location_id: str) -> bool:
        """Says whether the location is there, at most 10 seconds late (2 when it is new)."""
        return await self._known_locations.of(checked_location_id(location_id))

    async def location(self, location_id: str) -> Location:
        """Gives a location; raises `LocationNotFound`."""
        async with self._database.transaction() as session:
            found = await store.find_location(session, checked_location_id(location_id))
        if found is None:
            raise LocationNotFound(location_id=location_id)
        return found

    async def list_locations(
        self, location_id: str | None = None, *, page_size: int = 0, page_token: str = ""
    ) -> Page[Location]:
        """Gives a page of locations, by id; a key of a location sees only that one."""
        query = {"list": "locations", "location_id": location_id}
        position = Position.read(query, page_size, page_token)
        async with self._database.transaction() as session:
            found = await store.list_locations(session, position, location_id)
        return position.page(found, lambda location: location.location_id)

    async def put_location(
        self, location_id: str, *, name: str | None = None, time_zone: str | None = None
    ) -> Location:
        """Creates or changes a location; what is None stays as it is."""
        checked_location_id(location_id)
        if name is not None and (len(name) > LONGEST_LOCATION_NAME or "\x00" in name):
            raise LocationNameWrong.at("name")
        # In a thread, because it reads the disk.
        if time_zone is not None and time_zone not in await asyncio.to_thread(available_timezones):
            raise TimeZoneUnknown.at("time_zone")
        async with self._database.transaction() as session:
            return await store.put_location(session, location_id, name=name, time_zone=time_zone)

    async def record(
        self,
        caller: Caller,
        action: str,
        subject: str,
        request_id: str,
        *,
        location_id: str | None = None,
    ) -> None:
        """Writes down that a caller changed something, `thing.changed`."""
        entry = NewEntry(
            audit_id=new_id(),
            key_id=caller.key_id,
            key_name=caller.name,
            location_id=location_id or caller.location_id,
            action=action,
            subject=subject,
            request_id=request_id,
        )
        async with self._database.transaction() as session:
            await store.add_audit_entry(session, entry)

    async def list_audit(
        self, location_id: str | None = None, *, page_size: int = 0, page_token: str = ""
    ) -> Page[AuditEntry]:
        """Gives a page of changes, newest first; a location sees only its own."""
        query = {"list": "audit", "location_id": location_id}
        position = Position.read(query, page_size, page_token)
        async with self._database.transaction() as session:
            found = await store.list_audit_entries(session, position, location_id)
        return position.page(found, lambda entry: entry.audit_id)

    async def _find_caller(self, key_hash: bytes) -> tuple[Caller | Refusal, timedelta]:
        async with self._database.transaction() as session:
            found = await store.find_key(session, key_hash)
            if found is None:
                return keys.KeyUnknown, UNKNOWN_FOR
            if found.revoked:
                return keys.KeyRevoked, KNOWN_FOR
            if found.expired:
                return keys.KeyExpired, KNOWN_FOR
            await store.note_use(session, found.key.key_id)
        return found.key.caller(), _at_most(found.left)

    async def _find_session(self, session_hash: bytes) -> tuple[Caller | Refusal, timedelta]:
        async with self._database.transaction() as session:
            found = await store.find_session(session, session_hash)
            if found is None or found.revoked or found.expired:
                return sessions.SessionEnded, UNKNOWN_FOR
            await store.note_use(session, found.key.key_id)
        return found.key.caller(), _at_most(found.left)

    async def _insert_location(self, location_id: str) -> tuple[bool, timedelta]:
        async with self._database.transaction() as session:
            await store.add_location(session, location_id)
        return True, LOCATION_KNOWN_FOR

    async def _find_location(self, location_id: str) -> tuple[bool, timedelta]:
        async with self._database.transaction() as session:
            found = await store.find_location(session, location_id)
        return found is not None, KNOWN_FOR if found else UNKNOWN_FOR

    def _checked_expiry(self, expires_at: datetime | None) -> datetime | None:
        if expires_at is not None and expires_at <= self._clock.now():
            raise keys.KeyExpiryPast.at("expires_at")
        return expires_at


def _checked_key_name(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= LONGEST_KEY_NAME or "\x00" in stripped:
        raise keys.KeyNameWrong.at("name")
    return stripped


def _accepted(answer: Caller | Refusal) -> Caller:
    if isinstance(answer, Caller):
        return answer
    raise answer


def _at_most(left: timedelta | None) -> timedelta:
    return KNOWN_FOR if left is None else min(KNOWN_FOR, left)
