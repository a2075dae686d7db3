"""Reads and writes `targets`: the addresses, and who may send to them now."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Update,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db import arrays
from libs.db.exchange import Question, exchange, text_of
from services.notifier.domain.digest import Digest
from services.notifier.domain.event import Severity
from services.notifier.domain.message import Occasion
from services.notifier.domain.pace import PACES, Lane
from services.notifier.domain.target import Channel, Health, Origin, Target, TargetNotFound
from services.notifier.store.now import now
from services.notifier.store.rows import named
from services.notifier.store.tables import TargetRow

EPOCH: ColumnElement[datetime] = literal_column("timestamptz 'epoch'")
ENABLED: Mapping[str, Any] = {"disabled_because": "", "disabled_at": None}
NEVER_TRIED: Mapping[str, Any] = {"failing_since": None, "failures": 0, "last_error": ""}
COLUMNS = TargetRow.__table__.columns  # type: ignore[attr-defined]
BY_SETTINGS_FIRST = (
    col(TargetRow.location_id),
    col(TargetRow.origin) != Origin.SETTINGS,
    case((col(TargetRow.origin) == Origin.SETTINGS, col(TargetRow.channel)), else_=""),
    col(TargetRow.created_at),
    col(TargetRow.target_id),
)
OF = text_of(
    select(*COLUMNS)
    .where(
        col(TargetRow.location_id) == literal_column("ANY (CAST($1 AS text[]))"),
        col(TargetRow.removed_at).is_(None),
    )
    .order_by(*BY_SETTINGS_FIRST)
)


async def of(session: AsyncSession, location_ids: Collection[str]) -> Sequence[Target]:
    """Gives the targets of several locations: e-mail and webhook of the settings, then the oldest."""
    answers = await exchange(session, [asking_for(location_ids)])
    return [target_of(row) for row in answers[OF]]


def asking_for(location_ids: Collection[str]) -> Question:
    """Gives the statement of `of`."""
    return Question(OF, [arrays.texts(sorted(location_ids))])


async def one(session: AsyncSession, location_id: str, target_id: str) -> Target:
    """Gives a target; raises `TargetNotFound`."""
    query = (
        select(TargetRow)
        .where(
            col(TargetRow.target_id) == target_id,
            col(TargetRow.location_id) == location_id,
            col(TargetRow.removed_at).is_(None),
        )
        .execution_options(populate_existing=True)
    )
    row = await session.scalar(query)
    if row is None:
        raise TargetNotFound(target_id=target_id)
    return target_from(row)


async def known(session: AsyncSession, target_id: str) -> Target:
    """Gives a target of whatever location; raises `TargetNotFound`."""
    query = select(TargetRow).where(
        col(TargetRow.target_id) == target_id, col(TargetRow.removed_at).is_(None)
    )
    row = await session.scalar(query, execution_options={"populate_existing": True})
    if row is None:
        raise TargetNotFound(target_id=target_id)
    return target_from(row)


async def add(session: AsyncSession, target: Target) -> None:
    """Adds a target."""
    await session.execute(
        insert(TargetRow).values(
            target_id=target.target_id,
            location_id=target.location_id,
            workflow_id=target.workflow_id,
            origin=target.origin,
            channel=target.channel,
            lease_until=EPOCH,
            next_at=EPOCH,
            created_at=func.clock_now(),
            **_wishes(target),
        )
    )


async def write(session: AsyncSession, target: Target) -> None:
    """Writes what people may change of a target; the caller holds the location's settings alone."""
    await session.execute(_one(target.target_id).values(**_wishes(target)))


async def readdress(session: AsyncSession, target_id: str, address: str) -> None:
    """Gives a target another address, and another chance if it was switched off."""
    await session.execute(
        _one(target_id).values(
            address=address, next_at=EPOCH, verified_at=None, **ENABLED, **NEVER_TRIED
        )
    )


async def remove(session: AsyncSession, target_id: str) -> None:
    """Forgets a target's address and secrets; its deliveries stay in the log."""
    await session.execute(
        update(TargetRow)
        .where(col(TargetRow.fallback_target_id) == target_id)
        .values(fallback_target_id=None)
    )
    await session.execute(
        _one(target_id).values(
            removed_at=func.clock_now(),
            address="",
            sealed_secret=None,
            sealed_old_secret=None,
            old_secret_until=None,
            options={},
            fallback_target_id=None,
        )
    )


async def close(session: AsyncSession, location_id: str) -> None:
    """Takes the leases on all targets of a location away, and gives out no more."""
    await session.execute(
        update(TargetRow)
        .where(col(TargetRow.location_id) == location_id)
        .values(removed_at=func.clock_now(), lease_token=None, fallback_target_id=None)
    )


async def disable(session: AsyncSession, target_id: str, because: str) -> None:
    """Switches a target off."""
    await session.execute(
        _one(target_id).values(disabled_because=because, disabled_at=func.clock_now())
    )


async def enable(session: AsyncSession, target_id: str) -> None:
    """Switches a target on again, as if it had never failed."""
    await session.execute(_one(target_id).values(next_at=EPOCH, **ENABLED, **NEVER_TRIED))


async def stands_alone(session: AsyncSession, target_id: str) -> None:
    """Notes that nobody stands in for a target any more."""
    await session.execute(_one(target_id).values(failed_over_count=0))


