"""Forgets a contact, wherever something of it is kept."""

from libs.db.database import Database
from libs.secrets import SecretBox
from services.ingestion.domain.contact import ContactRefs, Forgotten
from services.ingestion.domain.page import Position
from services.ingestion.store import contacts, partitions, quarantine
from services.ingestion.store.quarantine import Sealed

AT_ONCE = 100
"""Unread deliveries that are opened at a time."""


class Forgetting:
    """Takes a contact out of the log, and removes what could not be read and names it."""

    def __init__(self, database: Database, box: SecretBox, refs: ContactRefs) -> None:
        self._database = database
        self._box = box
        self._refs = refs

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
                executions += await contacts.forget(
                    session, location_id, refs, start=start, end=end
                )
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
