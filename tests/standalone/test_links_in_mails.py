"""The links of a mail as it arrives, over https: opened by guards, followed by people and programs."""

import re
import time

import aiohttp
import pytest

from tests.support.fronts import front
from tests.support.programs import standalone
from tests.support.smtp import mail_server
from tests.support.waiting import eventually

LOCATION = {"location_id": "loc-1"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def mailbox():
    async with mail_server() as server:
        yield server


@pytest.fixture
async def door():
    async with front() as made:
        yield made


@pytest.fixture
async def http(data, databases_given, mailbox, door):
    smtp = {
        "SMTP_HOST": mailbox.host,
        "SMTP_PORT": str(mailbox.port),
        "SMTP_USER": mailbox.user,
        "SMTP_PASS": mailbox.password,
        "SMTP_TLS_CA": str(mailbox.ca_file),
    }
    async with (
        standalone(data, **databases_given, **smtp, FRONTEND_URL=door.url) as program,
        program.http() as client,
    ):
        door.behind = program.url
        yield client


@pytest.fixture
async def stranger(door):
    """Somebody who has the mail and no key."""
    connector = aiohttp.TCPConnector(ssl=door.certified.client)
    async with aiohttp.ClientSession(connector=connector) as client:
        yield client


async def asked(http, path):
    async with http.get(path, params=LOCATION) as answer:
        return (await answer.json())["items"]


async def fail(http, workflow):
    for _ in range(3):
        path = f"/api/workflows/{workflow}/executions"
        async with http.post(path, params=LOCATION, json={"status": "failed"}) as answer:
            assert answer.status == 200


def links_in(mail):
    text = mail.message.get_body(("plain",)).get_content()
    return dict(re.findall(r"^(.+): (https://\S+/a/\S+)\s*$", text, re.MULTILINE))


async def test_opening_does_nothing_and_one_post_acts_within_a_second(http, mailbox, stranger):
    settings = {"alertEmail": "owner@agency.example"}
    await http.post("/api/alerts/settings", params=LOCATION, json=settings)
    await fail(http, "wf-1")
    mail = await eventually(lambda: mailbox.mails and mailbox.mails[0])
    links, unsubscribe = links_in(mail), mail.message["List-Unsubscribe"].strip("<>")
    before = await asked(http, "/api/incidents"), await asked(http, "/api/targets")

    for link in (*links.values(), unsubscribe):
        async with stranger.get(link) as page:
            assert page.status == 200

    assert len(links) == 4
    assert (await asked(http, "/api/incidents"), await asked(http, "/api/targets")) == before

    async with stranger.post(links["Acknowledge"], data={"note": "Mine."}) as page:
        assert page.status == 200
    (incident,) = await asked(http, "/api/incidents")
    assert incident["acknowledged_by"] == "owner@agency.example by the link in a mail"
    began = time.monotonic()
    async with stranger.post(unsubscribe, data=ONE_CLICK, allow_redirects=False) as answer:
        assert answer.status == 200
    (target,) = await asked(http, "/api/targets")
    assert target["disabled_because"] == "Unsubscribed by the link in a mail"
    assert time.monotonic() - began < 1

    await fail(http, "wf-2")
    held = await eventually(lambda: second_delivery(http))
    assert held["suppressed_because"] == "target_disabled"
    assert len(mailbox.mails) == 1


async def second_delivery(http):
    found = await asked(http, "/api/deliveries")
    return found[0] if len(found) == 2 else None
