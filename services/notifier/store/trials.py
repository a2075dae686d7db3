"""Counts test alerts, so that all replicas together keep to one limit."""

from datetime import timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.notifier.store.tables import TestAlertRow

WINDOW = timedelta(minutes=1)
MOST = 5


async def admit(session: AsyncSession, location_id: str) -> timedelta | None:
    """Counts one more and gives None; at the limit, gives the time until the next is admitted.

    The caller holds the location's settings alone.
    """
    of_location = col(TestAlertRow.location_id) == location_id
    now = func.clock_now()
    await session.execute(
        delete(TestAlertRow).where(of_location, col(TestAlertRow.sent_at) <= now - WINDOW)
    )
    counted = select(func.count(), func.min(TestAlertRow.sent_at) + WINDOW, now)
    sent, free_at, asked_at = (await session.execute(counted.where(of_location))).one()
    if sent >= MOST:
        wait: timedelta = free_at - asked_at
        return wait
    await session.execute(insert(TestAlertRow).values(location_id=location_id, sent_at=now))
    return None
