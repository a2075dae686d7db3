"""Shows what was decided and what became of it."""

from collections.abc import Sequence

from libs import problems
from libs.db.database import Database
from services.notifier.domain.delivery import CaughtMail, Delivery, DeliveryFilter
from services.notifier.domain.inbox import Attempt
from services.notifier.domain.incident import Incident, IncidentPosition, IncidentStatus
from services.notifier.store import caught_mail, deliveries, inbox, incidents


class MailNotCaught(problems.WrongState):
    """Mails are sent, because SMTP_HOST is set; there is no mailbox to look into."""

    reason = "MAIL_NOT_CAUGHT"


class Listing:
    """Reads incidents, deliveries and caught mails."""

    def __init__(self, database: Database, *, catches_mail: bool) -> None:
        self._database = database
        self._catches_mail = catches_mail

    async def incidents(
        self,
        location_id: str,
        status: IncidentStatus | None,
        after: IncidentPosition | None,
        limit: int,
        *,
        needs_attention: bool,
    ) -> Sequence[Incident]:
        """Gives a location's incidents, the one with the newest event first."""
        async with self._database.transaction() as transaction:
            return await incidents.newest(
                transaction, location_id, status, after, limit, needs_attention=needs_attention
            )

    async def deliveries(
        self, location_id: str, asked: DeliveryFilter, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """Gives a location's deliveries, newest first."""
        async with self._database.transaction() as transaction:
            return await deliveries.newest(transaction, location_id, asked, before, limit)

    async def delivery(
        self, location_id: str, delivery_id: str
    ) -> tuple[Delivery, Sequence[Attempt]]:
        """Gives one delivery, and the attempts to make it."""
        async with self._database.transaction() as transaction:
            found = await deliveries.one(transaction, location_id, delivery_id)
            return found, await inbox.attempts_at(transaction, delivery_id)

    async def caught_mail(self, location_id: str) -> Sequence[CaughtMail]:
        """Gives the mails that were kept instead of sent, newest first."""
        if not self._catches_mail:
            raise MailNotCaught
        async with self._database.transaction() as transaction:
            return await caught_mail.newest(transaction, location_id)
