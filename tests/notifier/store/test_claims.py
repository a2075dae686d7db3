import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from libs.db.database import Database
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import Attempt, DeliveryStatus
from services.notifier.domain.event import Severity
from services.notifier.domain.pace import MOST_FOLDED, PACES, Lane
from services.notifier.domain.retry import PAUSE, Fate, Outcome, Verdict, fate_of
from services.notifier.domain.target import Channel
from services.notifier.store import claims, deliveries, settling, targets
from tests.notifier.store.builders import (
    a_delivery,
    a_due_delivery,
    a_target,
    claimed,
    claimed_by,
    listed,
    settled,
)
from tests.support.database_clock import set_clock

NOON = datetime.now(UTC)
DELIVERED = Outcome(Verdict.DELIVERED, "HTTP 200", 200)
LATER = Outcome(Verdict.LATER, "HTTP 503", 503)
SOON = Fate(wait=timedelta(seconds=10))
URL = "https://hooks.example/x"


@pytest.fixture
async def database(new_database):
    url = new_database("notifier")
    set_clock(url, NOON)
    async with Database.open(url, name="test") as database:
        database.url = url
        yield database


async def test_a_target_is_handed_out_to_one_process_at_a_time(database):
    target = await a_target(database)
    first = await a_delivery(database, target)

    claim = await claimed_by(database)
    second = await a_delivery(database, target)
    meanwhile = await claimed_by(database)
    await settled(database, claim, DELIVERED, Fate())
    after = await claimed_by(database)

    assert claim.message_id == first
    assert meanwhile is None
    assert after.message_id == second


async def test_who_slept_through_its_lease_writes_nothing(database):
    delivery_id = await a_due_delivery(database, URL)
    asleep = await claimed_by(database)
    set_clock(database.url, NOON + claims.LEASES[asleep.target.channel])
    awake = await claimed_by(database)

    assert awake.message_id == delivery_id
    assert not await settled(database, asleep, DELIVERED, Fate())
    (delivery,) = await listed(database)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 0)
    assert await settled(database, awake, LATER, SOON)
    (delivery,) = await listed(database)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 1)


async def test_several_targets_are_handed_out_at_once_and_each_to_one_process(database):
    made = [await a_target(database, location_id=f"loc-{n}") for n in range(5)]
    first = {await a_delivery(database, target) for target in made}
    later = {await a_delivery(database, made[0]), await a_delivery(database, made[1])}

    one, other = await asyncio.gather(claimed(database, 3), claimed(database, 3))

    assert (len(one), len(other)) in ((3, 2), (2, 3))
    assert {each.message_id for each in (*one, *other)} == first
    assert not await claimed(database, 3)
    assert not later & {each.message_id for each in (*one, *other)}


async def test_of_several_attempts_those_whose_lease_was_lost_write_nothing(database):
    lost, kept = [await a_target(database, location_id=f"loc-{n}") for n in range(2)]
    await a_delivery(database, lost)
    (asleep,) = await claimed(database, 1)
    set_clock(database.url, NOON + claims.LEASES[Channel.WEBHOOK])
    await a_delivery(database, kept)
    again = {each.target.target_id: each for each in await claimed(database, 2)}
    attempts = [
        Attempt(asleep, DELIVERED, Fate(), 1),
        Attempt(again[lost.target_id], LATER, SOON, 1),
        Attempt(again[kept.target_id], DELIVERED, Fate(), 1),
    ]

    async with database.transaction() as transaction:
        fates = await settling.settle(transaction, attempts)

    assert fates.keys() == {each.lease for each in again.values()}
    (tried,), (arrived,) = await listed(database, "loc-0"), await listed(database, "loc-1")
    assert (tried.status, tried.attempts) == (DeliveryStatus.PENDING, 1)
    assert (arrived.status, arrived.attempts) == (DeliveryStatus.DELIVERED, 1)


async def test_only_targets_that_took_what_they_were_sent_last_are_proven(database):
    new, works, failed = [await a_target(database, location_id=f"loc-{n}") for n in range(3)]
    for target, outcome in ((works, DELIVERED), (failed, DELIVERED), (failed, LATER)):
        await a_delivery(database, target)
        await settled(database, await claimed_by(database), outcome, Fate())
    for target in (new, works, failed):
        await a_delivery(database, target)

    proven = await claimed(database, 3, proven_only=True)
    others = await claimed(database, 3)

    assert [each.target.target_id for each in proven] == [works.target_id]
    assert {each.target.target_id for each in others} == {new.target_id, failed.target_id}
    assert [each.target.health.proven for each in (*proven, *others)] == [True, False, False]


