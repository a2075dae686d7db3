import asyncio
import base64
import re

import psycopg
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    a_failing_event,
    caught,
    configure,
    deliveries_of,
    refused_as,
    report,
    settings_of,
)
from tests.support.receivers import receiver
from tests.support.waiting import eventually


async def test_only_the_fields_of_the_mask_change(notifier):
    await configure(notifier, failure_threshold=5, alert_email=EMAIL)

    response = await configure(
        notifier, mask=["time_window_hours"], time_window_hours=48, failure_threshold=9
    )

    settings = response.settings
    assert (settings.failure_threshold, settings.time_window_hours) == (5, 48)
    assert settings.alert_email == EMAIL
    assert settings.configured
    assert settings == await settings_of(notifier)


async def test_a_field_of_the_mask_that_is_absent_is_cleared_or_set_to_its_default(notifier):
    await configure(
        notifier,
        alert_email=EMAIL,
        webhook_url=NOBODY,
        failure_threshold=9,
        enabled=False,
        alert_on_critical=False,
    )

    cleared = await configure(
        notifier,
        alert_email=None,
        webhook_url=None,
        failure_threshold=None,
        enabled=None,
        alert_on_critical=None,
    )

    settings = cleared.settings
    assert not settings.HasField("alert_email")
    assert not settings.HasField("webhook_url")
    assert settings.failure_threshold == 3
    assert settings.enabled
    assert settings.alert_on_critical


async def test_an_empty_address_is_no_address(notifier):
    await configure(notifier, alert_email=EMAIL)

    settings = (await configure(notifier, alert_email="")).settings

    assert not settings.HasField("alert_email")


async def test_the_webhook_secret_is_told_once_and_kept_sealed(notifier, notifier_url):
    first = await configure(notifier, webhook_url=NOBODY)
    moved = await configure(notifier, webhook_url=NOBODY + "/moved")

    assert re.fullmatch(r"whsec_[A-Za-z0-9+/=]+", first.webhook_secret)
    assert len(base64.b64decode(first.webhook_secret.removeprefix("whsec_"))) >= 24
    assert moved.webhook_secret == ""
    with psycopg.connect(notifier_url) as connection:
        (sealed,) = connection.execute("SELECT sealed_secret FROM targets").fetchone()
    assert first.webhook_secret.encode() not in sealed


async def test_a_webhook_that_is_cleared_and_set_again_gets_a_new_secret(notifier):
    first = await configure(notifier, webhook_url=NOBODY)
    await configure(notifier, webhook_url=None)
    again = await configure(notifier, webhook_url=NOBODY)

    assert again.webhook_secret.startswith("whsec_")
    assert again.webhook_secret != first.webhook_secret


async def test_nothing_is_left_of_an_address_that_is_cleared(notifier, notifier_url):
    await configure(notifier, alert_email=EMAIL, webhook_url=NOBODY)
    await configure(notifier, alert_email=None, webhook_url=None)

    with psycopg.connect(notifier_url) as connection:
        rows = connection.execute("SELECT address, sealed_secret FROM targets").fetchall()

    assert rows == [("", None), ("", None)]


async def test_what_waits_for_an_address_that_is_cleared_is_suppressed(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(503)
    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)

    await configure(delivering, webhook_url=None)

    (delivery,) = await deliveries_of(delivering)
    assert delivery.status == pb.DELIVERY_STATUS_SUPPRESSED
    assert delivery.suppressed_because == "target_removed"


async def test_what_waits_for_an_address_that_is_changed_goes_to_the_new_one(delivering, hook):
    async with receiver() as other:
        await configure(delivering, webhook_url=hook.url)
        hook.answer_next(503)
        await report(delivering, a_failing_event())

        async def has_failed():
            return [each for each in await deliveries_of(delivering) if each.attempts]

        (before,) = await eventually(has_failed)

        await configure(delivering, webhook_url=other.url)

        # The target is given a pause after a failure; a new address is not.
        (request,) = await eventually(lambda: other.requests)
        assert request.headers["webhook-id"] == before.delivery_id
        assert len(hook.requests) == 1


