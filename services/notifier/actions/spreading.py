"""Tells the installation once of an error that many of its locations have."""

from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

from libs.db.database import Database
from services.notifier.actions.reporting import Reporting
from services.notifier.domain.event import Event, SameError, SameErrorOver
from services.notifier.domain.incident import least_locations, same_error_key
from services.notifier.domain.scope import INSTALLATION
from services.notifier.store import causes, spreads
from services.notifier.store.spreads import Spread


class Spreading:
    """Looks for the same error in many locations, and for its end.

    What it sees it reports as an event like any other, with an id that follows from
    what it saw: so several replicas, or one that was interrupted, tell it once.
    """

    def __init__(self, database: Database, reporting: Reporting, wake: Callable[[], None]) -> None:
        self._database = database
        self._reporting = reporting
        self._wake = wake

    async def look(self) -> None:
        """Reports what spread since the last time, and what is over."""
        async with self._database.transaction() as transaction:
            found, over = await spreads.look(transaction, least_locations(0))
            news = not all(each.is_open for each in found)
            known = await spreads.location_count(transaction) if news else 0
        least = least_locations(known)
        for each in found:
            if each.new_incident_ids and (each.is_open or each.location_count >= least):
                await self._tell(each)
        for incident_id, fingerprint, since in over:
            detail = SameErrorOver(error_fingerprint=fingerprint)
            await self._report(f"{incident_id}/{since}", detail)

    async def _tell(self, spread: Spread) -> None:
        async with self._database.transaction() as transaction:
            said, error_class = await spreads.example(transaction, spread.new_incident_ids[-1])
        detail = SameError(
            error_fingerprint=spread.fingerprint,
            error_message=said,
            error_class=error_class,
            location_count=spread.location_count,
            workflow_count=spread.workflow_count,
        )
        await self._report("/".join(spread.new_incident_ids), detail)
        key = same_error_key(spread.fingerprint)
        async with self._database.transaction() as transaction:
            told = await causes.open_in_installation(transaction, [key])
            if key in told:
                await spreads.join(transaction, spread.new_incident_ids, told[key])
        self._wake()

    async def _report(self, seen: str, detail: SameError | SameErrorOver) -> None:
        event_id = str(uuid5(NAMESPACE_URL, f"{detail.kind}/{seen}"))
        event = Event(event_id, INSTALLATION.location_id, None, detail)
        await self._reporting.report([event])
