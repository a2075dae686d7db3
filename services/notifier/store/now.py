"""The database's time, which all decisions go by."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

CLOCK = "SELECT clock_now()"


async def now(session: AsyncSession) -> datetime:
    """Gives the time at which the transaction began."""
    at: datetime = (await session.scalars(select(func.clock_now()))).one()
    return at
