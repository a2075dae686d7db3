"""Hands out messages that are due: several at once, each for another target.

The lease is on the target, not on the message. So over all replicas there is at
most one request at once to a target, what is new keeps its order, and a slow
target holds nobody else up. Whoever lost the lease meanwhile writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.selectable import LateralFromClause
from sqlmodel import col

from libs.db import arrays
from libs.db.exchange import Question, exchange, text_of
from services.notifier.domain.delivery import Claim, Frozen, Waiting
from services.notifier.domain.folding import unpacked
from services.notifier.domain.pace import PACES, Lane, lane_of, most_in_one
from services.notifier.domain.target import Channel, Target
from services.notifier.store import deliveries, holds, targets
from services.notifier.store.tables import DeliveryRow, MessageRow, TargetRow
from services.notifier.store.targets import EPOCH

LEASES = dict.fromkeys(Channel, timedelta(seconds=20)) | {Channel.EMAIL: timedelta(seconds=60)}
"""Twice as long as an attempt takes at most."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What waits for a target, in the form in which it is sent from now on."""

    waiting: Waiting
    frozen: Frozen
    told_counts: Sequence[int]
    """How bad the incident of each delivery is by now."""


async def lease(
    session: AsyncSession, most: int, token: str, *, proven_only: bool = False
) -> Sequence[Target]:
    """Takes the leases on targets for which something is due, those first that waited longest.

    With `proven_only` on none that failed last, or never took anything.
    """
    statement = _LEASE_PROVEN if proven_only else _LEASE
    answers = await exchange(session, [Question(statement, [str(most), token])])
    return [targets.target_of(row) for row in answers[statement]]


async def due(
    session: AsyncSession, leased: Sequence[Target], token: str
) -> Mapping[str, Claim | Waiting]:
    """Gives what is to be sent to each leased target: a message, or what is to become one.

    The urgent lane goes first, and in a lane what was begun before what is new.
    A target is missing when its own was sent since the targets were looked through.
    """
    by_id = {each.target_id: each for each in leased}
    answers = await exchange(session, [Question(_DUE, [arrays.texts(sorted(by_id)), token])])
    rows = [_Due(*row) for row in answers[_DUE]]
    begun = [each for each in rows if each.message_id]
    await _pay_again(session, [each for each in begun if each.replayed], by_id)
    new = groupby((each for each in rows if not each.message_id), lambda row: row.target_id)
    return {
        **{row.target_id: _claim(by_id[row.target_id], token, row) for row in begun},
        **{target_id: _waiting(by_id[target_id], list(group)) for target_id, group in new},
    }


async def freeze(
    session: AsyncSession, rendered: Sequence[Rendered], token: str
) -> Sequence[Claim]:
    """Makes waiting deliveries messages, which from now on keep their ids and bytes."""
    if not rendered:
        return ()
    questions = [
        Question(_ADD_MESSAGES, _messages(rendered)),
        Question(_JOIN_MESSAGES, _members(rendered)),
        targets.paying([_cost(each.waiting) for each in rendered]),
    ]
    created: dict[str, datetime] = dict((await exchange(session, questions))[_ADD_MESSAGES])
    return [
        Claim(
            lease_token=token,
            target=each.waiting.target,
            message_id=each.waiting.message_id,
            incident_id=each.waiting.incident_id,
            attempts=0,
            frozen=each.frozen,
            created_at=created[each.waiting.message_id],
        )
        for each in rendered
    ]


def late() -> Select[Any]:
    """Asks how many deliveries could be sent now, and for how long the oldest of them could."""
    since = func.greatest(
        DeliveryRow.next_attempt_at,
        TargetRow.next_at,
        TargetRow.lease_until,
        case(
            (col(DeliveryRow.message_id).is_not(None), EPOCH),
            (
                col(DeliveryRow.lane) == Lane.URGENT,
                TargetRow.urgent_paid_until - _slack(Lane.URGENT),
            ),
            else_=TargetRow.calm_paid_until - _slack(Lane.CALM),
        ),
    )
    return (
        select(func.count(), func.clock_now() - func.min(since))
        .select_from(DeliveryRow)
        .join(TargetRow, col(TargetRow.target_id) == DeliveryRow.target_id)
        .where(*_is_due(), _is_paid_for(), *_can_be_served())
    )


