import json

import psycopg
import pytest
from standardwebhooks import Webhook

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    a_completed_scan,
    a_failing_event,
    a_low_score,
    a_recovery,
    caught,
    configure,
    deliveries_of,
    refused_as,
    report,
    settings_of,
)
from tests.notifier.targets import (
    add_target,
    change_target,
    delete_target,
    targets_of,
    the_target,
)
from tests.support.waiting import eventually


async def outcomes(notifier):
    """Gives occasion and fate of each delivery, oldest first."""
    found = reversed(await deliveries_of(notifier))
    return [(each.occasion, each.suppressed_because) for each in found]


async def test_a_new_webhook_target_is_told_its_secret_once_and_signed_with_it(delivering, hook):
    made = await add_target(delivering, "webhook", hook.url, name="  Zapier \n")

    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)

    assert made.target.name == "Zapier"
    Webhook(made.webhook_secret).verify(hook.requests[0].body, dict(hook.requests[0].headers))
    assert "whsec_" not in str(await targets_of(delivering))


async def test_every_target_of_a_location_is_told(notifier):
    for name in ("day", "night"):
        await add_target(notifier, "email", f"{name}@agency.example")
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_failing_event())

    mails = await eventually(lambda: three_of(notifier))
    assert {each.recipient for each in mails} == {
        EMAIL,
        "day@agency.example",
        "night@agency.example",
    }


async def three_of(notifier):
    mails = await caught(notifier)
    return mails if len(mails) == 3 else None


async def test_a_floor_keeps_away_what_is_less_severe(notifier):
    await add_target(notifier, "email", EMAIL, severity_floor=pb.SEVERITY_CRITICAL)

    await report(notifier, a_low_score("wf-1"), a_low_score("wf-1"), a_failing_event("wf-2"))
    await eventually(lambda: caught(notifier))
    await report(notifier, a_recovery("wf-2"), a_completed_scan())

    async def as_expected():
        return sorted(await outcomes(notifier)) == [
            ("opened", ""),
            ("opened", "below_severity_floor"),
            ("resolved", ""),
            ("summary", "below_severity_floor"),
        ]

    await eventually(as_expected)


async def test_a_target_hears_only_the_occasions_it_wants(notifier):
    await add_target(notifier, "email", EMAIL, occasions=["opened", "opened"])

    await report(notifier, a_failing_event(), a_completed_scan())
    await eventually(lambda: caught(notifier))
    await report(notifier, a_recovery())

    async def as_expected():
        return await outcomes(notifier) == [
            ("opened", ""),
            ("summary", "not_wanted"),
            ("resolved", "not_wanted"),
        ]

    await eventually(as_expected)
    assert list((await the_target(notifier)).occasions) == ["opened"]


async def test_only_what_the_mask_names_changes_and_what_is_absent_is_cleared(notifier):
    made = await add_target(
        notifier, "email", EMAIL, name="Owner", severity_floor=pb.SEVERITY_WARNING
    )
    target_id = made.target.target_id

    renamed = await change_target(notifier, target_id, name="Night")
    cleared = await change_target(notifier, target_id, mask=["name", "severity_floor"])

    assert (renamed.name, renamed.severity_floor) == ("Night", pb.SEVERITY_WARNING)
    assert (cleared.name, cleared.severity_floor) == ("", pb.SEVERITY_INFO)
    assert cleared.address == EMAIL


async def test_what_waits_goes_to_a_new_address(delivering, hook):
    made = await add_target(delivering, "webhook", NOBODY)
    await report(delivering, a_failing_event())

    async def failed():
        (delivery,) = await deliveries_of(delivering)
        return delivery.attempts

    await eventually(failed)
    changed = await change_target(delivering, made.target.target_id, address=hook.url)

    await eventually(lambda: hook.requests)
    assert (changed.failures, changed.last_error) == (0, "")


async def test_a_target_that_is_switched_off_is_told_nothing_until_it_is_on_again(notifier):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id

    off = await change_target(notifier, target_id, enabled=False)
    await report(notifier, a_failing_event("wf-1"))
    on = await change_target(notifier, target_id, enabled=True)
    await report(notifier, a_failing_event("wf-2"))

    assert (off.enabled, off.disabled_because) == (False, "Switched off by hand")
    assert off.HasField("disabled_at")
    assert (on.enabled, on.disabled_because) == (True, "")
    assert await outcomes(notifier) == [("opened", "target_disabled"), ("opened", "")]


