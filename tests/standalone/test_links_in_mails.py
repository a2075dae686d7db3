"""The links of a mail as it arrives, over https: opened by guards, followed by people and programs."""

import re
import time

import aiohttp
import pytest

from tests.support.waiting import eventually

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def stranger(front_door):
    """Somebody who has the mail and no key."""
    connector = aiohttp.TCPConnector(ssl=front_door.certified.client)
    async with aiohttp.ClientSession(connector=connector) as client:
        yield client


async def asked(http, here, path):
    async with http.get(path, params=here) as answer:
        return (await answer.json())["items"]


async def fail(http, here, workflow):
    for _ in range(3):
        path = f"/api/workflows/{workflow}/executions"
        async with http.post(path, params=here, json={"status": "failed"}) as answer:
            assert answer.status == 200


def links_in(mail):
    text = mail.message.get_body(("plain",)).get_content()
    return dict(re.findall(r"^(.+): (https://\S+/a/\S+)\s*$", text, re.MULTILINE))


async def test_opening_does_nothing_and_one_post_acts_within_a_second(http, here, owner, stranger):
    settings = {"alertEmail": owner.address}
    await http.post("/api/alerts/settings", params=here, json=settings)
    await fail(http, here, "wf-1")
    mail = await eventually(lambda: owner.mails() and owner.mails()[0])
    links, unsubscribe = links_in(mail), mail.message["List-Unsubscribe"].strip("<>")
    before = await asked(http, here, "/api/incidents"), await asked(http, here, "/api/targets")

    for link in (*links.values(), unsubscribe):
        async with stranger.get(link) as page:
            assert page.status == 200

    assert len(links) == 4
    assert (
        await asked(http, here, "/api/incidents"),
        await asked(http, here, "/api/targets"),
    ) == before

    async with stranger.post(links["Acknowledge"], data={"note": "Mine."}) as page:
        assert page.status == 200
    (incident,) = await asked(http, here, "/api/incidents")
    assert incident["acknowledged_by"] == f"{owner.address} by the link in a mail"
    began = time.monotonic()
    async with stranger.post(unsubscribe, data=ONE_CLICK, allow_redirects=False) as answer:
        assert answer.status == 200
    (target,) = await asked(http, here, "/api/targets")
    assert target["disabled_because"] == "Unsubscribed by the link in a mail"
    assert time.monotonic() - began < 1

    await fail(http, here, "wf-2")
    held = await eventually(lambda: second_delivery(http, here))
    assert held["suppressed_because"] == "target_disabled"
    assert len(owner.mails()) == 1


async def second_delivery(http, here):
    found = await asked(http, here, "/api/deliveries")
    return found[0] if len(found) == 2 else None
