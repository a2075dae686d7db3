"""The time, as the database tells it."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def now(session: AsyncSession) -> datetime:
    """Gives the time the transaction began; the same for all its statements."""
    moment: datetime = (await session.scalars(select(func.clock_now()))).one()
    return moment
