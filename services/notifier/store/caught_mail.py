"""Reads and writes `caught_mail`."""

from collections.abc import Sequence

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.domain.delivery import CaughtMail
from services.notifier.store.tables import CaughtMailRow

KEPT = 200


async def add(session: AsyncSession, mail: CaughtMail) -> None:
    """Keeps a mail; once, however often it is sent."""
    await session.execute(
        insert(CaughtMailRow)
        .values(
            message_id=mail.message_id,
            location_id=mail.location_id,
            caught_at=func.clock_now(),
            sender=mail.sender,
            recipient=mail.recipient,
            subject=mail.subject,
            body_text=mail.text,
            body_html=mail.html,
        )
        .on_conflict_do_nothing(constraint="caught_mail_message_id_key")
    )


async def newest(session: AsyncSession, location_id: str) -> Sequence[CaughtMail]:
    """Gives those of the last 200 mails that are of a location, or all; newest first."""
    query = select(CaughtMailRow).where(col(CaughtMailRow.id).in_(_last()))
    if location_id:
        query = query.where(col(CaughtMailRow.location_id) == location_id)
    rows = await session.scalars(query.order_by(col(CaughtMailRow.id).desc()))
    return [_from_row(row) for row in rows]


async def trim(session: AsyncSession) -> None:
    """Forgets all but the last 200 mails."""
    await session.execute(delete(CaughtMailRow).where(col(CaughtMailRow.id).not_in(_last())))


def _last() -> Select[int]:
    return select(col(CaughtMailRow.id)).order_by(col(CaughtMailRow.id).desc()).limit(KEPT)


def _from_row(row: CaughtMailRow) -> CaughtMail:
    return CaughtMail(
        message_id=row.message_id,
        location_id=row.location_id,
        sender=row.sender,
        recipient=row.recipient,
        subject=row.subject,
        text=row.body_text,
        html=row.body_html,
        caught_at=row.caught_at,
    )
