import email
import email.policy
from datetime import UTC, datetime

import pytest

from libs.clock import FixedClock
from libs.problems import CannotStart
from services.notifier.channels.email import EmailChannel, Letterhead
from services.notifier.channels.layout import MailLayout
from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.passes import Passes
from services.notifier.domain.retry import Verdict
from services.notifier.domain.target import Channel, Target
from services.notifier.settings import NotifierSettings
from tests.notifier.builders import KEY, smtp
from tests.notifier.channels.messages import standing_for, the_longest
from tests.support.smtp import Security, Stage, mail_server

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PASSES = Passes([KEY], "https://watch.example")


def a_parcel(**changes):
    values = {
        "message_id": "d-1",
        "location_id": "loc-1",
        "target_id": "t-1",
        "incident_id": "i-1",
        "address": "owner@agency.example",
        "secrets": (),
        "frozen": Frozen("[CRITICAL] Öl × 3", "Text: Öl\n" + "x" * 2000, "<p>HTML: Öl</p>"),
        "created_at": NOON,
    }
    return Parcel(**values | changes)


def a_channel(server, **changes):
    settings = smtp(server) | {"smtp_from": "Wächter <alerts@agency.example>"} | changes
    return EmailChannel(
        NotifierSettings(
            _env_file=None, database_url="postgresql://", encryption_keys=[KEY], **settings
        ),
        MailLayout(PASSES, FixedClock(NOON)),
        PASSES,
    )


async def test_a_mail_arrives_over_tls_from_the_first_byte():
    async with mail_server(Security.IMPLICIT) as server:
        outcome = await a_channel(server, smtp_tls="tls").send(a_parcel())

    assert (outcome.verdict, outcome.code) == (Verdict.DELIVERED, 250)
    (mail,) = server.mails
    assert mail.tls
    assert mail.authenticated


async def test_a_mail_arrives_in_the_clear_where_the_operator_says_so():
    async with mail_server(Security.NONE) as server:
        outcome = await a_channel(server, smtp_tls="none", smtp_user=None).send(a_parcel())

    assert outcome.verdict is Verdict.DELIVERED
    assert not server.mails[0].tls


async def test_a_server_that_does_not_offer_tls_gets_neither_mail_nor_password():
    async with mail_server(Security.NONE) as server:
        outcome = await a_channel(server).send(a_parcel())

    assert outcome.verdict is Verdict.HELD
    assert not server.mails


async def test_a_wrong_password_holds_the_mail():
    async with mail_server() as server:
        outcome = await a_channel(server, smtp_pass="wrong").send(a_parcel())

    assert outcome.verdict is Verdict.HELD
    assert outcome.detail.startswith("The mail server cannot be used: 535")


@pytest.mark.parametrize(("port", "security"), [(465, "tls"), (587, "starttls"), (25, "starttls")])
async def test_the_port_says_how_the_connection_is_encrypted(port, security):
    async with mail_server() as server:
        assert a_channel(server, smtp_port=port)._security == security
        assert a_channel(server, smtp_port=port, smtp_tls="none")._security == "none"


@pytest.mark.parametrize(
    ("answer", "stage", "verdict"),
    [
        ("451 4.3.0 Later", Stage.MESSAGE, Verdict.LATER),
        ("450 4.2.1 Mailbox busy", Stage.RECIPIENT, Verdict.LATER),
        ("452 4.3.1 Full", Stage.SENDER, Verdict.LATER),
        ("550 5.1.1 Unknown", Stage.RECIPIENT, Verdict.REFUSED),
        ("554 5.7.1 Spam", Stage.MESSAGE, Verdict.REFUSED),
        ("553 5.7.1 Sender not yours", Stage.SENDER, Verdict.HELD),
        ("421 4.3.2 Closing", Stage.RECIPIENT, Verdict.HELD),
    ],
)
async def test_what_an_answer_means(answer, stage, verdict):
    async with mail_server() as server:
        server.answer_next(answer, at=stage)
        outcome = await a_channel(server).send(a_parcel())

    assert (outcome.verdict, outcome.detail) == (verdict, answer)
    assert not server.mails


async def test_the_headers_are_those_of_an_alert():
    async with mail_server() as server:
        await a_channel(server).send(a_parcel())

    (mail,) = server.mails
    message = mail.message
    assert mail.sender == "alerts@agency.example"
    assert mail.recipients == ["owner@agency.example"]
    assert message["From"] == "Wächter <alerts@agency.example>"
    assert message["To"] == "owner@agency.example"
    assert message["Subject"] == "[CRITICAL] Öl × 3"
    assert message["Message-ID"] == "<d-1@agency.example>"
    assert message["References"] == "<incident.i-1@agency.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOON
    assert message["List-Unsubscribe"].startswith("<https://watch.example/a/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "Öl" in message.get_body(("plain",)).get_content()
    assert "Öl" in message.get_body(("html",)).get_content()


def test_a_mail_is_the_same_every_time_and_fits_any_relay():
    letterhead = Letterhead("Runwarden <alerts@agency.example>", PASSES)

    first, second = (letterhead.written(a_parcel()).as_bytes() for _ in range(2))

    assert first == second
    assert first.isascii()
    assert max(len(line) for line in first.split(b"\r\n")) <= 998
    assert email.message_from_bytes(first, policy=email.policy.default).defects == []


@pytest.mark.parametrize("message", [the_longest(Channel.EMAIL), standing_for(500)])
def test_the_longest_mail_is_below_100_kb_and_lists_every_alert(message):
    target = Target("t-1", "loc-1", Channel.EMAIL, "owner@agency.example")
    frozen = MailLayout(PASSES, FixedClock(NOON)).freeze(message, target)

    mail = Letterhead("alerts@agency.example", PASSES).written(a_parcel(frozen=frozen))

    assert len(mail.as_bytes()) < 100_000
    for line in (line for listing in message.listings for line in listing.lines):
        assert line in frozen.text


def test_a_mail_about_no_incident_belongs_to_no_thread():
    mail = Letterhead("alerts@agency.example", PASSES).written(a_parcel(incident_id=None))

    assert "References" not in mail


@pytest.mark.parametrize("sender", ["", "nobody", "a@b@c", "alerts@", "@agency.example"])
def test_a_sender_that_is_no_address_stops_the_start(sender):
    with pytest.raises(CannotStart, match="SMTP_FROM"):
        Letterhead(sender, PASSES)


async def test_a_ca_that_cannot_be_read_stops_the_start(tmp_path):
    async with mail_server() as server:
        with pytest.raises(CannotStart, match="SMTP_TLS_CA"):
            a_channel(server, smtp_tls_ca=tmp_path / "none.pem")
