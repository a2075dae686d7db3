"""What a service has to tell another, committed with the change that caused it.

An event is a row of `outbox` until the receiver has it. One dispatcher per
database holds the lease and sends in the order of the rows; the receiver tells
repeats by the event's id, so at least once is enough.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from libs import metrics, problems
from libs.db.database import Database
from libs.ids import new_id

log = structlog.get_logger()

BATCH = 100
LEASE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(seconds=5)

CREATE = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    event_id text NOT NULL CONSTRAINT outbox_event_id_key UNIQUE,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_now()
);
CREATE TABLE outbox_dead_letters (
    id bigint CONSTRAINT outbox_dead_letters_pkey PRIMARY KEY,
    event_id text NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT clock_now(),
    reason text NOT NULL
);
CREATE TABLE outbox_lease (
    id integer CONSTRAINT outbox_lease_pkey PRIMARY KEY,
    holder text NOT NULL,
    held_until timestamptz NOT NULL
);
INSERT INTO outbox_lease (id, holder, held_until) VALUES (1, '', 'epoch');
"""
"""The SQL of a service's first migration; later changes are migrations of their own."""

_metadata = MetaData()
_outbox = Table(
    "outbox",
    _metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("event_id", name="outbox_event_id_key"),
)
_dead = Table(
    "outbox_dead_letters",
    _metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("refused_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
)
_lease = Table(
    "outbox_lease",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("held_until", DateTime(timezone=True), nullable=False),
)


def declare(metadata: MetaData) -> None:
    """Adds the outbox's tables to a service's own, so that the drift test knows them."""
    for table in (_outbox, _dead, _lease):
        table.to_metadata(metadata)


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """Something to tell: its kind, and its facts as JSON."""

    kind: str
    payload: Mapping[str, Any]
    event_id: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event the receiver will never take."""

    event_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How much waits to be told, and since when."""

    waiting: int
    oldest: timedelta | None
    dead_letters: int


Deliver = Callable[[Sequence[OutboxEvent]], Awaitable[Sequence[Refusal]]]
"""Tells the receiver; gives what it refused; raises `Unavailable` when it is away."""


async def add(session: AsyncSession, events: Sequence[OutboxEvent]) -> None:
    """Writes events in the caller's transaction; one whose id is there already stays as it is."""
    if not events:
        return
    rows = [
        {"event_id": each.event_id, "kind": each.kind, "payload": dict(each.payload)}
        for each in events
    ]
    statement = postgresql.insert(_outbox).on_conflict_do_nothing(constraint="outbox_event_id_key")
    await session.execute(statement.values(created_at=func.clock_now()), rows)


class Dispatcher:
    """Sends what waits in the outbox, oldest first, while it holds the database's lease."""

    def __init__(self, database: Database, deliver: Deliver, *, service: str) -> None:
        self._database = database
        self._deliver = deliver
        self._service = service
        self._holder = new_id()

    async def dispatch(self) -> None:
        """Sends everything that waits, unless another process holds the lease.

        Raises the receiver's `Unavailable`; what was not told stays.
        """
        while await self._hold_lease():
            events = await self._oldest()
            if not events:
                return
            refusals = await self._told(events)
            await self._forget(events, refusals)

    async def state(self) -> OutboxState:
        """Tells how much waits, for health pages; sets the gauges on the way."""
        async with self._database.transaction() as session:
            age = func.clock_now() - func.min(_outbox.c.created_at)
            waiting, oldest = (
                await session.execute(select(func.count(), age).select_from(_outbox))
            ).one()
            dead = await session.scalar(select(func.count()).select_from(_dead))
        metrics.OUTBOX_DEPTH.labels(service=self._service).set(waiting)
        metrics.OUTBOX_AGE.labels(service=self._service).set(
            oldest.total_seconds() if oldest else 0
        )
        return OutboxState(waiting=waiting, oldest=oldest, dead_letters=dead or 0)

    async def hand_back(self) -> None:
        """Gives the lease back, so that another process need not wait for its end."""
        async with self._database.transaction() as session:
            await session.execute(
                update(_lease)
                .where(_lease.c.holder == self._holder)
                .values(held_until=func.clock_now())
            )

    async def _hold_lease(self) -> bool:
        now = func.clock_now()
        free = (_lease.c.holder == self._holder) | (_lease.c.held_until <= now)
        claim = update(_lease).where(free).values(holder=self._holder, held_until=now + LEASE)
        async with self._database.transaction() as session:
            return (await session.scalar(claim.returning(_lease.c.id))) is not None

    async def _oldest(self) -> list[OutboxEvent]:
        query = (
            select(_outbox.c.kind, _outbox.c.payload, _outbox.c.event_id)
            .order_by(_outbox.c.id)
            .limit(BATCH)
        )
        async with self._database.transaction() as session:
            return [OutboxEvent(*row) for row in await session.execute(query)]

    async def _told(self, events: Sequence[OutboxEvent]) -> Sequence[Refusal]:
        try:
            return await self._deliver(events)
        except problems.InvalidRequest as problem:
            # The call as a whole was refused. One event alone is the culprit;
            # of several, each is asked for by itself.
            if len(events) == 1:
                return [Refusal(events[0].event_id, f"{problem.reason}: {problem.message}")]
            return [refusal for each in events for refusal in await self._told([each])]

    async def _forget(self, events: Sequence[OutboxEvent], refusals: Sequence[Refusal]) -> None:
        async with self._database.transaction() as session:
            for refusal in refusals:
                log.error("outbox.refused", event_id=refusal.event_id, reason=refusal.reason)
                await session.execute(_to_dead_letters(refusal))
            told = [each.event_id for each in events]
            await session.execute(delete(_outbox).where(_outbox.c.event_id.in_(told)))


def _to_dead_letters(refusal: Refusal) -> Any:
    row = select(
        _outbox.c.id,
        _outbox.c.event_id,
        _outbox.c.kind,
        _outbox.c.payload,
        _outbox.c.created_at,
        func.clock_now(),
        text(":reason"),
    ).where(_outbox.c.event_id == refusal.event_id)
    columns = ["id", "event_id", "kind", "payload", "created_at", "refused_at", "reason"]
    return insert(_dead).from_select(columns, row.params(reason=refusal.reason))
