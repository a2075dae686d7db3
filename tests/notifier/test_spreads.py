"""The same error in many locations is one alert of the installation, with a list."""

from datetime import timedelta

import psycopg
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    SECONDS,
    a_failing_event,
    a_recovery,
    act,
    an_expired_connection,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
    story_of,
)
from tests.notifier.silences import NOON
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually

BOSS = "boss@agency.example"
FIVE = [f"loc-{number}" for number in range(5)]


def failing(location_id, error="fp-1", workflow_id="wf-1", at=NOON):
    event = a_failing_event(workflow_id, location_id=location_id, at=at)
    event.workflow_failing.error_fingerprint = error
    return event


@pytest.fixture
async def agency(notifier, notifier_url):
    set_clock(notifier_url, NOON)
    await configure(notifier, installation=True, alert_email=BOSS)
    yield notifier
    release_clock(notifier_url)


async def spreads_of(notifier):
    request = pb.ListIncidentsRequest(installation=True)
    return (await notifier.ListIncidents(request, timeout=SECONDS)).incidents


async def keys_of_spreads(notifier):
    return {each.dedup_key for each in await spreads_of(notifier)}


async def the_spread(notifier, affected):
    async def there():
        spreads = [each for each in await spreads_of(notifier) if each.dedup_key == "err:fp-1"]
        for spread in spreads:
            story = await story_of(notifier, spread.incident_id, "")
            if len(story.affected) == affected:
                return story
        return None

    return await eventually(there)


async def looked(notifier, at=NOON):
    """Waits until it was looked for errors that spread: others are found meanwhile."""
    others = [f"loc-other-{number}" for number in range(8)]
    await report(notifier, *(failing(each, "fp-other", at=at) for each in others))

    async def found():
        return [each for each in await spreads_of(notifier) if each.dedup_key == "err:fp-other"]

    await eventually(found)


async def told_of_it(notifier):
    return [each for each in await caught(notifier) if "The same error" in each.subject]


async def mails_to(notifier, recipient, number):
    async def there():
        found = [each for each in await caught(notifier) if each.recipient == recipient]
        return found if len(found) == number else None

    return await eventually(there)


async def test_five_locations_with_the_same_error_are_one_alert_that_lists_them(agency):
    for each in FIVE:
        await configure(agency, each, alert_email=f"{each}@client.example")
    await report(agency, *(failing(each) for each in FIVE))

    story = await the_spread(agency, affected=5)
    (mail,) = await mails_to(agency, BOSS, 1)

    assert mail.subject == (
        "[CRITICAL] The same error in 5 locations: 21211: Invalid 'To' Phone Number"
    )
    assert all(each in mail.text for each in FIVE)
    assert story.incident.dedup_key == "err:fp-1"
    assert [each.location_id for each in story.affected] == FIVE
    for each in FIVE:
        await mails_to(agency, f"{each}@client.example", 1)


async def test_two_locations_and_other_errors_are_none(agency):
    await report(agency, failing("loc-1"), failing("loc-2"), failing("loc-2", workflow_id="wf-2"))
    await report(agency, failing("loc-3", "fp-2"), failing("loc-4", ""), failing("loc-5", ""))
    await report(agency, failing("loc-6", ""))
    await looked(agency)

    assert await keys_of_spreads(agency) == {"err:fp-other"}


async def test_half_an_hour_apart_is_not_the_same(agency, notifier_url):
    async def fail(location_id, minutes):
        at = NOON + timedelta(minutes=minutes)
        set_clock(notifier_url, at)
        await report(agency, failing(location_id, at=at))

    await fail("loc-1", 0)
    await fail("loc-2", 20)
    await fail("loc-3", 31)
    await looked(agency, NOON + timedelta(minutes=31))
    assert await keys_of_spreads(agency) == {"err:fp-other"}

    await fail("loc-4", 40)
    story = await the_spread(agency, affected=4)  # the first still fails with it too
    assert "in 3 locations" in story.incident.title


