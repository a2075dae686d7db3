"""Follows the notifier's settings: keeps a copy of the thresholds, and acts on changes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from libs.db import outbox
from libs.db.database import Database
from services.ingestion.actions import judging
from services.ingestion.domain.threshold import ToldThreshold
from services.ingestion.peers import NotifierPeer
from services.ingestion.store import told_thresholds, workflows
from services.ingestion.store.now import now

OVERLAP = timedelta(seconds=10)
"""A change carries the time its transaction began, and can be seen only when it ended."""


class ThresholdCopy:
    """Asks for what changed; when the notifier is away the last known thresholds hold."""

    def __init__(
        self, database: Database, notifier: NotifierPeer, wake_outbox: Callable[[], None]
    ) -> None:
        self._database = database
        self._notifier = notifier
        self._wake_outbox = wake_outbox
        self._newest: datetime | None = None

    async def refresh(self) -> None:
        """Takes over what changed since the last time; everything the first time."""
        since = self._newest - OVERLAP if self._newest else None
        seen = []
        async for page in self._notifier.thresholds(changed_since=since):
            await self._take_over(page)
            seen += [each.updated_at for each in page if each.location_id]
        # Only now: after a failure all of it is asked for again.
        self._newest = max(seen, default=self._newest)

    async def _take_over(self, told: Sequence[ToldThreshold]) -> None:
        async with self._database.transaction() as session:
            if not await told_thresholds.has_news(session, told):
                return
            # A batch that is being recorded has counted against the old
            # threshold, and its workflow may not be seen yet: wait for it.
            await workflows.lock_all(session)
            changed = await told_thresholds.store(session, told)
            events = await judging.review(session, changed, await now(session))
            await outbox.add(session, events)
        if events:
            self._wake_outbox()
