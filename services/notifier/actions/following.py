"""Follows the signed links of mails: shows what one would do, and does it when it is confirmed."""

from datetime import datetime, timedelta

from libs.db.database import Database
from services.notifier.actions.inbox import Inbox
from services.notifier.domain.decision import Suppression
from services.notifier.domain.inbox import Action, Deed
from services.notifier.domain.passes import Act, Followed, LinkBroken, Passes
from services.notifier.domain.scope import Scope
from services.notifier.domain.target import UNSUBSCRIBED, Target, TargetNotFound
from services.notifier.store import Transaction, deliveries, inbox, settings, targets
from services.notifier.store.now import now

SNOOZE = timedelta(hours=4)


class Following:
    """Does what links allow, each thing once."""

    def __init__(self, database: Database, actions: Inbox, passes: Passes) -> None:
        self._database = database
        self._inbox = actions
        self._passes = passes

    async def look(self, token: str) -> Followed:
        """Gives what a link would do; changes nothing. Raises `LinkBroken` or `LinkExpired`."""
        async with self._database.transaction() as transaction:
            return await self._found(transaction, token)

    async def follow(self, token: str, note: str) -> Followed:
        """Does what a link allows; a second time it changes nothing."""
        found = await self.look(token)
        if found.done:
            return found
        given, incident = found.given, found.incident
        if incident is None:
            await self._unsubscribe(found.target)
        else:
            which = (incident.location_id, incident.incident_id)
            match given.act:
                case Act.ACKNOWLEDGE:
                    await self._inbox.acknowledge(*which, found.actor, note)
                case Act.SNOOZE:
                    await self._snooze(*which, found.actor, note)
                case _:
                    await self._inbox.resolve(*which, found.actor, "", note)
        return await self.look(token)

    async def _found(self, transaction: Transaction, token: str) -> Followed:
        given = self._passes.read(token, await now(transaction))
        try:
            target = await targets.known(transaction, given.target_id)
        except TargetNotFound as problem:
            # Whoever is told nothing any more has no say any more.
            raise LinkBroken from problem
        incident = None
        if given.incident_id:
            incident = await inbox.of(transaction, given.location_id, given.incident_id)
        return Followed(given, target, incident)

    async def _snooze(self, location_id: str, incident_id: str, actor: str, note: str) -> None:
        until = await self._in(SNOOZE)
        action = Action(Deed.SNOOZED, actor, note or "For 4 hours")
        await self._inbox.snooze(location_id, incident_id, action, until, until_worse=False)

    async def _in(self, span: timedelta) -> datetime:
        async with self._database.transaction() as transaction:
            return await now(transaction) + span

    async def _unsubscribe(self, target: Target) -> None:
        async with self._database.transaction() as transaction:
            await settings.held_alone(transaction, Scope(target.location_id))
            await targets.disable(transaction, target.target_id, UNSUBSCRIBED)
            await deliveries.suppress_waiting_for(
                transaction, target.target_id, Suppression.TARGET_DISABLED
            )
