from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from prometheus_client.metrics import MetricWrapperBase

from libs import metrics
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.db.database import Database
from services.notifier.domain.retry import HOLD
from services.notifier.store import watching
from tests.notifier.builders import (
    EMAIL,
    SECONDS,
    a_completed_scan,
    a_failing_event,
    configure,
    report,
    smtp,
)
from tests.notifier.store.builders import a_delivery, a_target, claimed_by
from tests.notifier.targets import add_target
from tests.support.database_clock import set_clock
from tests.support.smtp import mail_server
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
OK, DEGRADED = (
    pb.GetNotifierStatusResponse.STATE_OK,
    pb.GetNotifierStatusResponse.STATE_DEGRADED,
)


async def status_of(notifier):
    return await notifier.GetNotifierStatus(pb.GetNotifierStatusRequest(), timeout=SECONDS)


async def test_a_notifier_with_nothing_to_do_is_on_time(notifier):
    status = await status_of(notifier)

    assert (status.state, status.reason, status.due_count) == (OK, "", 0)
    assert status.oldest_due_age.ToTimedelta() == timedelta(0)


@pytest.fixture
async def stopped(start, database_url, monkeypatch):
    """A notifier that decides and answers, and whose deliveries nobody sends."""
    monkeypatch.setattr("services.notifier.domain.slots.SLOTS", 0)
    set_clock(database_url, NOON)
    return await start()


async def test_what_could_be_sent_for_a_minute_and_is_not_makes_it_late(stopped, database_url):
    await configure(stopped, alert_email=EMAIL)
    await report(stopped, a_failing_event("wf-1"))

    set_clock(database_url, NOON + timedelta(seconds=59))
    before = await status_of(stopped)
    set_clock(database_url, NOON + timedelta(seconds=61))
    after = await status_of(stopped)

    assert (before.state, before.due_count) == (OK, 1)
    assert (after.state, after.due_count) == (DEGRADED, 1)
    assert after.oldest_due_age.ToTimedelta() == timedelta(seconds=61)
    assert after.reason == "1 deliveries could be sent and wait, the oldest for 61 s."
    assert metrics.OLDEST_DUE._value.get() == 61


async def test_what_waits_for_its_time_its_pace_or_its_relay_is_not_late(start, database_url):
    set_clock(database_url, NOON)
    async with mail_server() as server:
        notifier = await start(**smtp(server))
        await server.refuse_connections()
        await configure(notifier, alert_email=EMAIL)
        await report(notifier, a_failing_event())

        async def held():
            return (await status_of(notifier)).due_count == 0

        await eventually(held)
        assert (await status_of(notifier)).state == OK


async def test_a_mail_server_that_cannot_be_used_for_a_minute_is_told(start, database_url):
    set_clock(database_url, NOON)
    async with mail_server() as server:
        notifier = await start(**smtp(server))
        await server.refuse_connections()
        await configure(notifier, alert_email=EMAIL)
        await report(notifier, a_failing_event())
        for seconds in (0, 37, 74):
            set_clock(database_url, NOON + timedelta(seconds=seconds))
            await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))
            await eventually(lambda seconds=seconds: held_at(database_url, seconds))

        status = await status_of(notifier)
        await server.start()
        set_clock(database_url, NOON + timedelta(seconds=111))
        await eventually(lambda: server.mails)
        set_clock(database_url, NOON + timedelta(seconds=135))
        later = await status_of(notifier)

    assert status.state == DEGRADED
    assert status.reason == "Nothing can be sent by email for 74 s; failed attempts say why."
    assert (later.state, later.reason) == (OK, "")


async def held_at(url, seconds):
    until = NOON + timedelta(seconds=seconds) + HOLD
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await connection.execute("SELECT held_until FROM channel_holds")
        return await rows.fetchall() == [(until,)]


async def test_what_the_pace_kept_back_is_late_from_when_it_could_go(database_url):
    set_clock(database_url, NOON)
    async with Database.open(database_url, name="test") as database:
        target = await a_target(database)
        await a_delivery(database, target)
        await claimed_by(database)  # and never comes back
        set_clock(database_url, NOON + timedelta(seconds=100))
        async with database.transaction() as transaction:
            watch = await watching.watch(transaction)

    assert watch.oldest_due_age == timedelta(seconds=80)


async def test_it_counts_what_fails_and_what_was_given_up(delivering, hook):
    await add_target(delivering, "webhook", hook.url)
    hook.answer_next(410)
    await report(delivering, a_failing_event())

    async def counted():
        status = await status_of(delivering)
        return status if status.switched_off_targets else None

    status = await eventually(counted)
    assert (status.failing_targets, status.given_up_count) == (1, 1)
    assert status.state == OK


def test_no_metric_has_a_label_for_what_grows():
    families = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    labels = {label for each in families for label in each._labelnames}

    assert len(families) > 15
    assert labels == {
        "service",
        "method",
        "code",
        "result",
        "job",
        "outcome",
        "status",
        "channel",
        "kind",
    }


async def test_metrics_have_no_labels_that_grow_with_the_locations(notifier):
    for number in range(20):
        await configure(notifier, f"loc-{number}", alert_email=EMAIL)
        await report(notifier, a_completed_scan(scan_id="", location_id=f"loc-{number}"))

    found = [sample for family in metrics.NOTIFICATIONS.collect() for sample in family.samples]

    assert {label for each in found for label in each.labels} == {"channel", "result"}
    assert len(found) < 100