async def next_news(session: AsyncSession, target: Target, every: timedelta) -> timedelta:
    """Gives how long news of a target wait, so that they are told so often at most."""
    at = await now(session)
    until = await session.scalar(
        select(col(TargetRow.news_until)).where(col(TargetRow.target_id) == target.target_id)
    )
    if until is not None and until > at:
        wait: timedelta = until - at
        return wait
    await session.execute(_one(target.target_id).values(news_until=func.clock_now() + every))
    return timedelta(0)


async def verify(session: AsyncSession, target_id: str) -> None:
    """Notes that a test arrived at a target."""
    await session.execute(_one(target_id).values(verified_at=func.clock_now()))


async def rotate(
    session: AsyncSession, target_id: str, sealed_secret: bytes, overlap: timedelta
) -> None:
    """Gives a target a new secret; the one before signs as well for a while."""
    await session.execute(
        _one(target_id).values(
            sealed_old_secret=TargetRow.sealed_secret,
            old_secret_until=func.clock_now() + overlap,
            sealed_secret=sealed_secret,
        )
    )


async def lease(session: AsyncSession, target_id: str, token: str, span: timedelta) -> bool:
    """Takes the lease on a target; False when another process sends to it now."""
    statement = (
        _one(target_id)
        .where(free(), col(TargetRow.removed_at).is_(None))
        .values(lease_until=func.clock_now() + span, lease_token=token)
        .returning(col(TargetRow.target_id))
    )
    return await session.scalar(statement) is not None


def paying(costs: Sequence[tuple[Target, Lane]]) -> Question:
    """Gives what counts a new message of a lane against the pace of each of several leased targets."""
    return Question(
        _PAY,
        [
            arrays.texts([target.target_id for target, _ in costs]),
            arrays.flags([lane is Lane.URGENT for _, lane in costs]),
            arrays.spans([PACES[target.channel, lane].every for target, lane in costs]),
        ],
    )


async def next_paid_for(session: AsyncSession, target: Target, lane: Lane) -> datetime | None:
    """Gives when the pace of a target allows the next new message; None when it does now."""
    at = _paid_until(lane) - PACES[target.channel, lane].slack
    query = select(at).where(col(TargetRow.target_id) == target.target_id, at > func.clock_now())
    found: datetime | None = await session.scalar(query)
    return found


def has_credit(lane: Lane) -> ColumnElement[bool]:
    """Says in SQL that the pace of a target allows one more new message."""
    slack = {channel.value: literal(PACES[channel, lane].slack) for channel in Channel}
    ahead: ColumnElement[bool] = _paid_until(lane) <= func.clock_now() + case(
        slack, value=col(TargetRow.channel)
    )
    return ahead


_PAY = """
    UPDATE targets SET
        urgent_paid_until = CASE WHEN NOT urgent THEN urgent_paid_until
            ELSE greatest(urgent_paid_until, clock_now()) + every END,
        calm_paid_until = CASE WHEN urgent THEN calm_paid_until
            ELSE greatest(calm_paid_until, clock_now()) + every END
    FROM unnest(CAST($1 AS text[]), CAST($2 AS boolean[]), CAST($3 AS interval[]))
        AS paid (target_id, urgent, every)
    WHERE targets.target_id = paid.target_id
"""


def _paid_until(lane: Lane) -> Any:
    urgent = lane is Lane.URGENT
    return col(TargetRow.urgent_paid_until if urgent else TargetRow.calm_paid_until)


def free() -> ColumnElement[bool]:
    """Says in SQL that no process sends to the target now."""
    return col(TargetRow.lease_until) <= func.clock_now()


def is_proven() -> ColumnElement[bool]:
    """Says in SQL that a target is known to work."""
    return and_(col(TargetRow.failures) == 0, col(TargetRow.last_delivered_at).is_not(None))


def target_of(values: Sequence[Any]) -> Target:
    """Gives a target of the values of `COLUMNS`."""
    return target_from(named(COLUMNS, values))


def target_from(row: TargetRow) -> Target:
    return Target(
        target_id=row.target_id,
        location_id=row.location_id,
        channel=Channel(row.channel),
        address=row.address,
        sealed_secret=row.sealed_secret,
        sealed_old_secret=row.sealed_old_secret,
        old_secret_until=row.old_secret_until,
        origin=Origin(row.origin),
        workflow_id=row.workflow_id,
        name=row.name,
        floor=Severity(row.severity_floor),
        digest=Digest(row.digest),
        occasions=tuple(Occasion(each) for each in row.occasions),
        fallback_target_id=row.fallback_target_id,
        body_template=row.body_template,
        options=row.options,
        disabled_because=row.disabled_because,
        disabled_at=row.disabled_at,
        verified_at=row.verified_at,
        created_at=row.created_at,
        failed_over_count=row.failed_over_count,
        sent_month=row.sent_month,
        sent_count=row.sent_count,
        health=Health(
            failing_since=row.failing_since,
            failures=row.failures,
            last_error=row.last_error,
            last_delivered_at=row.last_delivered_at,
        ),
    )


def _wishes(target: Target) -> dict[str, Any]:
    return {
        "address": target.address,
        "sealed_secret": target.sealed_secret,
        "name": target.name,
        "severity_floor": target.floor,
        "digest": target.digest,
        "occasions": [*target.occasions],
        "fallback_target_id": target.fallback_target_id,
        "body_template": target.body_template,
        "options": dict(target.options),
        "disabled_because": target.disabled_because,
    }


def _one(target_id: str) -> Update:
    return update(TargetRow).where(col(TargetRow.target_id) == target_id)
