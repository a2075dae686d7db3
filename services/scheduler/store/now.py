"""The time, as the database tells it: the only one that schedules and leases go by."""

from datetime import datetime

from sqlalchemy import func, select

from services.scheduler.store import Transaction


async def now(session: Transaction) -> datetime:
    """Gives the time the transaction began; the same for all its statements."""
    at: datetime = (await session.scalars(select(func.clock_now()))).one()
    return at
