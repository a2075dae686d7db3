from datetime import UTC, datetime, timedelta

import pytest

from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    act,
    configure,
    deeds_of,
    refused_as,
    report,
    the_incident,
)
from tests.notifier.mail_links import look_at, tokens_of
from tests.notifier.targets import add_target, delete_target
from tests.support.database_clock import set_clock

NOON = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def tokens(notifier):
    """The links of a mail that tells of an incident."""
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    return await tokens_of(notifier)


async def test_a_link_tells_what_it_would_do_and_in_whose_name(notifier, tokens):
    for each in ("acknowledge", "snooze", "resolve"):
        link = await look_at(notifier, tokens[each])

        assert (link.act, link.location_id, link.done) == (each, "loc-1", False)
        assert (link.address, link.actor) == (EMAIL, f"{EMAIL} by the link in a mail")
        assert link.incident.title == "Lead follow-up failed 3× in 24 h"


async def test_looking_changes_nothing(notifier, tokens):
    before = await the_incident(notifier)

    for _ in range(3):
        await look_at(notifier, tokens["resolve"])

    assert await the_incident(notifier) == before
    assert not await deeds_of(notifier, before.incident_id)


async def test_a_link_about_what_is_over_has_nothing_left_to_do(notifier, tokens):
    incident = await the_incident(notifier)
    await act(notifier, "Resolve", incident.incident_id)

    assert [
        (await look_at(notifier, tokens[each])).done for each in ("acknowledge", "resolve")
    ] == [
        True,
        True,
    ]


async def test_a_link_to_unsubscribe_is_about_no_incident(notifier, tokens):
    link = await look_at(notifier, tokens["unsubscribe"])

    assert (link.act, link.address, link.HasField("incident")) == ("unsubscribe", EMAIL, False)


@pytest.mark.parametrize("token", ["", "x", "a.b", "é.é", "." * 5000])
async def test_what_is_no_link_is_refused(notifier, token):
    with refused_as("LINK_BROKEN"):
        await look_at(notifier, token)


async def test_after_seven_days_a_link_does_nothing_but_unsubscribe(start, database_url):
    notifier = await start()
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    tokens = await tokens_of(notifier)

    set_clock(database_url, NOON + timedelta(days=7, minutes=-5))
    assert not (await look_at(notifier, tokens["acknowledge"])).done
    set_clock(database_url, NOON + timedelta(days=7, minutes=5))
    with refused_as("LINK_EXPIRED"):
        await look_at(notifier, tokens["acknowledge"])
    assert (await look_at(notifier, tokens["unsubscribe"])).address == EMAIL


async def test_who_is_told_nothing_any_more_has_no_say_any_more(notifier):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id
    await report(notifier, a_failing_event())
    tokens = await tokens_of(notifier)

    await delete_target(notifier, target_id)

    for token in tokens.values():
        with refused_as("LINK_BROKEN"):
            await look_at(notifier, token)
