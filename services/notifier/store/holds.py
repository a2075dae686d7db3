"""Reads and writes `channel_holds`: channels that nobody may use, because their relay cannot be used."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db.exchange import Rows
from services.notifier.domain.retry import HOLD
from services.notifier.domain.target import Channel
from services.notifier.domain.watch import LATE, Closure
from services.notifier.store.tables import ChannelHoldRow, TargetRow

LINGERING = HOLD
"""Between two holds somebody tries; that takes a while, and says nothing new until it ends."""


async def hold(session: AsyncSession, channel: Channel) -> None:
    """Lets nobody use a channel for a while; one hold soon after another goes on with it."""
    now = func.clock_now()
    await session.execute(
        insert(ChannelHoldRow)
        .values(channel=channel, held_until=now + HOLD, held_since=now)
        .on_conflict_do_update(
            constraint="channel_holds_pkey",
            set_={
                "held_until": now + HOLD,
                "held_since": case((_until(LINGERING), ChannelHoldRow.held_since), else_=now),
            },
        )
    )


def long_ones() -> Select[Any]:
    """Asks for the channels that could not be used for so long that people must know."""
    age = func.clock_now() - col(ChannelHoldRow.held_since)
    return select(col(ChannelHoldRow.channel), age).where(_until(LINGERING), age >= LATE)


def closures(rows: Rows) -> Sequence[Closure]:
    """Gives what was found."""
    return [Closure(Channel(channel), lasts) for channel, lasts in rows]


def is_held() -> ColumnElement[bool]:
    """Says in SQL that nobody may use the channel of a target now."""
    return exists().where(*_of_target(timedelta(0)))


def cannot_be_used() -> ColumnElement[bool]:
    """Says in SQL that the channel of a target is held, or is being tried after it was."""
    return exists().where(*_of_target(LINGERING))


def _of_target(ago: timedelta) -> tuple[ColumnElement[bool], ...]:
    return col(ChannelHoldRow.channel) == TargetRow.channel, _until(ago)


def _until(ago: timedelta) -> ColumnElement[bool]:
    return col(ChannelHoldRow.held_until) > func.clock_now() - ago
