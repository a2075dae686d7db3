"""Notices when nothing could be recorded, and tells of it when it is over."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from libs import metrics
from libs.db import outbox
from libs.db.database import Database
from services.ingestion.actions.judging import to_outbox
from services.ingestion.domain.events import RecordingGap, RecordingGapOver
from services.ingestion.domain.gap import Gap
from services.ingestion.store import gaps
from services.ingestion.store.now import now

log = structlog.get_logger()


class Noticing:
    """Looks at how long no door said that it is open; exactly once over all doors and replicas."""

    def __init__(
        self, database: Database, gap_after: timedelta, wake_outbox: Callable[[], None]
    ) -> None:
        self._database = database
        self._gap_after = gap_after
        self._wake_outbox = wake_outbox

    async def keep_open(self) -> Gap | None:
        """Notes that a door is open; gives the gap that this ends, told in the same transaction."""
        async with self._database.transaction() as session:
            gap = await gaps.heartbeat(session, self._gap_after)
            if gap:
                await outbox.add(session, [to_outbox(_began(gap))])
        if gap:
            metrics.RECORDING_GAPS.inc()
            start, seconds = gap.start.isoformat(), (gap.end - gap.start).total_seconds()
            log.warning("recording.gap", gap_id=gap.gap_id, start=start, seconds=round(seconds))
            self._wake_outbox()
        return gap

    async def tell_over(self) -> None:
        """Tells how many executions came later, once nothing more comes by itself."""
        async with self._database.transaction() as session:
            over = await gaps.take_over(session)
            if not over:
                return
            at = await now(session)
            events = [
                RecordingGapOver(
                    occurred_at=at,
                    gap_id=each.gap_id,
                    start=each.start,
                    end=each.end,
                    execution_count=each.execution_count or 0,
                )
                for each in over
            ]
            await outbox.add(session, [to_outbox(each) for each in events])
        self._wake_outbox()


def _began(gap: Gap) -> RecordingGap:
    return RecordingGap(occurred_at=gap.end, gap_id=gap.gap_id, start=gap.start, end=gap.end)
