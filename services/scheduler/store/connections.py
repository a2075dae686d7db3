"""The connections of locations to HighLevel; their tokens lie here sealed, and leave only so."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.connection import (
    Connection,
    ConnectionKind,
    ConnectionStatus,
    Unreadable,
)
from services.scheduler.store import Transaction
from services.scheduler.store.tables import ConnectionRow

RENEWAL = timedelta(seconds=90)
"""How long one process may take to renew a grant before another may try."""

LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Sealed:
    """The tokens of a connection as they are stored; `version` is another one for others."""

    access: bytes = field(repr=False)
    expires_at: datetime | None = None
    refresh: bytes | None = field(default=None, repr=False)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """A connection with its tokens."""

    connection: Connection
    sealed: Sealed


async def put(
    session: Transaction,
    location_id: str,
    kind: ConnectionKind,
    sealed: Sealed,
    *,
    status: ConnectionStatus,
    error: str,
    actor: str,
) -> None:
    """Connects a location, in place of the connection it had."""
    values: dict[str, Any] = {
        "kind": kind,
        "status": status,
        "status_since": func.clock_now(),
        "error": error[:LONGEST_ERROR],
        "connected_at": func.clock_now(),
        "connected_by": actor,
        "last_read_at": None,
        "access_token": sealed.access,
        "access_expires_at": sealed.expires_at,
        "refresh_token": sealed.refresh,
        "renewing_by": "",
        "renewing_until": func.clock_now(),
        "unreadable": [],
    }
    await session.execute(
        insert(ConnectionRow)
        .values(location_id=location_id, grant_version=1, **values)
        .on_conflict_do_update(
            constraint="ghl_connections_pkey",
            # A renewal that is under way must not put the old grant back.
            set_={**values, "grant_version": col(ConnectionRow.grant_version) + 1},
        )
    )


async def get(session: Transaction, location_id: str) -> Stored | None:
    """Gives the connection of a location."""
    row = await session.scalar(
        select(ConnectionRow).where(col(ConnectionRow.location_id) == location_id)
    )
    return _stored(row) if row else None


async def remove(session: Transaction, location_id: str) -> Stored | None:
    """Forgets the connection of a location; gives the one there was."""
    row = await session.scalar(
        delete(ConnectionRow)
        .where(col(ConnectionRow.location_id) == location_id)
        .returning(ConnectionRow)
    )
    return _stored(row) if row else None


async def hold(session: Transaction, location_id: str, holder: str) -> Stored | None:
    """Lets one process at a time renew the grant of a location; None while another does."""
    row = await session.scalar(
        update(ConnectionRow)
        .where(
            col(ConnectionRow.location_id) == location_id,
            or_(
                col(ConnectionRow.renewing_by).in_(["", holder]),
                col(ConnectionRow.renewing_until) <= func.clock_now(),
            ),
        )
        .values(renewing_by=holder, renewing_until=func.clock_now() + RENEWAL)
        .returning(ConnectionRow)
    )
    return _stored(row) if row else None


async def release(
    session: Transaction, location_id: str, holder: str, renewed: Sealed | None
) -> None:
    """Lets others renew; stores what was renewed, unless the location was connected anew."""
    mine = (
        col(ConnectionRow.location_id) == location_id,
        col(ConnectionRow.renewing_by) == holder,
    )
    if renewed is not None:
        # Whoever holds it by now: the old grant is used up.
        await session.execute(
            update(ConnectionRow)
            .where(mine[0], col(ConnectionRow.grant_version) == renewed.version)
            .values(
                access_token=renewed.access,
                access_expires_at=renewed.expires_at,
                refresh_token=renewed.refresh,
                grant_version=renewed.version + 1,
            )
        )
    await session.execute(
        update(ConnectionRow).where(*mine).values(renewing_by="", renewing_until=func.clock_now())
    )


async def note_read(
    session: Transaction, location_id: str, unreadable: Sequence[Unreadable]
) -> bool:
    """Notes that HighLevel answered, and what it refused; says whether it had expired before."""
    before = await _locked(session, location_id)
    if before is None:
        return False
    restored = before.status == ConnectionStatus.EXPIRED
    values: dict[str, Any] = {
        "last_read_at": func.clock_now(),
        "unreadable": [asdict(each) for each in unreadable],
        "error": "",
    }
    if restored:
        values |= {"status": ConnectionStatus.CONNECTED, "status_since": func.clock_now()}
    await _write(session, location_id, **values)
    return restored


async def note_expired(session: Transaction, location_id: str, error: str) -> bool:
    """Notes that HighLevel does not accept the token any more; says whether that is news."""
    before = await _locked(session, location_id)
    if before is None or before.status == ConnectionStatus.EXPIRED:
        return False
    await _write(
        session,
        location_id,
        status=ConnectionStatus.EXPIRED,
        status_since=func.clock_now(),
        error=error[:LONGEST_ERROR],
    )
    return True


async def _locked(session: Transaction, location_id: str) -> ConnectionRow | None:
    query = select(ConnectionRow).where(col(ConnectionRow.location_id) == location_id)
    return await session.scalar(query.with_for_update())


async def _write(session: Transaction, location_id: str, **values: object) -> None:
    await session.execute(
        update(ConnectionRow).where(col(ConnectionRow.location_id) == location_id).values(**values)
    )


def _stored(row: ConnectionRow) -> Stored:
    connection = Connection(
        location_id=row.location_id,
        kind=ConnectionKind(row.kind),
        status=ConnectionStatus(row.status),
        status_since=row.status_since,
        connected_at=row.connected_at,
        connected_by=row.connected_by,
        error=row.error,
        last_read_at=row.last_read_at,
        access_expires_at=row.access_expires_at,
        unreadable=tuple(Unreadable(**each) for each in row.unreadable),
    )
    sealed = Sealed(row.access_token, row.access_expires_at, row.refresh_token, row.grant_version)
    return Stored(connection, sealed)
