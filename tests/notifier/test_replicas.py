"""Several notifiers on one database, and processes that die or fall asleep."""

import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from libs.clock import SystemClock
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.db.database import Database
from libs.secrets import SecretBox
from services.notifier.actions.delivering import Delivering
from services.notifier.actions.posting import Posting
from services.notifier.actions.target_news import TargetNews
from services.notifier.channels.egress import Egress
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.domain.delivery import DeliveryStatus
from services.notifier.domain.target import Channel
from services.notifier.store import claims
from tests.notifier.builders import (
    KEY,
    a_failing_event,
    a_notifier,
    configure,
    deliveries_of,
    report,
    webhooks_to,
)
from tests.notifier.store.builders import LINKS, a_due_delivery, claimed_by, listed
from tests.support.database_clock import set_clock
from tests.support.receivers import Answer
from tests.support.waiting import eventually

NOON = datetime.now(UTC)


async def test_two_replicas_tell_each_of_100_alerts_once_in_order_one_at_a_time(start, hook):
    replicas = [await start(**webhooks_to(hook)), await start(**webhooks_to(hook))]
    locations = [f"loc-{number}" for number in range(5)]
    for location_id in locations:
        await configure(replicas[0], location_id, webhook_url=f"{hook.url}{location_id}")
    took = 0.01
    hook.answer_next(*[Answer(delay=took)] * 100)

    for n in range(20):
        events = [a_failing_event(f"wf-{n:02}", location_id=each) for each in locations]
        await report(replicas[n % 2], *events)

    async def all_delivered():
        found = [each for name in locations for each in await deliveries_of(replicas[0], name)]
        return all(each.status == pb.DELIVERY_STATUS_DELIVERED for each in found)

    await eventually(all_delivered, within=30, every=0.2)
    assert len({each.headers["webhook-id"] for each in hook.requests}) == len(hook.requests)
    by_target = defaultdict(list)
    for request in hook.requests:
        by_target[request.path].append(request)
    assert len(by_target) == 5
    for requests in by_target.values():
        workflows = [workflow for each in requests for workflow in workflows_in(each)]
        assert workflows == [f"wf-{n:02}" for n in range(20)]
        gaps = [after.arrived_at - before.arrived_at for before, after in pairwise(requests)]
        assert all(gap >= took for gap in gaps)


def workflows_in(request):
    told = json.loads(request.body)["data"]
    return [each["data"]["workflow"]["id"] for each in told["items"] or [{"data": told}]]


async def test_what_a_dead_process_had_claimed_is_sent_when_its_lease_ends(
    start, database_url, hook
):
    set_clock(database_url, NOON)
    async with Database.open(database_url, name="dies") as database:
        delivery_id = await a_due_delivery(database, hook.url)
        claim = await claimed_by(database)
    assert claim.message_id == delivery_id
    notifier = await start(**webhooks_to(hook))
    lease = claims.LEASES[claim.target.channel]

    set_clock(database_url, NOON + lease - timedelta(seconds=1))
    await report(notifier, a_failing_event(location_id="loc-2"))  # makes it look
    assert not hook.requests
    set_clock(database_url, NOON + lease)

    await eventually(lambda: hook.requests)
    assert hook.requests[0].headers["webhook-id"] == delivery_id


async def test_a_notifier_that_stops_finishes_what_it_has_begun(database_url, hook):
    async with a_notifier(database_url, **webhooks_to(hook)) as notifier:
        await configure(notifier, webhook_url=hook.url)
        hook.answer_next(Answer(delay=0.3))
        await report(notifier, a_failing_event())
        await eventually(lambda: hook.requests)

    async with Database.open(database_url, name="test") as database:
        assert await claimed_by(database) is None
        (delivery,) = await listed(database)
        assert delivery.status is DeliveryStatus.DELIVERED


async def test_an_attempt_that_is_cut_off_can_be_made_by_another_at_once(database_url, hook):
    async with (
        Database.open(database_url, name="test") as database,
        Egress.open([f"127.0.0.1:{hook.port}"]) as egress,
    ):
        webhooks = {Channel.WEBHOOK: WebhookChannel(egress, SystemClock())}
        delivering = Delivering(
            database, Posting(webhooks, SecretBox([KEY]), SystemClock()), LINKS, TargetNews(LINKS)
        )
        await a_due_delivery(database, hook.url)
        hook.answer_next(Answer(delay=30))
        (claim,) = await delivering.claim(1)
        attempt = asyncio.create_task(delivering.attempt(claim))
        await eventually(lambda: hook.requests)

        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)

        (again,) = await delivering.claim(1)
        assert again.message_id == claim.message_id
        assert again.lease_token != claim.lease_token


async def test_a_secret_that_no_key_opens_is_told_and_not_tried_for_ever(start, database_url, hook):
    async with Database.open(database_url, name="test") as database:
        await a_due_delivery(database, hook.url)
    notifier = await start(encryption_keys=["another key"], **webhooks_to(hook))

    async def told():
        (delivery,) = await deliveries_of(notifier)
        return delivery.attempts == 1 and delivery.last_error

    assert await eventually(told) == "Internal error (ValueError)"
    assert not hook.requests
