"""Rows as the actions write them, where no notifier runs that would send them at once."""

from dataclasses import replace
from datetime import UTC, datetime

from libs.clock import SystemClock
from libs.db.exchange import exchange
from libs.ids import new_id
from libs.secrets import SecretBox
from services.notifier.actions.delivering import Delivering
from services.notifier.actions.posting import Posting
from services.notifier.actions.target_news import TargetNews
from services.notifier.channels.signing import new_secret
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.domain.delivery import Attempt, DeliveryFilter, Draft
from services.notifier.domain.event import Event, Severity, WorkflowFailing
from services.notifier.domain.links import Links
from services.notifier.domain.message import Occasion, trial
from services.notifier.domain.target import Channel, Target
from services.notifier.store import deliveries, events, settling, targets
from tests.notifier.builders import KEY

LINKS = Links("https://watch.example")
CHANNELS = {Channel.WEBHOOK: WebhookChannel(egress=None, clock=None)}
"""Nothing is sent here, only rendered."""


async def a_target(database, url="https://hooks.example/x", *, location_id="loc-1"):
    sealed = SecretBox([KEY]).seal(new_secret().encode())
    async with database.transaction() as transaction:
        target = Target(new_id(), location_id, Channel.WEBHOOK, url, sealed)
        await targets.add(transaction, target)
        return target


async def a_delivery(database, target, severity=Severity.CRITICAL):
    """Writes a delivery to a target, due now; gives its id."""
    event = Event(new_id(), target.location_id, datetime.now(UTC), WorkflowFailing(workflow_id="w"))
    message = replace(trial(target.location_id, datetime.now(UTC), LINKS), severity=severity)
    draft = Draft(
        delivery_id=new_id(),
        location_id=target.location_id,
        incident_id=None,
        event_id=event.event_id,
        message=replace(message, occasion=Occasion.OPENED),
        target=target,
    )
    async with database.transaction() as transaction:
        await exchange(transaction, [events.adding([event])])
        await deliveries.add(transaction, [draft])
    return draft.delivery_id


async def a_due_delivery(database, url):
    return await a_delivery(database, await a_target(database, url))


async def claimed(database, most, *, channels=CHANNELS, **wanted):
    """Gives what a process would send now."""
    posting = Posting(channels, SecretBox([KEY]), SystemClock())
    delivering = Delivering(database, posting, LINKS, TargetNews(LINKS))
    return await delivering.claim(most, **wanted)


async def claimed_by(database):
    """Gives one message that a process would send now; None when nothing is due."""
    return next(iter(await claimed(database, 1)), None)


async def settled(database, claim, outcome, fate):
    """Gives what becomes of a message; None when somebody else has the lease."""
    async with database.transaction() as transaction:
        found = await settling.settle(transaction, [Attempt(claim, outcome, fate, elapsed_ms=1)])
        return found.get(claim.lease)


async def listed(database, location_id="loc-1"):
    async with database.transaction() as transaction:
        return await deliveries.newest(transaction, location_id, DeliveryFilter(), None, 100)
