"""Forgets contacts: what their runs said goes out of what was told."""

from collections.abc import Callable, Sequence

from libs.db.database import Database
from services.notifier.domain.redaction import ContactForgotten
from services.notifier.store import forgotten

AT_ONCE = 100
"""Messages that lose their text in one transaction."""


class Redacting:
    """Takes in whom to forget, and does it soon after: a caller need not wait for a search.

    Each is looked for twice, for what was written at the moment of the first time.
    A message that is on its way keeps its mark, and its text, until it is sent or
    given up.
    """

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake

    async def take_in(self, contacts: Sequence[ContactForgotten]) -> Sequence[bool]:
        """Notes whom to forget; says of each whether that was new."""
        if not contacts:
            return ()
        async with self._database.transaction() as session:
            news = [await forgotten.add(session, each) for each in contacts]
        self._wake()
        return news

    async def redact(self) -> None:
        """Forgets everybody who is due, and removes every text that may be removed now."""
        while await self._forget_next():
            pass
        removed = AT_ONCE
        while removed == AT_ONCE:
            async with self._database.transaction() as session:
                removed = await forgotten.redact_messages(session, AT_ONCE)

    async def _forget_next(self) -> bool:
        async with self._database.transaction() as session:
            due = await forgotten.held_due(session)
            if due is None:
                return False
            told = await forgotten.redact_events(session, due)
            await forgotten.redact_incidents(session, told)
            await forgotten.redact_deliveries(session, told, due.contact.run_ids)
            await forgotten.conclude(session, due, told)
        return True
