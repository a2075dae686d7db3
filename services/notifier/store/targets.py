"""Reads and writes `targets`: the addresses, and who may send to them now."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, case, func, literal, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.ids import new_id
from services.notifier.domain.pace import PACES, Lane
from services.notifier.domain.target import Channel, Target
from services.notifier.store.tables import TargetRow

FROM_SETTINGS = "settings"
EPOCH: ColumnElement[datetime] = literal_column("timestamptz 'epoch'")


async def of(session: AsyncSession, location_ids: Collection[str]) -> Sequence[Target]:
    """Gives the targets of several locations, the e-mail before the webhook."""
    query = (
        select(TargetRow)
        .where(col(TargetRow.location_id).in_(location_ids), col(TargetRow.removed_at).is_(None))
        .order_by(col(TargetRow.location_id), col(TargetRow.channel))
    )
    return [target_from(row) for row in await session.scalars(query)]


async def add(
    session: AsyncSession, location_id: str, channel: Channel, address: str, secret: bytes | None
) -> None:
    """Adds the target that an address of the settings is."""
    await session.execute(
        insert(TargetRow).values(
            target_id=new_id(),
            location_id=location_id,
            origin=FROM_SETTINGS,
            channel=channel,
            address=address,
            sealed_secret=secret,
            disabled_because="",
            lease_until=EPOCH,
            next_at=EPOCH,
            created_at=func.clock_now(),
        )
    )


async def readdress(session: AsyncSession, target_id: str, address: str) -> None:
    """Gives a target another address, and another chance if it was switched off."""
    await session.execute(
        _one(target_id).values(address=address, disabled_because="", next_at=EPOCH)
    )


async def remove(session: AsyncSession, target_id: str) -> None:
    """Forgets a target's address and secret; its deliveries stay in the log."""
    await session.execute(
        _one(target_id).values(removed_at=func.clock_now(), address="", sealed_secret=None)
    )


async def disable(session: AsyncSession, target_id: str, because: str) -> None:
    """Switches a target off."""
    await session.execute(_one(target_id).values(disabled_because=because))


async def enable(session: AsyncSession, target_id: str) -> None:
    """Switches a target on again."""
    await session.execute(_one(target_id).values(disabled_because=""))


async def lease(session: AsyncSession, target_id: str, token: str, span: timedelta) -> bool:
    """Takes the lease on a target; False when another process sends to it now."""
    statement = (
        _one(target_id)
        .where(free(), col(TargetRow.removed_at).is_(None))
        .values(lease_until=func.clock_now() + span, lease_token=token)
        .returning(col(TargetRow.target_id))
    )
    return await session.scalar(statement) is not None


async def hand_back(
    session: AsyncSession, target: Target, token: str, pause: timedelta = timedelta(0)
) -> str | None:
    """Ends a lease, and gives the target's address now; None when the lease was no longer ours.

    The target is then locked until the commit. A new address need not pause.
    """
    now = func.clock_now()
    next_at = case((col(TargetRow.address) == target.address, now + pause), else_=now)
    statement = (
        _one(target.target_id)
        .where(col(TargetRow.lease_token) == token)
        .values(lease_until=EPOCH, lease_token=None, next_at=next_at)
        .returning(col(TargetRow.address))
    )
    address: str | None = await session.scalar(statement)
    return address


async def pay(session: AsyncSession, target: Target, lane: Lane) -> None:
    """Counts a new message against the pace of a leased target."""
    column = _paid_until(lane)
    paid = func.greatest(column, func.clock_now()) + PACES[target.channel, lane].every
    await session.execute(_one(target.target_id).values({column: paid}))


def has_credit(lane: Lane) -> ColumnElement[bool]:
    """Says in SQL that the pace of a target allows one more new message."""
    slack = {channel: literal(PACES[channel, lane].slack) for channel in Channel}
    ahead: ColumnElement[bool] = _paid_until(lane) <= func.clock_now() + case(
        slack, value=col(TargetRow.channel)
    )
    return ahead


def _paid_until(lane: Lane) -> Any:
    urgent = lane is Lane.URGENT
    return col(TargetRow.urgent_paid_until if urgent else TargetRow.calm_paid_until)


def free() -> ColumnElement[bool]:
    """Says in SQL that no process sends to the target now."""
    return col(TargetRow.lease_until) <= func.clock_now()


def target_from(row: TargetRow) -> Target:
    return Target(
        target_id=row.target_id,
        location_id=row.location_id,
        channel=Channel(row.channel),
        address=row.address,
        sealed_secret=row.sealed_secret,
        disabled=bool(row.disabled_because),
    )


def _one(target_id: str) -> Update:
    return update(TargetRow).where(col(TargetRow.target_id) == target_id)
