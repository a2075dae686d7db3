"""Watches the notifier itself: finds who was forgotten, and tells that it is alive."""

from collections.abc import Awaitable, Callable

import structlog

from libs import metrics
from libs.db.database import Database
from services.notifier.actions import audiences
from services.notifier.actions.addressing import Addressing, Notice, unsent
from services.notifier.domain.decision import Audience
from services.notifier.domain.incident import Incident, opened_by
from services.notifier.domain.links import Links
from services.notifier.domain.message import late_opening
from services.notifier.domain.scope import Scope
from services.notifier.domain.settings import AlertSettings
from services.notifier.domain.watch import Watch
from services.notifier.store import Transaction, causes, deliveries, watching

log = structlog.get_logger()

STEP = 100


class Watching:
    """Any replica does it; rows that another one looks at are left to that."""

    def __init__(
        self,
        database: Database,
        addressing: Addressing,
        links: Links,
        built_in: AlertSettings,
        alive: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._addressing = addressing
        self._links = links
        self._built_in = built_in
        self._alive = alive

    async def watch(self) -> Watch:
        """Gives how the notifier is, and shows it in the metrics."""
        async with self._database.transaction() as transaction:
            found = await watching.watch(transaction)
        metrics.OLDEST_DUE.set(found.oldest_due_age.total_seconds())
        return found

    async def audit(self) -> int:
        """Tells of what was forgotten; gives of how many incidents.

        While what is due is sent, it then tells whoever watches the notifier.
        """
        async with self._database.transaction() as transaction:
            scopes = await watching.scopes_with_orphans(transaction, STEP)
        found = sum([await self._audit(each) for each in scopes])
        if found:
            metrics.ORPHANS.inc(found)
            log.error("incidents.orphaned", number=found)
        if (await self.watch()).well:
            await self._alive()
        return found

    async def _audit(self, scope: Scope) -> int:
        async with self._database.transaction() as transaction:
            held = await audiences.held_still(transaction, [scope], self._built_in)
            orphans = await watching.held_orphans(transaction, scope, STEP)
            for incident in orphans:
                await self._tell(transaction, incident, held.of(scope))
        return len(orphans)

    async def _tell(self, transaction: Transaction, incident: Incident, audience: Audience) -> None:
        message = late_opening(incident, audience.now, self._links)
        notice = Notice(message, incident.location_id, None, incident.incident_id)
        known = await watching.accounted_for(transaction, incident.incident_id)
        cause = await causes.open_cause(transaction, incident)
        mute = audience.mute_for(opened_by(incident.dedup_key), incident.severity, cause)
        drafts = [unsent(notice, mute)] if mute else self._addressing.to_all(notice, audience)
        missing = [each for each in drafts if not each.target or each.target.target_id not in known]
        await deliveries.add(transaction, missing)