async def test_what_cannot_be_rendered_waits_and_the_rest_goes(database):
    broken, fine = [await a_target(database, location_id=f"loc-{n}") for n in range(2)]
    for target in (broken, fine):
        await a_delivery(database, target)
    channels = {Channel.WEBHOOK: Choosy(broken.target_id)}

    with capture_logs() as logs:
        first = await claimed(database, 2, channels=channels)

    assert [each.target.target_id for each in first] == [fine.target_id]
    assert [each["event"] for each in logs] == ["delivery.unrendered"]
    assert not await claimed(database, 2)
    set_clock(database.url, NOON + PAUSE)
    assert [each.target.target_id for each in await claimed(database, 2)] == [broken.target_id]


class Choosy(WebhookChannel):
    def __init__(self, broken):
        super().__init__(egress=None, clock=None)
        self._broken = broken

    def freeze(self, message, target):
        if target.target_id == self._broken:
            raise KeyError("title")
        return super().freeze(message, target)


async def test_the_target_that_was_not_served_for_longest_comes_first(database):
    busy, quiet = [await a_target(database, location_id=f"loc-{n}") for n in range(2)]
    for target in (busy, busy, quiet):
        await a_delivery(database, target)
    first = await claimed_by(database)
    await settled(database, first, DELIVERED, Fate())

    second = await claimed_by(database)

    assert {first.target.target_id, second.target.target_id} == {busy.target_id, quiet.target_id}


async def test_a_channel_on_hold_is_not_handed_out_until_the_hold_ends(database):
    await a_due_delivery(database, URL)
    await a_delivery(database, await a_target(database, location_id="loc-2"))
    held = await claimed_by(database)
    fate = Fate(wait=timedelta(seconds=30), charged=False, holds_channel=True)
    await settled(database, held, Outcome(Verdict.HELD, "away"), fate)

    assert await claimed_by(database) is None
    set_clock(database.url, NOON + timedelta(seconds=30))
    assert await claimed_by(database)


async def test_a_delivery_suppressed_while_it_is_under_way_stays_so_unless_it_arrives(database):
    for outcome, fate, status in (
        (LATER, SOON, DeliveryStatus.SUPPRESSED),
        (Outcome(Verdict.REFUSED, "HTTP 550"), Fate(), DeliveryStatus.SUPPRESSED),
        (DELIVERED, Fate(), DeliveryStatus.DELIVERED),
    ):
        target = await a_target(database, location_id=f"loc-{outcome.verdict}")
        await a_delivery(database, target)
        claim = await claimed_by(database)
        async with database.transaction() as transaction:
            await deliveries.suppress_waiting_for(
                transaction, target.target_id, Suppression.TARGET_REMOVED
            )
            await targets.remove(transaction, target.target_id)

        assert await settled(database, claim, outcome, fate)

        (delivery,) = await listed(database, target.location_id)
        assert delivery.status is status
        assert (delivery.suppressed_because == "") == (status is DeliveryStatus.DELIVERED)


async def test_an_address_that_is_gone_takes_what_waits_for_it_along(database):
    target = await a_target(database)
    await a_delivery(database, target)
    claim = await claimed_by(database)
    for _ in range(2):
        await a_delivery(database, target)

    gone = Outcome(Verdict.GONE, "HTTP 410", 410)
    await settled(database, claim, gone, Fate(disables_target=True))

    statuses = [(each.status, each.suppressed_because) for each in await listed(database)]
    assert statuses == [(DeliveryStatus.SUPPRESSED, "target_disabled")] * 2 + [
        (DeliveryStatus.FAILED, "")
    ]


