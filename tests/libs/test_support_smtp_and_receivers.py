import asyncio
import itertools
from email.message import EmailMessage

import aiohttp
import aiosmtplib
import pytest

from tests.support.certificates import loopback_certificate
from tests.support.receivers import Answer, receiver, redirect
from tests.support.smtp import MailServer, Security, Stage, mail_server
from tests.support.waiting import eventually


def a_message() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "alerts@runwarden.test"
    message["To"] = "agency@runwarden.test"
    message["Subject"] = "Größer als 10 %"
    message.set_content("plain ü")
    message.add_alternative("<b>html</b>", subtype="html")
    return message


async def send(server: MailServer, **how) -> None:
    how = {"username": server.user, "password": server.password} | how
    how.setdefault("cert_bundle", str(server.ca_file))
    await aiosmtplib.send(a_message(), hostname=server.host, port=server.port, **how)


@pytest.mark.parametrize(
    ("security", "how"),
    [(Security.STARTTLS, {"start_tls": True}), (Security.IMPLICIT, {"use_tls": True})],
)
async def test_a_mail_sent_over_tls_with_the_password_arrives_whole(security, how):
    async with mail_server(security) as server:
        await send(server, **how)

        [mail] = server.mails
    assert (mail.sender, mail.recipients) == ("alerts@runwarden.test", ["agency@runwarden.test"])
    assert (mail.authenticated, mail.tls) == (True, True)
    assert mail.message["Subject"] == "Größer als 10 %"
    assert mail.message.get_body(("plain",)).get_content().strip() == "plain ü"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"start_tls": False}, None),
        ({"start_tls": False, "username": None, "password": None}, 530),
        ({"start_tls": True, "username": None, "password": None}, 530),
        ({"start_tls": True, "password": "wrong"}, 535),
    ],
)
async def test_a_mail_without_tls_or_password_is_refused(how, code):
    async with mail_server() as server:
        with pytest.raises(aiosmtplib.SMTPException) as refusal:
            await send(server, **how)

        assert getattr(refusal.value, "code", None) == code
        assert server.mails == []


async def test_implicit_tls_asks_for_a_password_too():
    async with mail_server(Security.IMPLICIT) as server:
        with pytest.raises(aiosmtplib.SMTPResponseException, match="Authentication required"):
            await send(server, use_tls=True, username=None, password=None)


async def test_a_client_that_does_not_know_the_authority_does_not_send():
    async with mail_server(Security.IMPLICIT) as server:
        with pytest.raises(aiosmtplib.SMTPException):
            await send(server, use_tls=True, cert_bundle=None)

        assert server.mails == []


@pytest.mark.parametrize(
    ("stage", "answer"),
    [(Stage.MESSAGE, "451 4.3.0 Later"), (Stage.RECIPIENT, "550 5.1.1 Unknown")],
)
async def test_the_mail_server_refuses_as_often_as_it_is_told(stage, answer):
    async with mail_server() as server:
        server.answer_next(answer, at=stage)
        with pytest.raises(aiosmtplib.SMTPException, match=answer[4:]):
            await send(server, start_tls=True)
        await send(server, start_tls=True)

        assert len(server.mails) == 1


async def test_a_mail_server_that_was_down_is_back_on_its_port():
    async with mail_server() as server:
        client = aiosmtplib.SMTP(hostname=server.host, port=server.port, start_tls=False)
        await client.connect()
        await server.refuse_connections()
        await eventually(lambda: not client.is_connected)
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await send(server, start_tls=True)
        await server.start()
        await send(server, start_tls=True)

        assert len(server.mails) == 1


async def test_a_receiver_writes_down_what_it_is_sent_and_answers_in_order():
    async with receiver() as there, aiohttp.ClientSession() as client:
        there.answer_next(503, Answer(429, {"Retry-After": "7"}, body=[b"sl", b"ow"]))
        answers = []
        for turn in range(3):
            async with client.post(f"{there.url}hook?n={turn}", data=b"\x00{}") as response:
                answers.append(
                    (response.status, response.headers.get("Retry-After"), await response.read())
                )

    assert answers == [(503, None, b""), (429, "7", b"slow"), (200, None, b"")]
    assert [request.path for request in there.requests] == ["/hook?n=0", "/hook?n=1", "/hook?n=2"]
    assert {request.body for request in there.requests} == {b"\x00{}"}
    assert there.requests[0].arrived_at < there.requests[2].arrived_at


async def test_a_receiver_drips_redirects_hangs_up_and_delays():
    quick = aiohttp.ClientTimeout(total=0.2)
    async with receiver() as there, aiohttp.ClientSession(timeout=quick) as client:
        there.answer_next(
            redirect("http://127.0.0.1:1/"),
            Answer(hang_up=True),
            Answer(body=itertools.repeat(b"."), drip=0.01),
            Answer(delay=5),
        )
        async with client.post(there.url, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (307, "http://127.0.0.1:1/")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post(there.url)
        async with client.post(there.url) as response:
            assert await response.content.readexactly(3) == b"..."
            with pytest.raises(asyncio.TimeoutError):
                await response.read()
        with pytest.raises(asyncio.TimeoutError):
            await client.post(there.url)


async def test_a_receiver_speaks_tls_for_the_names_in_its_certificate():
    with loopback_certificate() as good, loopback_certificate("elsewhere.test") as bad:
        for certified, expected in ((good, None), (bad, aiohttp.ClientConnectorCertificateError)):
            async with receiver(certified.server) as there, aiohttp.ClientSession() as client:
                if expected is None:
                    async with client.post(there.url, ssl=certified.client) as response:
                        assert response.status == 200
                else:
                    with pytest.raises(expected):
                        await client.post(there.url, ssl=certified.client)
