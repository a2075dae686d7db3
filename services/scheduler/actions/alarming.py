"""Tells people of schedules whose scans do not complete."""

from datetime import datetime

from libs import metrics
from libs.db import outbox
from libs.db.database import Database
from services.scheduler.actions.completing import to_tell
from services.scheduler.domain.events import ScheduleOverdue
from services.scheduler.domain.timing import overdue_after
from services.scheduler.store import schedules
from services.scheduler.store.now import now

BATCH = 500


class Alarming:
    """Looks for schedules that are overdue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tick(self) -> None:
        """Reports each schedule that has not completed a scan for one and a half periods, once.

        While that goes on, each further fire that comes to nothing is reported too.
        """
        while await self._tell_batch() == BATCH:
            pass

    async def _tell_batch(self) -> int:
        async with self._database.transaction() as session:
            at = await now(session)
            found = await schedules.overdue(session, BATCH)
            if found:
                await schedules.mark_overdue(session, [each.schedule_id for each in found])
                await outbox.add(session, to_tell(_overdue(each, at) for each in found))
        metrics.SCHEDULES_OVERDUE.inc(len(found))
        return len(found)


def _overdue(due: schedules.Due, at: datetime) -> ScheduleOverdue:
    overdue_at = due.row.overdue_at or at
    try:
        due_at = overdue_at - overdue_after(due.schedule().timing)
    except Exception:  # noqa: BLE001  one broken row must not stop the others
        due_at = overdue_at
    return ScheduleOverdue(
        location_id=due.row.location_id,
        occurred_at=at,
        due_at=due_at,
        last_scan_at=due.row.last_scan_at,
    )
