"""Silences: made, listed, ended early."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from libs.db.database import Database
from libs.ids import new_id
from services.notifier.domain.silence import Silence, check_end
from services.notifier.store import silences
from services.notifier.store.now import now


class Silencing:
    """Keeps what people want to hear nothing of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, silence: Silence, ends_at: datetime | None) -> Silence:
        """Suppresses what a silence covers, from now until it ends."""
        async with self._database.transaction() as transaction:
            until = check_end(await now(transaction), ends_at)
            made = replace(silence, silence_id=new_id(), ends_at=until)
            return await silences.add(transaction, made)

    async def of(
        self, location_id: str, before: int | None, limit: int, *, ended: bool
    ) -> tuple[Sequence[tuple[int, Silence]], datetime]:
        """Gives the silences of a location, newest first, and the time that this was so."""
        async with self._database.transaction() as transaction:
            found = await silences.newest(transaction, location_id, before, limit, ended=ended)
            return found, await now(transaction)

    async def expire(
        self, location_id: str, silence_id: str, actor: str
    ) -> tuple[Silence, datetime]:
        """Ends a silence now; what it kept back and is still open is told."""
        async with self._database.transaction() as transaction:
            ended = await silences.expire(transaction, location_id, silence_id, actor)
            await silences.tell_now(transaction, silence_id)
            return ended, await now(transaction)
