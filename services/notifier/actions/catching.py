"""Keeps mails that are not sent, and forgets old ones."""

from libs.db.database import Database
from services.notifier.domain.delivery import CaughtMail
from services.notifier.store import caught_mail


class Catching:
    """The mailbox of an installation without a mail server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, mail: CaughtMail) -> None:
        """Keeps a mail."""
        async with self._database.transaction() as transaction:
            await caught_mail.add(transaction, mail)

    async def trim(self) -> None:
        """Forgets all but the last 200 mails."""
        async with self._database.transaction() as transaction:
            await caught_mail.trim(transaction)
