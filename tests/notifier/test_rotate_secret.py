import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from libs.clock import FixedClock
from services.notifier.actions.targeting import OVERLAP
from tests.notifier.builders import (
    EMAIL,
    a_failing_event,
    configure,
    refused_as,
    report,
)
from tests.notifier.targets import add_target, rotate_secret, the_target, verify_target
from tests.support.waiting import eventually


def signed_by(secret, request):
    try:
        Webhook(secret).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return False
    return True


async def test_the_old_secret_and_the_new_one_sign_for_a_day(delivering, hook):
    made = await add_target(delivering, "webhook", hook.url)

    rotated = await rotate_secret(delivering, made.target.target_id)
    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)

    assert rotated.webhook_secret != made.webhook_secret
    assert len(base64.b64decode(rotated.webhook_secret.removeprefix("whsec_"))) == 32
    assert len(hook.requests[0].headers["webhook-signature"].split()) == 2
    for secret in (made.webhook_secret, rotated.webhook_secret):
        assert signed_by(secret, hook.requests[0])
    until = rotated.target.old_secret_until.ToDatetime(UTC)
    assert abs(until - datetime.now(UTC) - OVERLAP) < timedelta(minutes=5)


async def test_after_a_second_rotation_the_first_secret_signs_no_more(delivering, hook):
    made = await add_target(delivering, "webhook", hook.url)
    second = await rotate_secret(delivering, made.target.target_id)
    third = await rotate_secret(delivering, made.target.target_id)

    await verify_target(delivering, made.target.target_id)

    secrets = (made.webhook_secret, second.webhook_secret, third.webhook_secret)
    assert [signed_by(each, hook.requests[0]) for each in secrets] == [False, True, True]


async def test_the_secret_of_the_settings_can_be_rotated_too(delivering, hook):
    first = (await configure(delivering, webhook_url=hook.url)).webhook_secret
    target_id = (await the_target(delivering)).target_id

    second = (await rotate_secret(delivering, target_id)).webhook_secret
    await verify_target(delivering, target_id)

    assert [signed_by(each, hook.requests[0]) for each in (first, second)] == [True, True]


async def test_after_a_day_only_the_new_secret_signs(start, hook):
    clock = FixedClock(datetime.now(UTC))
    notifier = await start(clock=clock, egress_allow=["127.0.0.1"])
    made = await add_target(notifier, "webhook", hook.url)
    rotated = await rotate_secret(notifier, made.target.target_id)
    clock.move(OVERLAP + timedelta(minutes=1))

    await verify_target(notifier, made.target.target_id)

    (request,) = hook.requests
    assert "," in request.headers["webhook-signature"]
    assert len(request.headers["webhook-signature"].split()) == 1
    assert rotated.webhook_secret != made.webhook_secret


@pytest.mark.parametrize("location_id", ["loc-1", "loc-2"])
async def test_only_webhooks_of_the_location_have_secrets(notifier, location_id):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id

    with refused_as("NO_SECRET" if location_id == "loc-1" else "TARGET_NOT_FOUND"):
        await rotate_secret(notifier, target_id, location_id)
