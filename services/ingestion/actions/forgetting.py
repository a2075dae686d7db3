"""Forgets a contact, wherever something of it is kept."""

from collections.abc import Callable, Sequence

from libs.db import outbox
from libs.db.database import Database
from libs.secrets import SecretBox
from services.ingestion.actions.judging import to_outbox
from services.ingestion.domain.contact import ContactRefs, Forgotten, ForgottenRun
from services.ingestion.domain.events import ContactForgotten
from services.ingestion.domain.page import Position
from services.ingestion.store import Session, contacts, partitions, quarantine
from services.ingestion.store.now import now
from services.ingestion.store.quarantine import Sealed

AT_ONCE = 100
"""Unread deliveries that are opened at a time."""

MOST_TOLD = 500
"""Executions that the notifier takes in one event."""


class Forgetting:
    """Takes a contact out of the log, and removes what could not be read and names it."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        refs: ContactRefs,
        wake_outbox: Callable[[], None],
    ) -> None:
        self._database = database
        self._box = box
        self._refs = refs
        self._wake_outbox = wake_outbox

    async def forget(self, location_id: str, contact_id: str) -> Forgotten:
        """Forgets a contact of a location; gives how much was kept of it."""
        refs = self._refs.all(location_id, contact_id)
        async with self._database.transaction() as session:
            # Runs that are given up meanwhile must not bring it back.
            await contacts.forget_open(session, location_id, refs)
            weeks = await partitions.weeks(session)
        executions = 0
        for start, end in weeks:
            # Week by week: no transaction is long, however much the location has run.
            async with self._database.transaction() as session:
                runs = await contacts.forget(session, location_id, refs, start=start, end=end)
                await _tell(session, location_id, [each for each in runs if each.failed])
            executions += len(runs)
        self._wake_outbox()
        return Forgotten(executions, await self._forget_unread(location_id, contact_id))

    async def _forget_unread(self, location_id: str, contact_id: str) -> int:
        removed, after = 0, None
        while True:
            async with self._database.transaction() as session:
                found = await quarantine.sealed(session, location_id, limit=AT_ONCE, after=after)
                for each in found:
                    if self._names(each, contact_id):
                        id_ = each.delivery.quarantine_id
                        removed += await quarantine.remove(session, location_id, id_)
            if len(found) < AT_ONCE:
                return removed
            last = found[-1].delivery
            after = Position(last.received_at, last.quarantine_id)

    def _names(self, sealed: Sealed, contact_id: str) -> bool:
        if contact_id in sealed.idempotency_key:
            return True
        try:
            return contact_id.encode() in self._box.open(sealed.body)
        except ValueError:
            return True  # whose key is gone nobody can read, nor say that it does not


async def _tell(session: Session, location_id: str, failed: Sequence[ForgottenRun]) -> None:
    """Tells which runs alerts may have told of, in the transaction that forgets them."""
    if not failed:
        return
    at = await now(session)
    chunks = [failed[start : start + MOST_TOLD] for start in range(0, len(failed), MOST_TOLD)]
    events = [
        ContactForgotten(
            location_id=location_id,
            occurred_at=at,
            execution_ids=tuple(each.execution_id for each in some),
            run_ids=tuple(each.run_id for each in some if each.run_id),
        )
        for some in chunks
    ]
    await outbox.add(session, [to_outbox(each) for each in events])
