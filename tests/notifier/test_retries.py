"""What becomes of a delivery that the other side does not take at once."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import datetime_from
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_failing_event,
    configure,
    deliveries_of,
    report,
    smtp,
)
from tests.support.database_clock import set_clock
from tests.support.receivers import Answer, receiver, redirect
from tests.support.smtp import Stage
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


async def after_attempt(notifier, number=1, location_id="loc-1"):
    """Gives the location's oldest delivery once it was tried so often."""

    async def tried():
        delivery = (await deliveries_of(notifier, location_id))[-1]
        # One that is not charged is told by what the other side said.
        uncharged = number == 1 and delivery.last_error
        return delivery if delivery.attempts >= number or uncharged else None

    return await eventually(tried)


def wait_of(delivery, since=NOON):
    return (datetime_from(delivery.next_attempt_at, "") - since).total_seconds()


async def look_again(notifier):
    """Makes the notifier look for what is due, without waiting for its next poll."""
    await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))


async def later(notifier, delivering_url, seconds):
    set_clock(delivering_url, NOON + timedelta(seconds=seconds))
    await look_again(notifier)


@pytest.fixture
async def alerting(delivering, delivering_url, hook):
    """A notifier with a webhook target, on a database whose clock stands still."""
    set_clock(delivering_url, NOON)
    await configure(delivering, webhook_url=hook.url)
    return delivering


async def test_a_webhook_that_is_not_taken_is_sent_again_with_the_same_id_and_bytes(
    delivering, delivering_url, hook
):
    set_clock(delivering_url, NOON)
    secret = (await configure(delivering, webhook_url=hook.url)).webhook_secret
    hook.answer_next(Answer(503, body=[b"upstream is down"]))
    await report(delivering, a_failing_event())

    delivery = await after_attempt(delivering)
    assert delivery.status == pb.DELIVERY_STATUS_PENDING
    assert delivery.last_error == "HTTP 503: upstream is down"
    assert 8 <= wait_of(delivery) <= 12

    await later(delivering, delivering_url, 12)
    await eventually(lambda: len(hook.requests) == 2)

    first, second = hook.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.delivery_id
    assert first.body == second.body
    for each in hook.requests:
        Webhook(secret).verify(each.body, dict(each.headers))
    (delivery,) = await eventually(lambda: delivered(delivering))
    assert (delivery.attempts, delivery.last_error) == (2, "")


async def delivered(notifier):
    return [
        each
        for each in await deliveries_of(notifier)
        if each.status == pb.DELIVERY_STATUS_DELIVERED
    ]


async def test_every_attempt_is_written_down(alerting, delivering_url, hook):
    hook.answer_next(500)
    await report(alerting, a_failing_event())
    delivery = await after_attempt(alerting)
    await later(alerting, delivering_url, 12)
    await eventually(lambda: delivered(alerting))

    async with await psycopg.AsyncConnection.connect(delivering_url) as connection:
        rows = await connection.execute(
            "SELECT verdict, code, detail, charged, ended_at FROM delivery_attempts"
            " WHERE message_id = %s ORDER BY id",
            [delivery.message_id],
        )
        attempts = await rows.fetchall()

    assert attempts == [
        ("later", 500, "HTTP 500", True, NOON),
        ("delivered", 200, "HTTP 200", True, NOON + timedelta(seconds=12)),
    ]


@pytest.mark.parametrize(
    ("answer", "shortest", "longest"),
    [
        (Answer(503), 8, 12),
        (Answer(hang_up=True), 8, 12),
        (Answer(404), 8, 12),
        (Answer(429), 60, 60),
        (Answer(503, {"Retry-After": "120"}), 120, 120),
        (Answer(503, {"Retry-After": "3"}), 8, 12),
        (Answer(429, {"Retry-After": "999999"}), 3600, 3600),
        (Answer(503, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), 3600, 3600),
        (Answer(503, {"Retry-After": "soon"}), 8, 12),
    ],
)
async def test_the_first_wait_is_that_of_the_table_or_what_the_other_side_asks_for(
    alerting, hook, answer, shortest, longest
):
    hook.answer_next(answer)
    await report(alerting, a_failing_event())

    delivery = await after_attempt(alerting)

    assert shortest <= wait_of(delivery) <= longest


async def test_a_redirect_is_a_failure_and_never_followed(alerting, hook):
    async with receiver() as elsewhere:
        hook.answer_next(redirect(elsewhere.url, 301))
        await report(alerting, a_failing_event())

        delivery = await after_attempt(alerting)

        assert delivery.last_error.startswith("HTTP 301")
        assert delivery.status == pb.DELIVERY_STATUS_PENDING
        assert not elsewhere.requests


async def test_what_is_more_likely_a_mistake_is_given_up_after_four_attempts(
    alerting, delivering_url, hook
):
    hook.answer_next(*[404] * 4)
    await report(alerting, a_failing_event())
    for number, seconds in enumerate((12, 60, 300), start=1):
        await after_attempt(alerting, number)
        await later(alerting, delivering_url, seconds)
        await eventually(lambda number=number: len(hook.requests) == number + 1)

    delivery = await after_attempt(alerting, 4)

    assert delivery.status == pb.DELIVERY_STATUS_FAILED
    assert delivery.last_error == "HTTP 404"
    assert not delivery.HasField("next_attempt_at")


async def test_an_address_that_is_gone_is_switched_off_until_it_is_set_again(alerting, hook):
    hook.answer_next(410)
    await report(alerting, a_failing_event("wf-1"))
    first = await after_attempt(alerting)

    await report(alerting, a_failing_event("wf-2"))
    second, _ = await deliveries_of(alerting)
    await configure(alerting, webhook_url=hook.url)
    await report(alerting, a_failing_event("wf-3"))
    await eventually(lambda: len(hook.requests) == 2)

    assert first.status == pb.DELIVERY_STATUS_FAILED
    assert second.status == pb.DELIVERY_STATUS_SUPPRESSED
    assert second.suppressed_because == "target_disabled"
    assert json.loads(hook.requests[1].body)["data"]["workflow"]["id"] == "wf-3"