async def test_a_target_of_the_settings_may_be_choosy_but_keeps_its_address(notifier):
    await configure(notifier, alert_email=EMAIL)
    target_id = (await the_target(notifier)).target_id

    changed = await change_target(notifier, target_id, severity_floor=pb.SEVERITY_CRITICAL)
    with refused_as("TARGET_IS_SETTING"):
        await change_target(notifier, target_id, address="other@agency.example")
    with refused_as("TARGET_IS_SETTING"):
        await delete_target(notifier, target_id)

    assert changed.severity_floor == pb.SEVERITY_CRITICAL
    assert (await settings_of(notifier)).alert_email == EMAIL


@pytest.mark.parametrize(
    ("reason", "target"),
    [
        ("CHANNEL_UNKNOWN", {"channel": "pigeon", "address": "x"}),
        ("EMAIL_MALFORMED", {"channel": "email", "address": "nobody"}),
        ("EMAIL_MALFORMED", {"channel": "email", "address": ""}),
        ("WEBHOOK_URL_MALFORMED", {"channel": "webhook", "address": "nobody"}),
        ("WEBHOOK_URL_FORBIDDEN", {"channel": "webhook", "address": "https://10.0.0.1/"}),
        ("OCCASION_UNKNOWN", {"channel": "email", "address": EMAIL, "occasions": ["x"]}),
        ("FALLBACK_NOT_FOUND", {"channel": "email", "address": EMAIL, "fallback_target_id": "x"}),
        ("TEMPLATE_MALFORMED", {"channel": "email", "address": EMAIL, "body_template": "{}"}),
        ("LOCATION_MISSING", {"channel": "email", "address": EMAIL, "location_id": ""}),
    ],
)
async def test_what_cannot_be_a_target_is_refused(notifier, reason, target):
    with refused_as(reason) as refusal:
        await add_target(notifier, **target)

    if reason.endswith(("MALFORMED", "FORBIDDEN")):
        (field,) = refusal.problem.fields
        assert field.field in ("target.address", "target.body_template")
    assert not await targets_of(notifier)


async def test_a_change_must_name_what_changes_of_a_target_that_is_there(notifier):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id

    for reason, arguments in (
        ("UPDATE_MASK_EMPTY", {"mask": []}),
        ("UPDATE_MASK_UNKNOWN_FIELD", {"mask": ["channel"]}),
        ("FALLBACK_NOT_FOUND", {"fallback_target_id": target_id}),
        ("TARGET_NOT_FOUND", {"location_id": "loc-2", "name": "x"}),
    ):
        with refused_as(reason):
            await change_target(notifier, target_id, **arguments)
    with refused_as("TARGET_NOT_FOUND"):
        await change_target(notifier, "nobody", name="x")


async def test_a_location_has_at_most_fifty_targets(notifier):
    for number in range(50):
        await add_target(notifier, "email", f"n{number}@agency.example")

    with refused_as("TOO_MANY_TARGETS"):
        await add_target(notifier, "email", EMAIL)


TEMPLATE = '{"text": "$TITLE: $TEXT", "who": "$LOCATION_ID/$WORKFLOW_ID", "costs": "$5"}'


async def test_a_webhook_may_have_a_body_of_the_users_own(delivering, hook):
    made = await add_target(delivering, "webhook", hook.url, body_template=TEMPLATE)
    await report(delivering, a_failing_event(workflow_name='say "hi" \\ $TITLE'))
    await eventually(lambda: hook.requests)

    body = Webhook(made.webhook_secret).verify(
        hook.requests[0].body, dict(hook.requests[0].headers)
    )

    assert body["text"].startswith('say "hi" \\ $TITLE failed 3× in 24 h: Workflow: say "hi"')
    assert body["who"] == "loc-1/wf-1"
    assert body["costs"] == "$5"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("$TITLE", "not JSON"),
        ('{"x": $TITLE}', "not JSON"),
        ('{"x": "$SECRET"}', "$SECRET is unknown"),
        ('{"x": "{{ 7*7 }}"', "not JSON"),
        (json.dumps({"x": "é" * 5000}, ensure_ascii=False), "10 kB"),
        ("[" * 9000, "not JSON"),
    ],
)
async def test_a_body_that_would_not_be_json_is_refused(notifier, template, says):
    with refused_as("TEMPLATE_MALFORMED") as refusal:
        await add_target(notifier, "webhook", NOBODY, body_template=template)

    assert says in refusal.problem.fields[0].message


async def test_secrets_are_encrypted_at_rest(notifier, notifier_url):
    made = await add_target(notifier, "webhook", NOBODY)

    async with await psycopg.AsyncConnection.connect(notifier_url) as connection:
        rows = await connection.execute("SELECT to_jsonb(targets)::text FROM targets")
        kept = str(await rows.fetchall())

    assert made.webhook_secret.removeprefix("whsec_") not in kept
