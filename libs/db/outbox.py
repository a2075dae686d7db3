"""What a service has to tell another, committed with the change that caused it.

An event is a row of `outbox` until the receiver has it. One dispatcher per
database holds the lease and sends in the order of the rows; the receiver tells
repeats by the event's id, so at least once is enough.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from libs import metrics, problems
from libs.db import arrays
from libs.db.database import Database
from libs.db.exchange import Question, exchange
from libs.ids import new_id

log = structlog.get_logger()

BATCH = 100
LEASE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(seconds=5)
EVENT_TABLES = frozenset({"outbox", "outbox_dead_letters"})
"""Those whose payload names a location."""

CREATE = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    event_id text NOT NULL CONSTRAINT outbox_event_id_key UNIQUE,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_now(),
    topic text COLLATE "C" NOT NULL DEFAULT '',
    taken boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX outbox_topic_idx ON outbox (topic) WHERE topic <> '' AND NOT taken;
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
    Column("topic", Text(collation="C"), nullable=False),
    Column("taken", Boolean, nullable=False),
    UniqueConstraint("event_id", name="outbox_event_id_key"),
    Index(
        "outbox_topic_idx",
        "topic",
        unique=True,
        postgresql_where=text("topic <> '' AND NOT taken"),
    ),
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


class OutboxEvent(Struct, frozen=True):
    """Something to tell: its kind, and its facts as JSON."""

    kind: str
    payload: Mapping[str, Any]
    event_id: str
    topic: str = ""
    """What it goes on about, if it does."""
    number: str = ""
    """A number of the payload that is added up: an event of the same topic that
    still waits is replaced. Without it an event ends its topic."""


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


# What the dispatcher took is on its way, and must not change any more.
_WRITE = """
    INSERT INTO outbox (event_id, kind, payload, topic)
    SELECT event_id, kind, payload, topic FROM unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS jsonb[]), CAST($4 AS text[])
    ) WITH ORDINALITY AS given (event_id, kind, payload, topic, place) ORDER BY place
"""
_INSERT = f"{_WRITE} ON CONFLICT ON CONSTRAINT outbox_event_id_key DO NOTHING"
_ADD_UP = f"""
    {_WRITE} ON CONFLICT (topic) WHERE topic <> '' AND NOT taken DO UPDATE SET
        payload = jsonb_set(excluded.payload, ARRAY[CAST($5 AS text)], to_jsonb(
            CAST(outbox.payload ->> CAST($5 AS text) AS bigint)
            + CAST(excluded.payload ->> CAST($5 AS text) AS bigint)
        ))
"""
_END = "UPDATE outbox SET topic = '' WHERE topic = ANY (CAST($1 AS text[]))"
# What was taken and not told goes first and alone, and what is new can still be
# added up. Locked in the order in which topics are locked everywhere: sorted.
_TAKE = text(f"""
    WITH oldest AS (
        SELECT id FROM outbox WHERE taken = EXISTS (SELECT FROM outbox WHERE taken)
        ORDER BY id LIMIT {BATCH}
    ),
    locked AS (
        SELECT id, taken FROM outbox WHERE id IN (SELECT id FROM oldest)
        ORDER BY topic, id FOR UPDATE
    )
    UPDATE outbox SET taken = true FROM locked WHERE outbox.id = locked.id
    RETURNING outbox.id, kind, payload, event_id, locked.taken
""")  # noqa: S608


async def add(session: AsyncSession, events: Sequence[OutboxEvent]) -> None:
    """Writes events in the caller's transaction; one whose id is there already stays as it is.

    Those that go on about a topic must come sorted by it, and before any that
    ends one.
    """
    if events:
        await exchange(session, adding(events))


def adding(events: Sequence[OutboxEvent]) -> list[Question]:
    """Gives the statements of `add`."""
    questions = []
    for number in sorted({each.number for each in events if each.number}):
        going_on = [each for each in events if each.number == number]
        topics = [each.topic for each in going_on]
        questions.append(Question(_ADD_UP, (*_columns(going_on, topics), number)))
    others = [each for each in events if not each.number]
    if ended := sorted({each.topic for each in others if each.topic}):
        questions.append(Question(_END, [arrays.texts(ended)]))
    if others:
        questions.append(Question(_INSERT, _columns(others, [""] * len(others))))
    return questions


async def state(session: AsyncSession) -> OutboxState:
    """Tells how much waits, and how much was refused."""
    age = func.clock_now() - func.min(_outbox.c.created_at)
    waiting, oldest = (await session.execute(select(func.count(), age).select_from(_outbox))).one()
    dead = await session.scalar(select(func.count()).select_from(_dead))
    return OutboxState(waiting=waiting, oldest=oldest, dead_letters=dead or 0)


def _columns(events: Sequence[OutboxEvent], topics: Sequence[str]) -> tuple[str, ...]:
    return (
        arrays.texts([each.event_id for each in events]),
        arrays.texts([each.kind for each in events]),
        arrays.texts([msgspec.json.encode(each.payload).decode() for each in events]),
        arrays.texts(topics),
    )


class Dispatcher:
    """Sends what waits in the outbox, oldest first, while it holds the database's lease."""

    def __init__(self, database: Database, deliver: Deliver, *, service: str) -> None:
        self._database = database
        self._deliver = deliver
        self._service = service
        self._holder = new_id()

    async def dispatch(self) -> int:
        """Sends what waits, unless another process holds the lease; gives how many events.

        Raises the receiver's `Unavailable`; what was not told stays.
        """
        told, more = 0, True
        while more and await self._hold_lease():
            events, were_left = await self._oldest()
            if not events:
                break
            refusals = await self._told(events)
            await self._forget(events, refusals)
            # Behind what an earlier call left there may be new ones. Otherwise, in a storm,
            # there is always more; it can wait, and be added up, until the next call.
            more = were_left or len(events) == BATCH
            told += len(events)
        return told

    async def state(self) -> OutboxState:
        """Tells how much waits, for health pages; sets the gauges on the way."""
        async with self._database.transaction() as session:
            found = await state(session)
        metrics.OUTBOX_DEPTH.labels(service=self._service).set(found.waiting)
        metrics.OUTBOX_AGE.labels(service=self._service).set(
            found.oldest.total_seconds() if found.oldest else 0
        )
        return found

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

    async def _oldest(self) -> tuple[list[OutboxEvent], bool]:
        """Takes what is to be told next; says whether an earlier call took it and told nobody."""
        async with self._database.transaction() as session:
            rows = sorted((await session.execute(_TAKE)).all(), key=lambda row: row.id)
        return [OutboxEvent(*row[1:-1]) for row in rows], any(row.taken for row in rows)

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