async def test_what_waits_when_alerts_are_switched_off_is_suppressed(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(503)
    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)

    await configure(delivering, enabled=False)

    (delivery,) = await deliveries_of(delivering)
    assert delivery.suppressed_because == "alerts_disabled"


async def test_a_change_with_an_etag_that_is_no_longer_true_is_refused(notifier):
    first = (await configure(notifier, failure_threshold=4)).settings
    second = (await configure(notifier, failure_threshold=5, etag=first.etag)).settings

    with refused_as("CHANGED_MEANWHILE"):
        await configure(notifier, failure_threshold=6, etag=first.etag)

    assert second.etag != first.etag
    assert (await settings_of(notifier)).failure_threshold == 5


async def test_a_location_that_was_never_configured_has_an_etag_too(notifier):
    await configure(notifier, failure_threshold=4, etag="v0")

    with refused_as("CHANGED_MEANWHILE"):
        await configure(notifier, failure_threshold=5, etag="v0")


async def test_a_refused_change_makes_no_settings(notifier):
    with refused_as("CHANGED_MEANWHILE"):
        await configure(notifier, failure_threshold=4, etag="v9")

    assert not (await settings_of(notifier)).configured


async def test_of_changes_at_once_none_is_lost(start):
    replicas = [await start(), await start()]

    await asyncio.gather(
        *(
            configure(replicas[number % 2], "loc-1", **change)
            for number, change in enumerate(
                [
                    {"failure_threshold": 7},
                    {"time_window_hours": 48},
                    {"alert_email": EMAIL},
                    {"webhook_url": NOBODY},
                    {"alert_on_critical": False},
                ]
            )
        )
    )

    settings = await settings_of(replicas[0])
    assert (settings.failure_threshold, settings.time_window_hours) == (7, 48)
    assert (settings.alert_email, settings.webhook_url) == (EMAIL, NOBODY)
    assert not settings.alert_on_critical
    assert settings.etag == "v5"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"failure_threshold": -1}, "THRESHOLD_OUT_OF_RANGE"),
        ({"failure_threshold": 0}, "THRESHOLD_OUT_OF_RANGE"),
        ({"failure_threshold": 10_001}, "THRESHOLD_OUT_OF_RANGE"),
        ({"time_window_hours": 0}, "WINDOW_OUT_OF_RANGE"),
        ({"time_window_hours": 721}, "WINDOW_OUT_OF_RANGE"),
        ({"alert_email": "nobody"}, "EMAIL_MALFORMED"),
        ({"alert_email": "a@b.example\r\nBcc: c@d.example"}, "EMAIL_MALFORMED"),
        ({"webhook_url": "hooks.example/x"}, "WEBHOOK_URL_MALFORMED"),
        ({"webhook_url": "https://user:pass@hooks.example/"}, "WEBHOOK_URL_MALFORMED"),
        ({"webhook_url": "http://hooks.example/"}, "WEBHOOK_URL_FORBIDDEN"),
        ({"webhook_url": "https://127.0.0.1/"}, "WEBHOOK_URL_FORBIDDEN"),
    ],
)
async def test_values_out_of_bounds_are_refused_and_change_nothing(notifier, change, reason):
    (field,) = change
    with refused_as(reason) as refusal:
        await configure(notifier, **change)

    assert [each.field for each in refusal.problem.fields] == [f"settings.{field}"]
    assert not (await settings_of(notifier)).configured


async def test_a_mask_that_is_empty_or_names_what_cannot_change_is_refused(notifier):
    with refused_as("UPDATE_MASK_EMPTY"):
        await configure(notifier, mask=[], failure_threshold=4)
    with refused_as("UPDATE_MASK_UNKNOWN_FIELD"):
        await configure(notifier, mask=["created_at"], failure_threshold=4)
    with refused_as("LOCATION_MISSING"):
        await configure(notifier, "", failure_threshold=4)


async def test_mails_go_to_the_address_that_holds_now(notifier):
    await configure(notifier, alert_email="first@agency.example")
    await configure(notifier, alert_email="second@agency.example")
    await report(notifier, a_failing_event())

    (mail,) = await eventually(lambda: caught(notifier))

    assert mail.recipient == "second@agency.example"
