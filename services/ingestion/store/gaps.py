"""Keeps when a door was open last, and the times in which none was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from libs.ids import new_id
from services.ingestion.domain.gap import MOST_COUNTED, MOST_TOLD, REPEATED_FOR, Gap
from services.ingestion.domain.page import Position
from services.ingestion.store.forgetting import forget

# Who waited for the row finds the heartbeat of whoever held it, and no gap.
HEARTBEAT = text("""
    INSERT INTO door_heartbeats AS door (id, heartbeat_at) VALUES (1, clock_now())
    ON CONFLICT ON CONSTRAINT door_heartbeats_pkey DO UPDATE SET
        previous_at = door.heartbeat_at, heartbeat_at = excluded.heartbeat_at
    RETURNING previous_at, heartbeat_at
""")
ADD = text("""
    INSERT INTO recording_gaps (gap_id, started_at, ended_at) VALUES (:gap_id, :start, :end)
""")
OVER = text("""
    UPDATE recording_gaps SET over_told = true WHERE gap_id IN (
        SELECT gap_id FROM recording_gaps
        WHERE NOT over_told AND ended_at <= clock_now() - CAST(:repeated_for AS interval)
        ORDER BY ended_at FOR UPDATE SKIP LOCKED
    )
    RETURNING CAST(gap_id AS text), started_at, ended_at
""")
CAME_LATER = """
    SELECT count(*) FROM (
        SELECT FROM execution_logs
        WHERE executed_at >= started_at AND executed_at < ended_at AND received_at >= ended_at
            {and_of} LIMIT :most
    ) AS counted
"""
OF_LOCATION = "AND location_id = :location_id"
LISTED = """
    SELECT CAST(gap_id AS text), started_at, ended_at, ({came_later}) FROM recording_gaps
    WHERE (ended_at, gap_id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY ended_at DESC, gap_id DESC LIMIT :limit
"""
COUNTED = text(f"""
    SELECT ({CAME_LATER.format(and_of="")})
    FROM (VALUES (CAST(:start AS timestamptz), CAST(:end AS timestamptz)))
        AS gap (started_at, ended_at)
""")  # noqa: S608  no value is in the text
FIRST = {"before": "infinity", "before_id": "ffffffff-ffff-ffff-ffff-ffffffffffff"}


async def heartbeat(session: AsyncSession, after: timedelta) -> Gap | None:
    """Notes that a door is open; gives the gap that this ends, if none was for so long."""
    previous_at, at = (await session.execute(HEARTBEAT)).one()
    if previous_at is None or at - previous_at <= after:
        return None
    gap = Gap(gap_id=new_id(), start=previous_at, end=at)
    await session.execute(ADD, {"gap_id": gap.gap_id, "start": gap.start, "end": gap.end})
    return gap


async def take_over(session: AsyncSession) -> list[Gap]:
    """Gives the gaps of which nothing more will come by itself, counted, each only once."""
    rows = (await session.execute(OVER, {"repeated_for": REPEATED_FOR})).all()
    return [await _counted(session, gap_of(*row)) for row in rows]


async def newest(
    session: AsyncSession, location_id: str, *, limit: int, after: Position | None
) -> list[Gap]:
    """Lists gaps, newest first, with the executions of a location, or of all where none is given."""
    came_later = CAME_LATER.format(and_of=OF_LOCATION if location_id else "")
    place = {"before": after.at, "before_id": after.id} if after else FIRST
    given = {"limit": limit, "most": MOST_COUNTED, **place}
    if location_id:
        given["location_id"] = location_id
    found = await session.execute(text(LISTED.format(came_later=came_later)), given)
    return [replace(gap_of(*row[:3]), execution_count=row[3]) for row in found]


def gap_of(gap_id: str, start: datetime, end: datetime) -> Gap:
    """Gives the gap of a row."""
    return Gap(gap_id=gap_id, start=start, end=end)


def gaps_of(columns: Sequence[Sequence[object] | None]) -> tuple[Gap, ...]:
    """Gives the gaps of a row that holds many, as arrays of ids, starts and ends."""
    ids, starts, ends = (each or () for each in columns)
    return tuple(map(gap_of, ids, starts, ends))  # type: ignore[arg-type]  # as the columns are


async def forget_expired(session: AsyncSession, kept: timedelta) -> int:
    """Removes some of the gaps that are older than executions are kept; gives how many."""
    return await forget(session, "recording_gaps", "ended_at", kept)


async def _counted(session: AsyncSession, gap: Gap) -> Gap:
    given = {"start": gap.start, "end": gap.end, "most": MOST_TOLD}
    return replace(gap, execution_count=await session.scalar(COUNTED, given))
