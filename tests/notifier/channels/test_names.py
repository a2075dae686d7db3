import asyncio
import socket
import threading

import pytest

from services.notifier.channels.egress import Egress, NoAnswer
from services.notifier.channels.names import Names
from tests.support.receivers import receiver
from tests.support.waiting import eventually

HANGING = 32


class Dns:
    """Answers for no name that begins with `hangs`, until it is told to."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.hanging: list[str] = []

    def __call__(self, host, port, **kind):
        if host.startswith("hangs"):
            self.hanging.append(host)
            self.released.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return socket.getaddrinfo("127.0.0.1", port, **kind)


@pytest.fixture
def dns():
    made = Dns()
    yield made
    made.released.set()


async def test_what_the_system_knows_is_given_as_aiohttp_wants_it():
    names = Names()

    found = await names.resolve("localhost", 443, socket.AF_INET)

    assert [(each["hostname"], each["host"], each["port"]) for each in found] == [
        ("localhost", "127.0.0.1", 443)
    ]
    await names.close()


async def test_names_that_nobody_answers_for_hold_up_no_others(dns):
    async with (
        receiver() as hook,
        Egress.open(["127.0.0.1", "hooks.example"], resolver=Names(dns)) as egress,
        asyncio.TaskGroup() as group,
    ):
        hanging = [
            group.create_task(refused(egress, f"https://hangs-{number}.example/"))
            for number in range(HANGING)
        ]
        await eventually(lambda: len(dns.hanging) == HANGING)
        url = f"http://hooks.example:{hook.port}/"
        answer = await egress.post(url, headers={}, body=b"")
        still_hanging = [not each.done() for each in hanging]
        dns.released.set()

    assert answer.status == 200
    assert all(still_hanging)


async def refused(egress, url):
    with pytest.raises(NoAnswer):
        await egress.post(url, headers={}, body=b"")
