from datetime import UTC, datetime, timedelta

import pytest

from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    caught,
    configure,
    deeds_of,
    deliveries_of,
    refused_as,
    report,
    settings_of,
    the_incident,
)
from tests.notifier.mail_links import follow, look_at, tokens_of
from tests.notifier.targets import enable_target, the_target
from tests.support.waiting import eventually

BY = f"{EMAIL} by the link in a mail"


@pytest.fixture
async def tokens(notifier):
    """The links of a mail that tells of an incident."""
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())
    return await tokens_of(notifier)


async def test_acknowledging_is_done_once_and_in_the_name_of_the_mailbox(notifier, tokens):
    for _ in range(2):
        link = await follow(notifier, tokens["acknowledge"], "Mine.")

        assert link.done
        assert link.incident.acknowledged_by == BY
    incident = await the_incident(notifier)
    assert await deeds_of(notifier, incident.incident_id) == [("acknowledged", BY, "Mine.")]


async def test_snoozing_twice_is_no_longer_than_snoozing_once(notifier, tokens):
    first = await follow(notifier, tokens["snooze"])
    again = await follow(notifier, tokens["snooze"])

    until = first.incident.snoozed_until.ToDatetime(UTC)
    assert abs(until - datetime.now(UTC) - timedelta(hours=4)) < timedelta(minutes=2)
    assert again.incident.snoozed_until == first.incident.snoozed_until
    incident = await the_incident(notifier)
    assert [deed for deed, _, _ in await deeds_of(notifier, incident.incident_id)] == ["snoozed"]


async def test_resolving_remembers_what_helped_and_tells_it(notifier, tokens):
    link = await follow(notifier, tokens["resolve"], "Corrected the number.")
    again = await follow(notifier, tokens["resolve"], "Something else.")

    assert (link.incident.resolved_by, link.incident.fix) == (BY, "Corrected the number.")
    assert again.incident == link.incident
    await eventually(lambda: two_of(notifier))


async def two_of(notifier):
    mails = await caught(notifier)
    return len(mails) == 2 and mails[0].subject.startswith("[RESOLVED]")


async def test_a_link_about_an_end_does_nothing_to_what_began_again(notifier, tokens):
    await follow(notifier, tokens["resolve"])
    await report(notifier, a_failing_event())

    link = await follow(notifier, tokens["acknowledge"])

    assert link.done
    assert not (await the_incident(notifier, needs_attention=True)).HasField("acknowledged_at")


async def test_who_unsubscribes_is_sent_nothing_more_until_switched_on_again(notifier, tokens):
    for _ in range(2):
        link = await follow(notifier, tokens["unsubscribe"])
        assert link.done
    await report(notifier, a_failing_event("wf-2"))

    target = await the_target(notifier)
    assert target.disabled_because == "Unsubscribed by the link in a mail"
    assert target.HasField("disabled_at")
    assert (await deliveries_of(notifier))[0].suppressed_because == "target_disabled"
    assert (await settings_of(notifier)).alert_email == EMAIL
    await enable_target(notifier, target.target_id)
    assert not (await look_at(notifier, tokens["unsubscribe"])).done


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1], lambda token: "A" + token[1:], str.upper]
)
async def test_a_link_that_was_tampered_with_does_nothing(notifier, tokens, change):
    for token in tokens.values():
        with refused_as("LINK_BROKEN"):
            await follow(notifier, change(token))

    incident = await the_incident(notifier)
    assert not await deeds_of(notifier, incident.incident_id)
    assert (await the_target(notifier)).enabled