def _leasing(*proven: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """Leases `$1` targets at most, with the token `$2`."""
    # One look into the index for each target. As a join it might be planned, while its
    # tables were small, to compare each target with all that waits for any.
    due = (
        select(true())
        .where(col(DeliveryRow.target_id) == TargetRow.target_id, *_is_due(), _is_paid_for())
        .order_by(col(DeliveryRow.position))
        .limit(1)
        .scalar_subquery()
    )
    longest_unserved = (
        select(col(TargetRow.target_id))
        .where(*_can_be_served(), *proven, due)
        .order_by(col(TargetRow.next_at))
        .limit(literal_column("CAST($1 AS integer)"))
        .with_for_update(skip_locked=True, key_share=True)
        .cte("longest_unserved")
    )
    spans = {channel.value: literal(span) for channel, span in LEASES.items()}
    return (
        update(TargetRow)
        .where(col(TargetRow.target_id) == longest_unserved.c.target_id)
        .values(
            lease_until=func.clock_now() + case(spans, value=col(TargetRow.channel)),
            lease_token=literal_column("$2"),
        )
        .returning(*targets.COLUMNS)
    )


def _due() -> Select[Any]:
    """Asks for the first that is due of each of the targets `$1`, leased with the token `$2`.

    A message is one row; what is to become one is a row for each delivery.
    """
    first = _first_due()
    waiting = _what_goes_along(first)
    return (
        select(
            col(TargetRow.target_id),
            first.c.lane,
            first.c.attempts,
            first.c.replayed,
            first.c.message_id,
            func.coalesce(MessageRow.incident_id, waiting.c.incident_id),
            col(MessageRow.subject),
            col(MessageRow.body_text),
            col(MessageRow.body_html),
            col(MessageRow.body),
            col(MessageRow.created_at),
            waiting.c.delivery_id,
            waiting.c.content,
        )
        .select_from(TargetRow)
        .join(first, true())
        .outerjoin(MessageRow, col(MessageRow.message_id) == first.c.message_id)
        .outerjoin(waiting, true())
        .where(
            col(TargetRow.target_id) == literal_column("ANY (CAST($1 AS text[]))"),
            col(TargetRow.lease_token) == literal_column("$2"),
            or_(first.c.message_id.is_not(None), waiting.c.delivery_id.is_not(None)),
        )
        .order_by(col(TargetRow.target_id), waiting.c.position)
    )


def _first_due() -> LateralFromClause:
    """Finds what a target is served with first."""
    return (
        select(
            col(DeliveryRow.lane),
            col(DeliveryRow.attempts),
            col(DeliveryRow.replayed),
            col(DeliveryRow.message_id),
        )
        .where(col(DeliveryRow.target_id) == TargetRow.target_id, *_is_due(), _is_paid_for())
        .order_by(
            col(DeliveryRow.lane), col(DeliveryRow.message_id).is_(None), col(DeliveryRow.position)
        )
        .limit(1)
        .correlate(TargetRow)
        .lateral("first")
    )


def _what_goes_along(first: LateralFromClause) -> LateralFromClause:
    """Finds what becomes one message with it, what only waits for company included."""
    most = case(
        *[
            (
                and_(col(TargetRow.channel) == channel, first.c.lane == lane),
                most_in_one(channel, lane),
            )
            for channel, lane in PACES
        ]
    )
    return (
        select(DeliveryRow)
        .where(
            first.c.message_id.is_(None),
            col(DeliveryRow.target_id) == TargetRow.target_id,
            deliveries.PENDING,
            col(DeliveryRow.message_id).is_(None),
            col(DeliveryRow.lane) == first.c.lane,
            func.coalesce(DeliveryRow.held_until, EPOCH) <= func.clock_now(),
        )
        .order_by(col(DeliveryRow.position))
        .limit(most)
        .with_for_update()
        .correlate(TargetRow, first)
        .lateral("waiting")
    )


def _can_be_served() -> tuple[ColumnElement[bool], ...]:
    return (
        targets.free(),
        col(TargetRow.next_at) <= func.clock_now(),
        col(TargetRow.removed_at).is_(None),
        ~holds.is_held(),
    )


def _slack(lane: Lane) -> ColumnElement[timedelta]:
    slack = {channel.value: literal(PACES[channel, lane].slack) for channel in Channel}
    return case(slack, value=col(TargetRow.channel))


def _is_due() -> tuple[ColumnElement[bool], ...]:
    return deliveries.PENDING, col(DeliveryRow.next_attempt_at) <= func.clock_now()


def _is_paid_for() -> ColumnElement[bool]:
    """Says in SQL that the pace allows it: a new message costs, another attempt does not."""
    return or_(
        and_(col(DeliveryRow.message_id).is_not(None), ~col(DeliveryRow.replayed)),
        and_(col(DeliveryRow.lane) == Lane.URGENT, targets.has_credit(Lane.URGENT)),
        and_(col(DeliveryRow.lane) != Lane.URGENT, targets.has_credit(Lane.CALM)),
    )


_LEASE, _LEASE_PROVEN = text_of(_leasing()), text_of(_leasing(targets.is_proven()))
_DUE = text_of(_due())
_ADD_MESSAGES = """
    INSERT INTO messages
        (message_id, target_id, incident_id, subject, body_text, body_html, body, created_at)
    SELECT message_id, target_id, nullif(incident_id, ''), subject, body_text, body_html,
        decode(body, 'hex'), clock_now()
    FROM unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[]), CAST($4 AS text[]),
        CAST($5 AS text[]), CAST($6 AS text[]), CAST($7 AS text[])
    ) AS made (message_id, target_id, incident_id, subject, body_text, body_html, body)
    RETURNING message_id, created_at
"""
_JOIN_MESSAGES = """
    UPDATE deliveries
    SET message_id = made.message_id, next_attempt_at = clock_now(), replayed = false,
        told_count = made.told_count
    FROM unnest(CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS bigint[]))
        AS made (delivery_id, message_id, told_count)
    WHERE deliveries.delivery_id = made.delivery_id
"""
_REPLAYED = "UPDATE deliveries SET replayed = false WHERE message_id = ANY (CAST($1 AS text[]))"


@dataclass(frozen=True, slots=True)
class _Due:
    """A row that `_DUE` gives."""

    target_id: str
    lane: int
    attempts: int
    replayed: bool
    message_id: str | None
    incident_id: str | None
    subject: str
    body_text: str
    body_html: str
    body: bytes
    created_at: datetime
    delivery_id: str
    content: Mapping[str, Any]


def _claim(target: Target, token: str, row: _Due) -> Claim:
    return Claim(
        lease_token=token,
        target=target,
        message_id=row.message_id or "",
        incident_id=row.incident_id,
        attempts=row.attempts,
        frozen=Frozen(subject=row.subject, text=row.body_text, html=row.body_html, body=row.body),
        created_at=row.created_at,
    )


def _waiting(target: Target, rows: Sequence[_Due]) -> Waiting:
    return Waiting(
        target,
        [row.delivery_id for row in rows],
        [row.incident_id for row in rows],
        [unpacked(row.content or {}) for row in rows],
    )


def _cost(waiting: Waiting) -> tuple[Target, Lane]:
    return waiting.target, lane_of(waiting.messages[0])


async def _pay_again(
    session: AsyncSession, replayed: Sequence[_Due], by_id: Mapping[str, Target]
) -> None:
    if replayed:
        ids = [row.message_id or "" for row in replayed]
        costs = [(by_id[row.target_id], Lane(row.lane)) for row in replayed]
        await exchange(session, [Question(_REPLAYED, [arrays.texts(ids)]), targets.paying(costs)])


def _messages(rendered: Sequence[Rendered]) -> Sequence[str]:
    columns = zip(
        *(
            (
                each.waiting.message_id,
                each.waiting.target.target_id,
                each.waiting.incident_id or "",
                each.frozen.subject,
                each.frozen.text,
                each.frozen.html,
                each.frozen.body.hex(),
            )
            for each in rendered
        ),
        strict=True,
    )
    return [arrays.texts(each) for each in columns]


def _members(rendered: Sequence[Rendered]) -> Sequence[str]:
    members = [
        (delivery_id, each.waiting.message_id, str(told_count))
        for each in rendered
        for delivery_id, told_count in zip(each.waiting.delivery_ids, each.told_counts, strict=True)
    ]
    return [arrays.texts(each) for each in zip(*members, strict=True)]
