"""Reads and writes `silences`."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db import arrays
from libs.db.exchange import Question, Rows, text_of
from services.notifier.domain.event import Kind, Severity
from services.notifier.domain.incident import IncidentStatus
from services.notifier.domain.scope import INSTALLATION, Scope
from services.notifier.domain.silence import Silence, SilenceNotFound
from services.notifier.store.rows import named
from services.notifier.store.tables import DeliveryRow, IncidentRow, SilenceRow


async def add(session: AsyncSession, silence: Silence) -> Silence:
    """Adds a silence, and gives it as it is kept."""
    statement = (
        insert(SilenceRow)
        .values(
            silence_id=silence.silence_id,
            location_id=silence.scope.location_id,
            workflow_id=silence.scope.workflow_id,
            kinds=[*silence.kinds],
            up_to=silence.up_to,
            reason=silence.reason,
            created_by=silence.created_by,
            created_at=func.clock_now(),
            ends_at=silence.ends_at,
            expired_by="",
        )
        .returning(SilenceRow)
    )
    return _from_row((await session.scalars(statement)).one())


def asking_active(location_ids: Collection[str]) -> Question:
    """Asks for the silences that hold now in several locations, those of all locations too."""
    return Question(ACTIVE, [arrays.texts(sorted({INSTALLATION.location_id, *location_ids}))])


def found(rows: Rows) -> Sequence[Silence]:
    """Gives what `ACTIVE` found."""
    return [_from_row(named(_COLUMNS, each)) for each in rows]


async def newest(
    session: AsyncSession, location_id: str, before: int | None, limit: int, *, ended: bool
) -> Sequence[tuple[int, Silence]]:
    """Gives the silences of a location and of all locations with their positions, newest first."""
    suppressed = select(func.count()).where(col(DeliveryRow.suppressed_by) == SilenceRow.silence_id)
    if location_id:
        suppressed = suppressed.where(col(DeliveryRow.location_id) == location_id)
    query = (
        select(SilenceRow, suppressed.scalar_subquery())
        .where(col(SilenceRow.location_id).in_({INSTALLATION.location_id, location_id}))
        .order_by(col(SilenceRow.position).desc())
        .limit(limit)
    )
    if not ended:
        query = query.where(_lasts())
    if before is not None:
        query = query.where(col(SilenceRow.position) < before)
    return [(row.position, _from_row(row, count)) for row, count in await session.execute(query)]


async def expire(session: AsyncSession, location_id: str, silence_id: str, actor: str) -> Silence:
    """Ends a silence now; one that ended stays as it was. Raises `SilenceNotFound`."""
    this = (
        col(SilenceRow.silence_id) == silence_id,
        col(SilenceRow.location_id) == location_id,
    )
    ended = update(SilenceRow).where(*this, _lasts())
    await session.execute(ended.values(ends_at=func.clock_now(), expired_by=actor))
    row = await session.scalar(select(SilenceRow).where(*this))
    if row is None:
        raise SilenceNotFound(silence_id=silence_id)
    return _from_row(row)


async def tell_now(session: AsyncSession, silence_id: str) -> None:
    """Makes what a silence suppressed and nobody looks after due to be told now."""
    silenced = select(col(DeliveryRow.incident_id)).where(
        col(DeliveryRow.suppressed_by) == silence_id
    )
    await session.execute(
        update(IncidentRow)
        .where(
            col(IncidentRow.incident_id).in_(silenced),
            col(IncidentRow.status) == IncidentStatus.OPEN,
            col(IncidentRow.remind_at).is_not(None),
            ~col(IncidentRow.snoozed_until_worse),
            col(IncidentRow.snoozed_until).is_(None),
        )
        .values(remind_at=func.clock_now())
    )


def _lasts() -> ColumnElement[bool]:
    return col(SilenceRow.ends_at) > func.clock_now()


_COLUMNS = SilenceRow.__table__.columns  # type: ignore[attr-defined]
ACTIVE = text_of(
    select(*_COLUMNS).where(
        col(SilenceRow.location_id) == literal_column("ANY (CAST($1 AS text[]))"), _lasts()
    )
)


def _from_row(row: SilenceRow, suppressed_count: int = 0) -> Silence:
    return Silence(
        silence_id=row.silence_id,
        scope=Scope(row.location_id, row.workflow_id),
        kinds=tuple(Kind(each) for each in row.kinds),
        up_to=Severity(row.up_to),
        reason=row.reason,
        created_by=row.created_by,
        created_at=row.created_at,
        ends_at=row.ends_at,
        expired_by=row.expired_by,
        suppressed_count=suppressed_count,
    )
