"""One partition of the execution log for each week."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.execution import LONGEST_PAST
from services.ingestion.store.now import now

WEEK = timedelta(weeks=1)
AHEAD = timedelta(weeks=4)
"""A service that cannot make partitions for so long still takes executions in."""

ADVISORY_LOCK = 0x7765656B  # "week"

NAMES = text("""
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'execution_logs'::regclass
""")


async def weeks(session: AsyncSession) -> list[tuple[datetime, datetime]]:
    """Gives the start and the end of each partition, the oldest first."""
    mondays = sorted(_monday(name) for name in await session.scalars(NAMES))
    return [(monday, monday + WEEK) for monday in mondays]


async def make(session: AsyncSession) -> None:
    """Makes the partitions that are missing, from the oldest execution we take to weeks ahead.

    Replicas may do it at the same time: one makes them, the others find them.
    """
    await session.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
    present = set(await session.scalars(NAMES))
    at = await now(session)
    for monday in _mondays(at - LONGEST_PAST, at + AHEAD):
        if _name(monday) not in present:
            await _make_one(session, monday)


async def make_for(session: AsyncSession, moments: Collection[datetime]) -> None:
    """Makes the partitions that are missing for executions of these times."""
    mondays = {_monday_of(day) for day in {moment.date() for moment in moments}}
    present = set(await session.scalars(NAMES))
    if all(_name(each) in present for each in mondays):
        return
    await session.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
    present = set(await session.scalars(NAMES))
    for monday in sorted(mondays):
        if _name(monday) not in present:
            await _make_one(session, monday)


async def drop_older(session: AsyncSession, than: timedelta) -> list[str]:
    """Drops the partitions whose newest execution is older than that; gives their names.

    Raises `OutOfTime` when a long query is in the way; the next try may do better.
    """
    await session.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
    # All reading and writing stands still while a drop waits for a running query.
    await session.execute(text("SET LOCAL lock_timeout = '500ms'"))
    limit = await now(session) - than
    old = [name for name in await session.scalars(NAMES) if _monday(name) + WEEK <= limit]
    for name in old:
        await session.execute(text(f"DROP TABLE {name}"))
    return old


async def analyze(session: AsyncSession) -> None:
    """Refreshes the statistics of the log as a whole, which autovacuum leaves alone."""
    await session.execute(text("ANALYZE execution_logs"))


async def _make_one(session: AsyncSession, monday: datetime) -> None:
    name = _name(monday)
    # Attaching, unlike CREATE … PARTITION OF, lets readers and writers go on.
    await session.execute(
        text(
            f"CREATE TABLE {name}"
            " (LIKE execution_logs INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING STORAGE)"
        )
    )
    # Without these PostgreSQL takes location and workflow for independent and
    # guesses 20 rows where there are 50,000; those of the parent do not help.
    await session.execute(
        text(
            f"CREATE STATISTICS {name}_workflow (ndistinct, dependencies)"
            f" ON location_id, workflow_id FROM {name}"
        )
    )
    await session.execute(
        text(
            f"ALTER TABLE execution_logs ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{monday.isoformat()}') TO ('{(monday + WEEK).isoformat()}')"
        )
    )


def _mondays(first: datetime, last: datetime) -> list[datetime]:
    monday = _monday_of(first.date())
    return [monday + week * WEEK for week in range((last - monday) // WEEK + 1)]


def _monday_of(day: date) -> datetime:
    return datetime.combine(day - timedelta(day.weekday()), time(), UTC)


def _name(monday: datetime) -> str:
    return f"execution_logs_{monday:%Y%m%d}"


def _monday(name: str) -> datetime:
    return datetime.combine(date.fromisoformat(name.rpartition("_")[2]), time(), UTC)
