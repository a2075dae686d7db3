"""What people do with incidents: look after them, silence them, end them, tell what helped."""

from collections.abc import Callable, Sequence
from datetime import datetime

from libs.db.database import Database
from services.notifier.actions import audiences
from services.notifier.actions.addressing import Addressing, Notice
from services.notifier.domain.decision import Audience
from services.notifier.domain.delivery import DeliveryFilter
from services.notifier.domain.event import Severity
from services.notifier.domain.inbox import (
    Action,
    Deed,
    Entry,
    IncidentOver,
    Story,
    check_snooze,
)
from services.notifier.domain.incident import Incident, IncidentStatus
from services.notifier.domain.links import Links
from services.notifier.domain.message import ending
from services.notifier.domain.settings import AlertSettings
from services.notifier.store import Transaction, causes, deliveries, inbox
from services.notifier.store.now import now

MOST_AFFECTED = 500


class Inbox:
    """Reads and changes single incidents, and writes down who did it."""

    def __init__(
        self,
        database: Database,
        addressing: Addressing,
        links: Links,
        built_in: AlertSettings,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._addressing = addressing
        self._links = links
        self._built_in = built_in
        self._wake = wake

    async def story(self, location_id: str, incident_id: str) -> Story:
        """Gives an incident with everything that happened to it."""
        async with self._database.transaction() as transaction:
            incident = await inbox.of(transaction, location_id, incident_id)
            entries = await _entries(transaction, incident)
            key = (location_id, incident.dedup_key)
            fixes = await inbox.earlier_fixes(transaction, [key], but=incident_id, most=3)
            affected = await causes.affected_by(transaction, incident, MOST_AFFECTED)
        newest_first = sorted(entries, key=lambda entry: entry[0], reverse=True)
        return Story(incident, tuple(newest_first), tuple(fixes.get(key, ())), tuple(affected))

    async def acknowledge(
        self, location_id: str, incident_id: str, actor: str, note: str
    ) -> Incident:
        """Notes who looks after an open incident; the first one stays."""
        async with self._database.transaction() as transaction:
            incident = await _held_open(transaction, location_id, incident_id)
            if incident.acknowledged_at is None:
                incident = await inbox.acknowledge(transaction, incident_id, actor)
                await inbox.note(transaction, incident_id, Action(Deed.ACKNOWLEDGED, actor, note))
        return incident

    async def snooze(
        self,
        location_id: str,
        incident_id: str,
        action: Action,
        until: datetime | None,
        *,
        until_worse: bool,
    ) -> Incident:
        """Keeps an open incident quiet until a time, or until it gets worse."""
        async with self._database.transaction() as transaction:
            check_snooze(await now(transaction), until, until_worse=until_worse)
            incident = await _held_open(transaction, location_id, incident_id)
            await inbox.note(transaction, incident_id, action)
            return await inbox.snooze(transaction, incident, until, until_worse=until_worse)

    async def resolve(
        self, location_id: str, incident_id: str, actor: str, cause: str, fix: str
    ) -> Incident:
        """Ends an incident by hand, and remembers what helped."""
        said = Action(Deed.RESOLVED, actor, "; ".join(filter(None, [cause, fix])))
        async with self._database.transaction() as transaction:
            audience = await self._audience(transaction, location_id, incident_id)
            incident = await inbox.held(transaction, location_id, incident_id)
            if incident.status is IncidentStatus.OPEN:
                incident = await inbox.resolve(transaction, incident_id, actor, cause, fix)
                await self._tell_the_end(transaction, incident, audience)
                await inbox.note(transaction, incident_id, said)
            elif (cause or fix) and (cause, fix) != (incident.cause, incident.fix):
                incident = await inbox.remember(transaction, incident_id, cause, fix)
                await inbox.note(transaction, incident_id, said)
        self._wake()
        return incident

    async def reopen(self, location_id: str, incident_id: str, actor: str, note: str) -> Incident:
        """Makes an incident need attention again."""
        async with self._database.transaction() as transaction:
            audience = await self._audience(transaction, location_id, incident_id)
            incident = await inbox.held(transaction, location_id, incident_id)
            if incident.status is IncidentStatus.OPEN and not incident.looked_after:
                return incident
            after = audience.settings.reminder_after(incident.severity)
            incident = await inbox.reopen(transaction, incident_id, after)
            await deliveries.supersede_endings(transaction, location_id, incident.dedup_key)
            await inbox.note(transaction, incident_id, Action(Deed.REOPENED, actor, note))
        return incident

    async def annotate(self, location_id: str, incident_id: str, actor: str, note: str) -> Incident:
        """Adds a note to an incident."""
        async with self._database.transaction() as transaction:
            incident = await inbox.held(transaction, location_id, incident_id)
            await inbox.note(transaction, incident_id, Action(Deed.NOTED, actor, note))
        return incident

    async def _audience(
        self, transaction: Transaction, location_id: str, incident_id: str
    ) -> Audience:
        """Holds who is told of an incident; before the incident, as whoever reports events does."""
        about = (await inbox.of(transaction, location_id, incident_id)).scope
        held = await audiences.held_still(transaction, [about], self._built_in)
        return held.of(about)

    async def _tell_the_end(
        self, transaction: Transaction, incident: Incident, audience: Audience
    ) -> None:
        told = await deliveries.close_openings(transaction, incident.incident_id)
        message = ending(incident, self._links)
        urgent = incident.severity is Severity.CRITICAL
        notice = Notice(message, incident.location_id, None, incident.incident_id, prompt=urgent)
        await deliveries.add(transaction, self._addressing.to_those(notice, told, audience))


async def _held_open(transaction: Transaction, location_id: str, incident_id: str) -> Incident:
    incident = await inbox.held(transaction, location_id, incident_id)
    if incident.status is not IncidentStatus.OPEN:
        raise IncidentOver(incident_id=incident_id)
    return incident


async def _entries(
    transaction: Transaction, incident: Incident
) -> Sequence[tuple[datetime, Entry]]:
    incident_id, most = incident.incident_id, inbox.MOST_ENTRIES
    told = await deliveries.newest(
        transaction, incident.location_id, DeliveryFilter(incident_id), None, most
    )
    return [
        *((each.received_at, each) for each in await inbox.events(transaction, incident_id)),
        *((each.created_at, each) for each in told),
        *((each.ended_at, each) for each in await inbox.attempts(transaction, incident_id)),
        *(
            (each.done_at or incident.opened_at, each)
            for each in await inbox.actions(transaction, incident_id)
        ),
    ]
