"""The gateway's SQL: keys, sessions, locations, the audit log."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Interval,
    Select,
    delete,
    func,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col

from gateway.access.audit import AuditEntry, NewEntry
from gateway.access.callers import Scope
from gateway.access.keys import ApiKey, NewKey
from gateway.access.lists import Position
from gateway.access.locations import Location
from gateway.access.tables import ApiKeyRow, AuditRow, LocationRow, SessionRow

ADMIN_KEY_LOCK = 0x61646D6B  # "admk"
LAST_USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Found:
    """A key, and what may be said of it now by the database's clock."""

    key: ApiKey
    left: timedelta | None
    """How long it is still valid; None means for ever."""

    @property
    def revoked(self) -> bool:
        return self.key.revoked_at is not None

    @property
    def expired(self) -> bool:
        return self.left is not None and self.left <= timedelta()

    @property
    def usable(self) -> bool:
        return not self.revoked and not self.expired


async def find_key(session: AsyncSession, key_hash: bytes) -> Found | None:
    """Gives the key with this hash, usable or not."""
    query = select(ApiKeyRow, _left(col(ApiKeyRow.expires_at))).where(
        col(ApiKeyRow.key_hash) == key_hash
    )
    found = (await session.execute(query)).one_or_none()
    return Found(_key(found[0]), found[1]) if found else None


async def find_session(session: AsyncSession, session_hash: bytes) -> Found | None:
    """Gives the key of a session that lives; `left` ends with the session or with the key."""
    until = func.least(col(SessionRow.expires_at), col(ApiKeyRow.expires_at))
    query = (
        select(ApiKeyRow, _left(until))
        .join(SessionRow, col(SessionRow.key_id) == col(ApiKeyRow.key_id))
        .where(col(SessionRow.session_hash) == session_hash)
    )
    found = (await session.execute(query)).one_or_none()
    return Found(_key(found[0]), found[1]) if found else None


async def note_use(session: AsyncSession, key_id: str) -> None:
    """Writes down that a key was used, at most once a minute."""
    now, last = func.clock_now(), col(ApiKeyRow.last_used_at)
    await session.execute(
        update(ApiKeyRow)
        .where(col(ApiKeyRow.key_id) == key_id, last.is_(None) | (last < now - LAST_USED_STEP))
        .values(last_used_at=now)
    )


async def add_key(session: AsyncSession, key: NewKey) -> ApiKey:
    """Adds a key."""
    statement = (
        insert(ApiKeyRow).values(**asdict(key), created_at=func.clock_now()).returning(ApiKeyRow)
    )
    return _key((await session.scalars(statement)).one())


async def list_keys(
    session: AsyncSession, position: Position, location_id: str | None
) -> list[ApiKey]:
    """Gives a page of keys and one more, newest first; only the location's when one is given."""
    query = _newest_first(select(ApiKeyRow), col(ApiKeyRow.key_id), position)
    if location_id is not None:
        query = query.where(col(ApiKeyRow.location_id) == location_id)
    return [_key(row) for row in await session.scalars(query)]


async def revoke_key(
    session: AsyncSession, key_id: str, location_id: str | None
) -> tuple[ApiKey, bytes] | None:
    """Revokes a key, if it was not before; gives it and its hash, None when there is none."""
    revoked_at = func.coalesce(col(ApiKeyRow.revoked_at), func.clock_now())
    statement = update(ApiKeyRow).where(col(ApiKeyRow.key_id) == key_id)
    if location_id is not None:
        statement = statement.where(col(ApiKeyRow.location_id) == location_id)
    row = await session.scalar(statement.values(revoked_at=revoked_at).returning(ApiKeyRow))
    return (_key(row), row.key_hash) if row else None


async def revoke_keys_of(session: AsyncSession, location_id: str) -> Sequence[bytes]:
    """Revokes the keys of a location, as far as they are not; gives the hashes of these."""
    statement = (
        update(ApiKeyRow)
        .where(col(ApiKeyRow.location_id) == location_id, col(ApiKeyRow.revoked_at).is_(None))
        .values(revoked_at=func.clock_now())
        .returning(col(ApiKeyRow.key_hash))
    )
    return (await session.scalars(statement)).all()


