"""Takes events in: from what happened to who is told, in one transaction."""

from collections.abc import Callable, Collection, Sequence

from libs import metrics, problems
from libs.db.database import Database
from services.notifier.actions import audiences
from services.notifier.actions.counting import Counting
from services.notifier.actions.deciding import Batch, Deciding
from services.notifier.domain.event import Event
from services.notifier.domain.incident import key_of
from services.notifier.domain.settings import AlertSettings
from services.notifier.store import reports


class Reporting:
    """Makes incidents and deliveries of events."""

    def __init__(
        self,
        database: Database,
        deciding: Deciding,
        built_in: AlertSettings,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._deciding = deciding
        self._built_in = built_in
        self._wake = wake

    async def report(self, events: Sequence[Event]) -> Sequence[bool]:
        """Takes events in; says of each whether it was new.

        All of them are kept, with everything that follows from them, or none.
        """
        first: dict[str, Event] = {}
        for each in events:
            first.setdefault(each.event_id, each)
        new = await self._taken_in_even_if_overtaken(list(first.values()))
        for event_id in new:
            metrics.EVENTS_TOLD.labels(kind=first[event_id].detail.kind).inc()
        return [each is first[each.event_id] and each.event_id in new for each in events]

    async def _taken_in_even_if_overtaken(self, events: Sequence[Event]) -> Collection[str]:
        try:
            return await self._taken_in(events)
        except problems.Overtaken:
            # Nothing was kept, and whoever won the race is done by now.
            return await self._taken_in(events)

    async def _taken_in(self, events: Sequence[Event]) -> Collection[str]:
        """Gives the ids of those that were new."""
        if not events:
            return ()
        async with self._database.transaction() as transaction:
            entered = await reports.enter(transaction, events)
            new = [each for each in events if each.event_id in entered.happened]
            if not new:
                return ()
            listening = audiences.of(entered.listening, self._built_in)
            counting = await Counting.about(transaction, new, listening, entered)
            batch = Batch(transaction, counting, listening)
            incidents: dict[str, str] = {}
            # Every batch takes its incidents in this order, so none waits in a circle. The
            # sort is stable: events of one incident stay in the order they were told.
            for event in sorted(new, key=key_of):
                at = entered.happened[event.event_id]
                incident = await self._deciding.decide(batch, event, at)
                if incident:
                    incidents[event.event_id] = incident.incident_id
            await batch.conclude(incidents)
        if batch.has_news:
            self._wake()
        return entered.happened.keys()
