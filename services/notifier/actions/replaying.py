"""Sends again what was given up or missed, when somebody asks for it."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from libs.db.database import Database
from libs.ids import new_id
from services.notifier.domain.decision import Hold, Mute, deafness
from services.notifier.domain.delivery import DeliveryNotFound, Draft, Span
from services.notifier.domain.incident import Incident
from services.notifier.domain.links import Links
from services.notifier.domain.message import ending
from services.notifier.domain.target import Target
from services.notifier.store import Transaction, deliveries, replays
from services.notifier.store.now import now


class Replaying:
    """Makes deliveries due once more: the same ones, at the pace of their target.

    Who hears so late that something began, and it is over, hears that it is over as well.
    """

    def __init__(self, database: Database, links: Links, wake: Callable[[], None]) -> None:
        self._database = database
        self._links = links
        self._wake = wake

    async def named(self, location_id: str, delivery_ids: Collection[str], *, force: bool) -> int:
        """Sends certain deliveries again, all of them or none; gives how many did not wait yet."""
        async with self._database.transaction() as transaction:
            found = await replays.held(transaction, location_id, delivery_ids)
            for each in delivery_ids:
                if each not in found:
                    raise DeliveryNotFound(delivery_id=each)
            due = [name for name, each in found.items() if each.check(force=force)]
            again = await replays.named(transaction, due)
            await self._tell_ends(transaction, again)
        self._wake()
        return len(again)

    async def given_up(self, location_id: str, span: Span, *, force: bool) -> int:
        """Sends everything again that was given up in a span of time; gives how much."""
        async with self._database.transaction() as transaction:
            again = await replays.given_up(transaction, location_id, span, force=force)
            await self._tell_ends(transaction, again)
        self._wake()
        return len(again)

    async def missed(self, transaction: Transaction, target: Target) -> int:
        """Sends a target what it missed while it did not work; gives how much."""
        again = await replays.missed(transaction, target)
        await self._tell_ends(transaction, again)
        return len(again)

    async def _tell_ends(self, transaction: Transaction, delivery_ids: Collection[str]) -> None:
        at = await now(transaction)
        ends = await replays.untold_ends(transaction, delivery_ids)
        drafts = [self._end_of(incident, target, at) for incident, target in ends]
        await deliveries.add(transaction, drafts)

    def _end_of(self, incident: Incident, target: Target, at: datetime) -> Draft:
        message = ending(incident, self._links)
        deaf = deafness(target, message)
        hold = max((incident.settles_at or at) - at, timedelta(0))
        return Draft(
            delivery_id=new_id(),
            location_id=incident.location_id,
            incident_id=incident.incident_id,
            event_id=None,
            message=message,
            wait=hold,
            held_because=Hold.SETTLING if hold else None,
            target=target,
            mute=Mute(deaf) if deaf else None,
        )
