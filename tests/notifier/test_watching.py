"""The notifier watches itself: nobody is forgotten, and somebody outside hears that it lives."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text

from libs import metrics
from libs.clock import SystemClock
from libs.db.database import Database
from services.notifier.actions.addressing import Addressing
from services.notifier.actions.watching import Watching
from services.notifier.channels.deadman import DeadMan
from services.notifier.channels.egress import Egress
from services.notifier.domain.links import Links
from services.notifier.domain.pace import Waits
from services.notifier.domain.scope import INSTALLATION, Scope
from services.notifier.domain.settings import AlertSettings
from services.notifier.store import watching
from tests.notifier.builders import (
    EMAIL,
    LOCATION,
    a_failing_event,
    caught,
    configure,
    deliveries_of,
    report,
    the_incident,
)
from tests.notifier.targets import add_target
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
LINKS = Links("https://watch.example")


@pytest.fixture
async def auditing(database_url, monkeypatch):
    """Gives the only auditor there is, and how often it said that all is well."""
    monkeypatch.setattr("services.notifier.jobs.watch", lambda *_: None)
    told = []

    async def alive():
        told.append(SystemClock().now())

    async with Database.open(database_url, name="auditor") as database:
        addressing = Addressing(Waits(group=timedelta(0)))
        settings = AlertSettings(scope=INSTALLATION)
        yield Watching(database, addressing, LINKS, settings, alive), told


async def forget(url, where):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(f"DELETE FROM deliveries WHERE {where}")


async def test_an_incident_that_nobody_was_told_of_is_found_and_told(start, database_url, auditing):
    auditor, told = auditing
    set_clock(database_url, NOON)
    notifier = await start()
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(at=NOON))
    await eventually(lambda: caught(notifier))
    await forget(database_url, "true")
    before = metrics.ORPHANS._value.get()

    set_clock(database_url, NOON + timedelta(seconds=119))
    assert await auditor.audit() == 0
    set_clock(database_url, NOON + timedelta(seconds=120))
    assert await auditor.audit() == 1

    await eventually(lambda: two_of(notifier))
    assert metrics.ORPHANS._value.get() == before + 1
    assert await auditor.audit() == 0
    assert len(told) >= 2


async def two_of(notifier):
    return len(await caught(notifier)) == 2


async def test_only_the_target_that_was_forgotten_is_told(start, database_url, auditing):
    auditor, _ = auditing
    set_clock(database_url, NOON)
    notifier = await start()
    made = [await add_target(notifier, "email", f"{name}@agency.example") for name in "ab"]
    await report(notifier, a_failing_event(at=NOON))
    await eventually(lambda: two_of(notifier))
    await forget(database_url, f"target_id = '{made[0].target.target_id}'")

    set_clock(database_url, NOON + timedelta(minutes=3))
    assert await auditor.audit() == 1

    async def three():
        mails = await caught(notifier)
        return mails if len(mails) == 3 else None

    (newest, *_) = await eventually(three)
    assert newest.recipient == "a@agency.example"


async def test_an_address_of_the_settings_that_was_forgotten_is_told(
    start, database_url, auditing, hook
):
    auditor, _ = auditing
    set_clock(database_url, NOON - timedelta(seconds=1))
    notifier = await start(egress_allow=["127.0.0.1"])
    await configure(notifier, installation=True, alert_email=EMAIL)
    await configure(notifier, webhook_url=hook.url)
    set_clock(database_url, NOON)
    await report(notifier, a_failing_event(at=NOON))
    await eventually(lambda: caught(notifier))
    await forget(database_url, "channel = 'email'")

    set_clock(database_url, NOON + timedelta(minutes=3))

    assert await auditor.audit() == 1
    await eventually(lambda: two_of(notifier))
    assert len(hook.requests) == 1


async def test_an_address_that_a_nearer_level_replaces_is_not_forgotten(
    start, database_url, auditing
):
    auditor, _ = auditing
    set_clock(database_url, NOON - timedelta(seconds=1))
    notifier = await start()
    await configure(notifier, installation=True, alert_email="agency@agency.example")
    await configure(notifier, alert_email="client@agency.example")
    await configure(notifier, workflow_id="wf-1", alert_email=EMAIL)
    await configure(notifier, workflow_id="wf-2", alert_email="")
    set_clock(database_url, NOON)
    await report(notifier, a_failing_event("wf-1", at=NOON), a_failing_event("wf-2", at=NOON))

    set_clock(database_url, NOON + timedelta(minutes=3))
    assert await auditor.audit() == 0
    await configure(notifier, workflow_id="wf-1", alert_email=None)
    assert await auditor.audit() == 0, "what holds since then concerns what comes"


async def test_whoever_was_told_or_need_not_be_is_no_orphan(start, database_url, auditing):
    auditor, _ = auditing
    set_clock(database_url, NOON)
    notifier = await start()
    await report(notifier, a_failing_event(at=NOON))
    incident = await the_incident(notifier)
    await add_target(notifier, "email", EMAIL)

    set_clock(database_url, NOON + timedelta(minutes=3))

    assert await auditor.audit() == 0
    (delivery,) = await deliveries_of(notifier, incident_id=incident.incident_id)
    assert delivery.suppressed_because == "no_target"


async def test_an_auditor_that_looked_while_another_one_told_it_tells_nobody(
    start, database_url, auditing
):
    auditor, _ = auditing
    set_clock(database_url, NOON)
    notifier = await start()
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(at=NOON))
    await eventually(lambda: caught(notifier))
    await forget(database_url, "true")

    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as gate:
        await gate.execute(LOOKS_LONG.format(NOON + timedelta(minutes=3)))
        await gate.execute("SELECT pg_advisory_lock(1)")
        async with Database.open(database_url, name="other") as other, other.transaction() as late:
            await late.execute(text("SET LOCAL test.looks_long = 'on'"))
            looks = asyncio.create_task(watching.held_orphans(late, Scope(LOCATION, "wf-1"), 100))
            await eventually(lambda: waiting(gate))
            assert await auditor.audit() == 1
            await gate.execute("SELECT pg_advisory_unlock(1)")
            assert await looks == []


LOOKS_LONG = """
CREATE OR REPLACE FUNCTION clock_now() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('test.looks_long', true) = 'on' THEN
        PERFORM pg_advisory_xact_lock_shared(1);
    END IF;
    RETURN '{}';
