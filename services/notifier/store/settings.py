"""Reads and writes `alert_settings`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.ids import new_id
from services.notifier.domain.settings import AlertSettings, SettingsPosition
from services.notifier.store.tables import AlertSettingsRow

UNTOUCHED = 0


async def of(session: AsyncSession, location_id: str) -> AlertSettings:
    """Gives a location's settings; the defaults where none were made."""
    query = select(AlertSettingsRow).where(col(AlertSettingsRow.location_id) == location_id)
    row = await session.scalar(query)
    return _from_row(row) if row else AlertSettings(location_id)


async def held_still(
    session: AsyncSession, location_ids: Collection[str]
) -> dict[str, AlertSettings]:
    """Gives the settings of several locations, and keeps them from changing until the commit.

    So no delivery is written for a target that is being removed.
    """
    query = (
        select(AlertSettingsRow)
        .where(col(AlertSettingsRow.location_id).in_(location_ids))
        .order_by(col(AlertSettingsRow.location_id))
        .with_for_update(read=True)
    )
    made = {row.location_id: _from_row(row) for row in await session.scalars(query)}
    return {each: made.get(each, AlertSettings(each)) for each in location_ids}


async def held_alone(session: AsyncSession, location_id: str) -> AlertSettings:
    """Gives a location's settings to the one who changes them; makes the row if there is none."""
    defaults = AlertSettings(location_id)
    await session.execute(
        insert(AlertSettingsRow)
        .values(
            id=new_id(),
            location_id=location_id,
            version=UNTOUCHED,
            created_at=func.clock_now(),
            updated_at=func.clock_now(),
            **_values(defaults),
        )
        .on_conflict_do_nothing(constraint="alert_settings_location_id_key")
    )
    query = (
        select(AlertSettingsRow)
        .where(col(AlertSettingsRow.location_id) == location_id)
        .with_for_update()
    )
    return _from_row((await session.scalars(query)).one())


async def write(session: AsyncSession, settings: AlertSettings) -> AlertSettings:
    """Writes settings that were held, and gives them as they are now."""
    statement = (
        update(AlertSettingsRow)
        .where(col(AlertSettingsRow.location_id) == settings.location_id)
        .values(
            version=AlertSettingsRow.version + 1,
            # Never earlier than before: a change that waited for another began before it.
            updated_at=func.greatest(AlertSettingsRow.updated_at, func.clock_now()),
            **_values(settings),
        )
        .returning(AlertSettingsRow)
        .execution_options(populate_existing=True)
    )
    return _from_row((await session.scalars(statement)).one())


async def changed_since(
    session: AsyncSession, since: datetime | None, after: SettingsPosition | None, limit: int
) -> Sequence[AlertSettings]:
    """Gives settings that changed at or after a time, oldest change first.

    The time is when the change began. One that began earlier may be committed
    later, by seconds, so whoever follows the changes asks from a minute before
    the last one seen.
    """
    order = (col(AlertSettingsRow.updated_at), col(AlertSettingsRow.location_id))
    query = select(AlertSettingsRow).order_by(*order).limit(limit)
    if since:
        query = query.where(col(AlertSettingsRow.updated_at) >= since)
    if after:
        query = query.where(tuple_(*order) > (after.updated_at, after.location_id))
    return [_from_row(row) for row in await session.scalars(query)]


def _values(settings: AlertSettings) -> dict[str, object]:
    return {
        "enabled": settings.enabled,
        "failure_threshold": settings.failure_threshold,
        "time_window_hours": settings.time_window_hours,
        "alert_on_critical": settings.alert_on_critical,
        "alert_email": settings.alert_email,
        "webhook_url": settings.webhook_url,
    }


def _from_row(row: AlertSettingsRow) -> AlertSettings:
    return AlertSettings(
        location_id=row.location_id,
        enabled=row.enabled,
        failure_threshold=row.failure_threshold,
        time_window_hours=row.time_window_hours,
        alert_on_critical=row.alert_on_critical,
        alert_email=row.alert_email,
        webhook_url=row.webhook_url,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
