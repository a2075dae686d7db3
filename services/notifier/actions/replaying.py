"""Sends again what was given up, when somebody asks for it."""

from collections.abc import Callable, Collection

from libs.db.database import Database
from services.notifier.domain.delivery import DeliveryNotFound, Span
from services.notifier.store import replays


class Replaying:
    """Makes deliveries due once more: the same ones, at the pace of their target."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake

    async def named(self, location_id: str, delivery_ids: Collection[str], *, force: bool) -> int:
        """Sends certain deliveries again, all of them or none; gives how many did not wait yet."""
        async with self._database.transaction() as transaction:
            found = await replays.held(transaction, location_id, delivery_ids)
            for each in delivery_ids:
                if each not in found:
                    raise DeliveryNotFound(delivery_id=each)
            due = [name for name, each in found.items() if each.check(force=force)]
            number = await replays.named(transaction, due)
        self._wake()
        return number

    async def given_up(self, location_id: str, span: Span, *, force: bool) -> int:
        """Sends everything again that was given up in a span of time; gives how much."""
        async with self._database.transaction() as transaction:
            number = await replays.given_up(transaction, location_id, span, force=force)
        self._wake()
        return number