async def test_among_many_locations_a_few_are_not_enough(agency, notifier_url):
    with psycopg.connect(notifier_url) as connection:
        connection.execute(
            "INSERT INTO alert_settings SELECT 'known-' || number, 0, now(), now(), '', '{}', now()"
            " FROM generate_series(1, 180) number".replace(
                "SELECT",
                "(location_id, version, created_at, updated_at, workflow_id,"
                " chosen, effective_at) SELECT",
                1,
            )
        )
    await report(agency, *(failing(f"loc-{number}") for number in range(3)))
    await looked(agency)
    assert await keys_of_spreads(agency) == {"err:fp-other"}

    await report(agency, failing("loc-3"))

    await the_spread(agency, affected=4)  # 2 % of 192


async def test_those_that_join_later_are_listed_and_told_only_to_their_own_targets(
    agency, notifier_url
):
    await report(agency, *(failing(each) for each in FIVE[:3]))
    await the_spread(agency, affected=3)
    await configure(agency, "loc-own", alert_email="own@client.example")

    await report(agency, failing("loc-later"), failing("loc-own"))

    story = await the_spread(agency, affected=5)
    await mails_to(agency, "own@client.example", 1)
    assert await deliveries_of_installation(notifier_url) == [("opened",)]
    (later,) = await deliveries_of(agency, "loc-later")
    assert (later.suppressed_because, later.suppressed_by) == (
        "inhibited",
        story.incident.incident_id,
    )
    (own,) = await deliveries_of(agency, "loc-own")
    assert not own.suppressed_because


async def test_it_is_over_when_it_is_over_everywhere(agency):
    await report(agency, *(failing(each) for each in FIVE[:3]))
    await the_spread(agency, affected=3)
    await report(agency, *(a_recovery(location_id=each) for each in FIVE[:2]))
    (still,) = await spreads_of(agency)

    await report(agency, a_recovery(location_id=FIVE[2]))

    async def over():
        (found,) = await spreads_of(agency)
        return found if found.status == pb.INCIDENT_STATUS_RESOLVED else None

    assert still.status == pb.INCIDENT_STATUS_OPEN
    await eventually(over)

    async def told():
        return [each for each in await caught(agency) if "Over everywhere" in each.text]

    assert await eventually(told)


async def test_several_replicas_tell_it_once(start, database_url):
    replicas = [await start(), await start(), await start()]
    await configure(replicas[0], installation=True, alert_email=BOSS)
    for number, each in enumerate(FIVE):
        await configure(replicas[0], each, alert_email=f"{each}@client.example")
        await report(replicas[number % 3], failing(each))

    await the_spread(replicas[0], affected=5)

    assert await deliveries_of_installation(database_url) == [("opened",)]


async def deliveries_of_installation(url):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await connection.execute(
            "SELECT occasion FROM deliveries WHERE location_id = '' AND status <> 'suppressed'"
        )
        return await rows.fetchall()


async def test_what_an_expired_connection_stands_for_does_not_count(agency):
    for each in FIVE:
        await report(agency, an_expired_connection(location_id=each), failing(each))
    await looked(agency)

    assert await keys_of_spreads(agency) == {"err:fp-other"}


async def test_somebody_may_look_after_it(agency):
    await report(agency, *(failing(each) for each in FIVE))
    story = await the_spread(agency, affected=5)

    now = await act(agency, "Acknowledge", story.incident.incident_id, location_id="")

    assert now.acknowledged_by == "Owner"
    with refused_as("INCIDENT_NOT_FOUND"):
        await story_of(agency, story.incident.incident_id, "loc-1")
    assert len(await incidents_of(agency, "loc-1")) == 1


async def test_the_installation_may_have_more_targets_and_they_hear_only_of_such(
    agency, notifier_url
):
    target = pb.Target(channel="email", address="night@agency.example", name="Night shift")
    made = await agency.UpsertTarget(
        pb.UpsertTargetRequest(target=target, installation=True), timeout=SECONDS
    )
    await report(agency, *(failing(each) for each in FIVE))
    await the_spread(agency, affected=5)

    (mail,) = await mails_to(agency, "night@agency.example", 1)
    listed = await agency.ListTargets(pb.ListTargetsRequest(installation=True), timeout=SECONDS)

    assert "The same error" in mail.subject
    assert [each.name for each in listed.targets] == ["", "Night shift"]
    await agency.DeleteTarget(
        pb.DeleteTargetRequest(target_id=made.target.target_id), timeout=SECONDS
    )
    with refused_as("INSTALLATION_HAS_NONE"):
        await agency.ListTargets(pb.ListTargetsRequest(location_id="loc-1", installation=True))