@pytest.mark.parametrize("verdict", [Verdict.GONE, Verdict.REFUSED, Verdict.LATER])
async def test_what_an_old_address_said_does_not_bind_the_new_one(database, verdict):
    target = await a_target(database)
    await a_delivery(database, target)
    claim = await claimed_by(database)
    async with database.transaction() as transaction:
        await targets.readdress(transaction, target.target_id, "https://new.example/x")

    fate = fate_of(target.channel, 1, outcome := Outcome(verdict, "said"), 0.5)
    await settled(database, claim, outcome, fate)

    again = await claimed_by(database)
    assert again.message_id == claim.message_id
    assert again.target.address == "https://new.example/x"
    assert not again.target.disabled


async def test_what_waits_for_a_target_becomes_one_message_and_keeps_its_bytes(database):
    target = await a_target(database)
    delivery_ids = [await a_delivery(database, target) for _ in range(3)]

    claim = await claimed_by(database)
    await settled(database, claim, LATER, SOON)
    later = await a_delivery(database, target)
    set_clock(database.url, NOON + timedelta(seconds=10))
    again = await claimed_by(database)

    assert claim.message_id == again.message_id == delivery_ids[0]
    assert claim.frozen == again.frozen
    assert again.attempts == 1
    folded = [each.delivery_id for each in await listed(database) if each.message_id]
    assert sorted(folded) == sorted(delivery_ids)
    assert later not in folded
    assert [each["type"] for each in json.loads(claim.frozen.body)["data"]["items"]] == [
        "incident.opened"
    ] * 3


async def test_more_than_a_message_may_hold_becomes_two(database):
    target = await a_target(database)
    for _ in range(MOST_FOLDED[Channel.WEBHOOK] + 1):
        await a_delivery(database, target)

    first = await claimed_by(database)
    await settled(database, first, DELIVERED, Fate())
    second = await claimed_by(database)

    assert first.message_id != second.message_id
    assert {bool(each.message_id) for each in await listed(database)} == {True}


async def test_what_is_urgent_goes_before_what_is_not(database):
    target = await a_target(database)
    calm = await a_delivery(database, target, Severity.WARNING)
    urgent = await a_delivery(database, target)

    first = await claimed_by(database)
    await settled(database, first, DELIVERED, Fate())
    second = await claimed_by(database)

    assert (first.message_id, second.message_id) == (urgent, calm)


async def test_a_target_is_told_no_faster_than_its_pace_and_a_retry_costs_nothing(database):
    pace = PACES[Channel.WEBHOOK, Lane.URGENT]
    target = await a_target(database)
    for _ in range(pace.burst):
        await a_delivery(database, target)
        await settled(database, await claimed_by(database), LATER, SOON)
    await a_delivery(database, target)

    too_early = await claimed_by(database)
    await a_delivery(database, target, Severity.WARNING)
    other_lane = await claimed_by(database)
    await settled(database, other_lane, DELIVERED, Fate())
    set_clock(database.url, NOON + pace.every)
    in_time = await claimed_by(database)
    await settled(database, in_time, DELIVERED, Fate())

    assert too_early is None
    assert in_time.attempts == 0
    set_clock(database.url, NOON + timedelta(seconds=10))
    assert (await claimed_by(database)).attempts == 1


async def failed_at(database, target, days):
    """Lets an attempt fail so many days after noon; gives whether it switched the target off."""
    set_clock(database.url, NOON + timedelta(days=days))
    await a_delivery(database, target)
    claim = await claimed_by(database)
    return (await settled(database, claim, LATER, Fate())).disables_target


async def test_a_target_is_switched_off_once_after_five_days_of_only_failures(database):
    target = await a_target(database)

    switched_off = [await failed_at(database, target, number / 2) for number in range(11)]

    assert switched_off == [False] * 10 + [True]
    async with database.transaction() as transaction:
        now = await targets.one(transaction, target.location_id, target.target_id)
    assert (now.disabled_because, now.health.failures) == ("HTTP 503", 11)


async def test_neither_few_failures_nor_a_success_in_between_switch_a_target_off(database):
    few, lucky = [await a_target(database, location_id=f"loc-{n}") for n in range(2)]

    assert not any([await failed_at(database, few, number * 6) for number in range(9)])
    for number in range(10):
        assert not await failed_at(database, lucky, number / 2)
    await a_delivery(database, lucky)
    assert await settled(database, await claimed_by(database), DELIVERED, Fate())
    assert not any([await failed_at(database, lucky, 5 + number / 3) for number in range(14)])