async def lock_admin_key(session: AsyncSession) -> None:
    """Lets one gateway at a time look for the admin key, until its transaction ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADMIN_KEY_LOCK})


async def add_session(
    session: AsyncSession, session_hash: bytes, key_id: str, *, lifetime: timedelta
) -> None:
    """Adds a session, and drops those that have ended."""
    now = func.clock_now()
    await session.execute(delete(SessionRow).where(col(SessionRow.expires_at) <= now))
    await session.execute(
        insert(SessionRow).values(
            session_hash=session_hash, key_id=key_id, created_at=now, expires_at=now + lifetime
        )
    )


async def remove_session(session: AsyncSession, session_hash: bytes) -> None:
    """Removes a session, if it is there."""
    await session.execute(delete(SessionRow).where(col(SessionRow.session_hash) == session_hash))


async def add_location(session: AsyncSession, location_id: str) -> None:
    """Adds a location unless it is there."""
    await session.execute(_new_location(location_id).on_conflict_do_nothing())


async def put_location(
    session: AsyncSession, location_id: str, *, name: str | None, time_zone: str | None
) -> Location:
    """Adds or changes a location; what is None stays, or begins empty and in UTC."""
    given = {
        column: value
        for column, value in (("name", name), ("time_zone", time_zone))
        if value is not None
    }
    statement = _new_location(location_id, **given).on_conflict_do_update(
        constraint="locations_pkey", set_={"location_id": location_id} | given
    )
    row = (await session.scalars(statement.returning(LocationRow))).one()
    return _location(row)


async def find_location(session: AsyncSession, location_id: str) -> Location | None:
    """Gives a location."""
    row = await session.get(LocationRow, location_id)
    return _location(row) if row else None


async def list_locations(
    session: AsyncSession, position: Position, location_id: str | None
) -> list[Location]:
    """Gives a page of locations and one more, by id; only the given one when one is given."""
    column = col(LocationRow.location_id)
    query = select(LocationRow).order_by(column).limit(position.size + 1)
    if position.after is not None:
        query = query.where(column > position.after)
    if location_id is not None:
        query = query.where(column == location_id)
    return [_location(row) for row in await session.scalars(query)]


async def add_audit_entry(session: AsyncSession, entry: NewEntry) -> None:
    """Writes down a change."""
    await session.execute(insert(AuditRow).values(at=func.clock_now(), **asdict(entry)))


async def list_audit_entries(
    session: AsyncSession, position: Position, location_id: str | None
) -> list[AuditEntry]:
    """Gives a page of changes and one more, newest first; only the location's when one is given."""
    query = _newest_first(select(AuditRow), col(AuditRow.audit_id), position)
    if location_id is not None:
        query = query.where(col(AuditRow.location_id) == location_id)
    return [_entry(row) for row in await session.scalars(query)]


def _left(until: ColumnElement[Any] | Mapped[Any]) -> ColumnElement[timedelta | None]:
    return type_coerce(until - func.clock_now(), Interval())


def _newest_first(
    query: Select[tuple[Any]], column: Mapped[str], position: Position
) -> Select[tuple[Any]]:
    if position.after is not None:
        query = query.where(column < position.after)
    return query.order_by(column.desc()).limit(position.size + 1)


def _new_location(location_id: str, name: str = "", time_zone: str = "UTC") -> Insert:
    return insert(LocationRow).values(
        location_id=location_id, name=name, time_zone=time_zone, created_at=func.clock_now()
    )


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        prefix=row.prefix,
        scope=Scope(row.scope),
        location_id=row.location_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _location(row: LocationRow) -> Location:
    return Location(row.location_id, row.name, row.time_zone, row.created_at)


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        audit_id=row.audit_id,
        at=row.at,
        key_id=row.key_id,
        key_name=row.key_name,
        location_id=row.location_id,
        action=row.action,
        subject=row.subject,
        request_id=row.request_id,
    )
