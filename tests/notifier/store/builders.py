"""Rows as the actions write them, where no notifier runs that would send them at once."""

from datetime import UTC, datetime

from libs.ids import new_id
from libs.secrets import SecretBox
from services.notifier.channels.signing import new_secret
from services.notifier.domain.delivery import Draft, Frozen
from services.notifier.domain.event import Event, WorkflowFailing
from services.notifier.domain.message import Occasion
from services.notifier.domain.target import Channel
from services.notifier.store import claims, deliveries, events, targets
from tests.notifier.builders import KEY


async def a_target(database, url="https://hooks.example/x", *, location_id="loc-1"):
    sealed = SecretBox([KEY]).seal(new_secret().encode())
    async with database.transaction() as transaction:
        await targets.add(transaction, location_id, Channel.WEBHOOK, url, sealed)
        return (await targets.of(transaction, [location_id]))[-1]


async def a_delivery(database, target):
    """Writes a delivery to a target, due now; gives its id."""
    event = Event(new_id(), target.location_id, datetime.now(UTC), WorkflowFailing(workflow_id="w"))
    draft = Draft(
        delivery_id=new_id(),
        location_id=target.location_id,
        incident_id=None,
        event_id=event.event_id,
        occasion=Occasion.OPENED,
        frozen=Frozen(subject="[CRITICAL] w failed", body=b"{}"),
        target=target,
    )
    async with database.transaction() as transaction:
        await events.add(transaction, [event])
        await deliveries.add(transaction, [draft])
    return draft.delivery_id


async def a_due_delivery(database, url):
    return await a_delivery(database, await a_target(database, url))


async def claimed_by(database):
    async with database.transaction() as transaction:
        return await claims.claim(transaction)


async def settled(database, claim, outcome, fate):
    async with database.transaction() as transaction:
        return await claims.settle(transaction, claim, outcome, fate, elapsed_ms=1)


async def listed(database, location_id="loc-1"):
    async with database.transaction() as transaction:
        return await deliveries.newest(transaction, location_id, "", None, 100)