END $$
"""
"""A clock at which whoever looks long waits in the middle of a statement, with its view of before."""


async def waiting(connection):
    found = await connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
    return await found.fetchone()


async def test_who_watches_outside_hears_nothing_while_deliveries_are_late(
    start, database_url, auditing, monkeypatch
):
    auditor, told = auditing
    monkeypatch.setattr("services.notifier.domain.slots.SLOTS", 0)
    set_clock(database_url, NOON)
    notifier = await start()
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event(at=NOON))
    await auditor.audit()
    heard = len(told)

    set_clock(database_url, NOON + timedelta(seconds=61))
    await auditor.audit()

    assert heard == len(told) == 1


async def test_who_watches_outside_hears_nothing_while_no_mail_can_be_sent(
    start, database_url, auditing
):
    auditor, told = auditing
    set_clock(database_url, NOON)
    await start()
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        values = {"until": NOON + timedelta(hours=1), "since": NOON}
        await connection.execute(
            "INSERT INTO channel_holds VALUES ('email', %(until)s, %(since)s)", values
        )
    await auditor.audit()
    heard = len(told)

    set_clock(database_url, NOON + timedelta(seconds=60))
    await auditor.audit()

    assert heard == len(told) == 1


async def test_the_sign_of_life_is_a_post_through_the_guarded_door(hook):
    async with Egress.open([f"127.0.0.1:{hook.port}"]) as egress:
        await DeadMan(egress, f"{hook.url}ping").alive()
        await DeadMan(egress, None).alive()
        await DeadMan(egress, "https://10.0.0.1/ping").alive()
        hook.answer_next(500)
        await DeadMan(egress, hook.url).alive()

    assert [(each.method, each.path) for each in hook.requests] == [
        ("POST", "/ping"),
        ("POST", "/"),
    ]


async def test_a_notifier_that_runs_says_so(start, hook):
    await start(deadman_url=f"{hook.url}ping", egress_allow=["127.0.0.1"])

    assert await eventually(lambda: [each for each in hook.requests if each.path == "/ping"])
