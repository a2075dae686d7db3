"""Tells again of what nobody looks after, of what got worse, of what was snoozed."""

from dataclasses import replace

from libs.db.database import Database
from services.notifier.actions import audiences
from services.notifier.actions.addressing import Addressing, Notice
from services.notifier.domain.decision import Audience
from services.notifier.domain.inbox import Action, Deed
from services.notifier.domain.incident import Incident, opened_by
from services.notifier.domain.links import Links
from services.notifier.domain.message import Occasion, reminder, update
from services.notifier.domain.scope import Scope
from services.notifier.domain.settings import AlertSettings
from services.notifier.store import Transaction, causes, deliveries, inbox

STEP = 100


class Reminding:
    """Writes reminders; the loop of deliveries sends them."""

    def __init__(
        self, database: Database, addressing: Addressing, links: Links, built_in: AlertSettings
    ) -> None:
        self._database = database
        self._addressing = addressing
        self._links = links
        self._built_in = built_in

    async def remind(self) -> int:
        """Tells again of everything that is due; gives of how many incidents."""
        async with self._database.transaction() as transaction:
            scopes = await inbox.scopes_to_remind(transaction, STEP)
        return sum([await self._remind_in(each) for each in scopes])

    async def _remind_in(self, scope: Scope) -> int:
        async with self._database.transaction() as transaction:
            # Before the incidents, as whoever reports events takes them.
            held = await audiences.held_still(transaction, [scope], self._built_in)
            due = await inbox.held_due(transaction, scope, STEP)
            for incident in due:
                await self._tell(transaction, incident, held.of(scope))
        return len(due)

    async def _tell(self, transaction: Transaction, due: Incident, audience: Audience) -> None:
        reminded = due.remind_at is not None and due.remind_at <= audience.now
        occasion = Occasion.REMINDER if reminded else Occasion.UPDATE
        kind = opened_by(due.dedup_key)
        cause = await causes.open_cause(transaction, due)
        audience = replace(audience, spread_by=await causes.spread_of(transaction, due))
        mute = audience.mute_for(kind, due.severity, cause)
        after = audience.settings.reminder_after(due.severity)
        if mute and mute.until:
            after = mute.until - audience.now
        incident = await inbox.told_again(transaction, due, after)
        reached = audience.reaches_somebody(kind, due.severity, occasion, cause)
        if due.snoozed or reached:
            await inbox.note(transaction, incident.incident_id, Action(_deed(due, occasion)))
        if not reached:
            return
        make = update if occasion is Occasion.UPDATE else reminder
        message = make(incident, audience.now, self._links)
        notice = Notice(message, incident.location_id, None, incident.incident_id)
        waiting = await deliveries.waiting_for(transaction, incident.incident_id)
        drafts = self._addressing.to_all(notice, audience, waiting=waiting)
        await deliveries.add(transaction, drafts)


def _deed(due: Incident, occasion: Occasion) -> Deed:
    if due.snoozed:
        return Deed.WOKEN
    return Deed.UPDATED if occasion is Occasion.UPDATE else Deed.REMINDED
