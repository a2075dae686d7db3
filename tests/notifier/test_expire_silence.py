import pytest

from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    act,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
)
from tests.notifier.silences import NOON, expire, silence
from tests.support.database_clock import release_clock, set_clock
from tests.support.waiting import eventually


@pytest.fixture
async def alerting(notifier, notifier_url):
    set_clock(notifier_url, NOON)
    await configure(notifier, alert_email=EMAIL)
    yield notifier
    release_clock(notifier_url)


async def test_what_it_suppressed_and_is_open_is_told_at_once(alerting):
    made = await silence(alerting)
    await report(alerting, a_failing_event("wf-1"), a_failing_event("wf-seen"))
    (seen,) = [each for each in await incidents_of(alerting) if each.workflow_id == "wf-seen"]
    await act(alerting, "Acknowledge", seen.incident_id)

    ended = await expire(alerting, made.silence_id, actor="Builder")

    (mail,) = await eventually(lambda: caught(alerting))
    assert "wf-1" in mail.text
    assert "wf-seen" not in mail.text
    assert (ended.active, ended.expired_by) == (False, "Builder")


async def test_afterwards_nothing_is_silenced(alerting):
    made = await silence(alerting)
    await expire(alerting, made.silence_id)

    await report(alerting, a_failing_event())

    (delivery,) = await deliveries_of(alerting)
    assert not delivery.suppressed_because


async def test_who_ended_it_first_stays(alerting):
    made = await silence(alerting)
    await expire(alerting, made.silence_id, actor="First")

    again = await expire(alerting, made.silence_id, actor="Second")

    assert again.expired_by == "First"


async def test_a_silence_of_elsewhere_or_of_everywhere_is_not_found_here(alerting):
    elsewhere = await silence(alerting, "loc-2")
    everywhere = await silence(alerting, installation=True)

    for each in (elsewhere, everywhere):
        with refused_as("SILENCE_NOT_FOUND"):
            await expire(alerting, each.silence_id)
    with refused_as("SILENCE_NOT_FOUND"):
        await expire(alerting, "no\x00thing")
    with refused_as("ACTOR_MISSING"):
        await expire(alerting, elsewhere.silence_id, "loc-2", actor="")
    assert not (await expire(alerting, everywhere.silence_id, "")).active