async def test_one_delivery_that_waits_does_not_hold_up_the_next(alerting, delivering_url, hook):
    hook.answer_next(Answer(503, {"Retry-After": "3600"}))
    await report(alerting, a_failing_event("wf-1"))
    await after_attempt(alerting)

    await report(alerting, a_failing_event("wf-2"))
    await later(alerting, delivering_url, 60)

    await eventually(lambda: len(hook.requests) == 2)
    assert json.loads(hook.requests[1].body)["data"]["workflow"]["id"] == "wf-2"


async def test_a_mail_that_may_be_taken_later_is_sent_again_later(
    delivering, delivering_url, mailbox
):
    set_clock(delivering_url, NOON)
    await configure(delivering, alert_email=EMAIL)
    mailbox.answer_next("451 4.7.1 Greylisted", at=Stage.RECIPIENT)
    await report(delivering, a_failing_event())

    delivery = await after_attempt(delivering)
    assert (delivery.attempts, delivery.last_error) == (1, "451 4.7.1 Greylisted")
    assert 30 <= wait_of(delivery) <= 36

    await later(delivering, delivering_url, 36)
    await eventually(lambda: mailbox.mails)

    message_id = mailbox.mails[0].message["Message-ID"]
    assert message_id == f"<{delivery.delivery_id}@agency.example>"


@pytest.mark.parametrize("stage", [Stage.RECIPIENT, Stage.MESSAGE])
async def test_a_mail_that_is_never_taken_is_given_up_at_once(delivering, mailbox, stage):
    await configure(delivering, alert_email=EMAIL)
    mailbox.answer_next("550 5.1.1 No such user", at=stage)
    await report(delivering, a_failing_event())

    delivery = await after_attempt(delivering)

    assert delivery.status == pb.DELIVERY_STATUS_FAILED
    assert (delivery.attempts, delivery.last_error) == (1, "550 5.1.1 No such user")


@pytest.mark.parametrize(
    ("answer", "stage"),
    [
        ("421 4.3.2 Shutting down", Stage.SENDER),
        ("421 4.3.2 Shutting down", Stage.RECIPIENT),
        ("421 4.3.2 Shutting down", Stage.MESSAGE),
        ("553 5.7.1 Sender not yours", Stage.SENDER),
    ],
)
async def test_what_the_mail_server_says_of_itself_is_no_attempt(
    delivering, delivering_url, mailbox, answer, stage
):
    set_clock(delivering_url, NOON)
    await configure(delivering, alert_email=EMAIL)
    mailbox.answer_next(answer, at=stage)
    await report(delivering, a_failing_event())

    delivery = await after_attempt(delivering)

    assert delivery.status == pb.DELIVERY_STATUS_PENDING
    assert (delivery.attempts, delivery.last_error) == (0, answer)
    assert 24 <= wait_of(delivery) <= 36


async def test_while_the_mail_server_is_away_all_mail_waits_and_none_is_charged(
    delivering, delivering_url, mailbox, hook
):
    set_clock(delivering_url, NOON)
    for location_id in ("loc-1", "loc-2"):
        await configure(delivering, location_id, alert_email=EMAIL)
    await configure(delivering, webhook_url=hook.url)
    await mailbox.refuse_connections()

    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)  # webhooks go on
    delivery = await after_attempt(delivering)
    assert (delivery.attempts, delivery.status) == (0, pb.DELIVERY_STATUS_PENDING)
    assert delivery.last_error.startswith("The mail server cannot be used")
    await report(delivering, a_failing_event(location_id="loc-2"))

    await mailbox.start()
    await later(delivering, delivering_url, 36)
    await eventually(lambda: len(mailbox.mails) == 2)

    for location_id in ("loc-1", "loc-2"):

        async def charged(location_id=location_id):
            found = await deliveries_of(delivering, location_id)
            return [each.attempts for each in found if each.channel == "email"] == [1]

        assert await eventually(charged)


async def test_a_relay_without_tls_or_with_a_wrong_certificate_gets_no_mail_and_no_password(
    start, mailbox
):
    settings = smtp(mailbox) | {"smtp_tls_ca": None}
    notifier = await start(**settings)
    await configure(notifier, alert_email=EMAIL)
    await report(notifier, a_failing_event())

    delivery = await after_attempt(notifier)

    assert "certificate" in delivery.last_error.lower()
    assert delivery.attempts == 0
    assert not mailbox.mails


async def test_the_log_tells_what_became_of_it_and_nothing_of_whom_or_what(
    delivering, mailbox, hook
):
    secret = (await configure(delivering, alert_email=EMAIL, webhook_url=hook.url)).webhook_secret
    mailbox.answer_next(f"550 5.1.1 <{EMAIL}> unknown", at=Stage.RECIPIENT)
    with capture_logs() as lines:
        await report(delivering, a_failing_event())
        await after_attempt(delivering)
        await eventually(lambda: len([each for each in lines if "verdict" in each]) >= 2)

    attempts = {each["channel"]: each for each in lines if "verdict" in each}
    assert attempts["email"]["verdict"] == "refused"
    assert attempts["webhook"]["verdict"] == "delivered"
    assert all(
        each["target_id"] and each["event"] == "delivery.attempted" for each in attempts.values()
    )
    for private in (EMAIL, hook.url, secret, "Lead follow-up", "21211"):
        assert private not in str(lines)
