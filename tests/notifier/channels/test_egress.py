import asyncio
import socket
from contextlib import asynccontextmanager
from ipaddress import ip_address

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from services.notifier.channels.addresses import DENIED, AllowanceMalformed, is_public
from services.notifier.channels.egress import (
    LARGEST_BODY,
    USER_AGENT,
    DestinationForbidden,
    Egress,
    NoAnswer,
)
from services.notifier.domain.delivery import LARGEST_ANSWER
from services.notifier.domain.settings import WebhookUrlForbidden, WebhookUrlMalformed
from tests.support.certificates import loopback_certificate
from tests.support.receivers import Answer, receiver, redirect

MALFORMED = [
    "",
    "hooks.example/x",
    "//hooks.example/x",
    "https:///x",
    "https://user@hooks.example/",
    "https://user:pass@hooks.example/",
    "https://@hooks.example/",
    "https://hooks.example/#part",
    "https://hooks.example/#",
    "https://hooks.example/a b",
    "https://hooks.example/\r\nX: y",
    " https://hooks.example/",
    "https://hooks.example\\@127.0.0.1/",
    "https://hooks.example:99999/",
    "https://hooks..example/",
    "https://127%2e0.0.1/",
    "https://[fe80::1%25eth0]/",
    "https://[::1",
    "https://hooks.example/" + "a" * 2048,
    # The same address, as only a resolver would read it.
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://1.2.3.4.5/",
    "https://256.1.1.1/",
    "https://127.0.0.0x1/",
]
FORBIDDEN = [
    "http://hooks.example/",
    "ftp://hooks.example/",
    "file://localhost/etc/passwd",
    "gopher://hooks.example/",
    "https://hooks.example:80/",
    "https://hooks.example:22/",
    "https://hooks.example:0/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://api.localhost/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://１２７.0.0.1/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://192.0.0.8/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
]
FINE = [
    "https://hooks.example/x?y=z",
    "https://hooks.example:8443/",
    "HTTPS://HOOKS.EXAMPLE/",
    "https://bücher.example/",
    "https://hooks_internal.example/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
]


class Names(AbstractResolver):
    """A DNS whose every name stands for the given addresses, and a port of its own."""

    def __init__(self, *addresses, port):
        self.addresses = addresses
        self.port = port

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {
                "hostname": host,
                "host": address,
                "port": self.port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in self.addresses
        ]

    async def close(self):
        pass


class Listener:
    """Counts connections on loopback, and answers none."""

    def __init__(self):
        self.connections = 0
        self.port = 0

    def connected(self, _reader, writer):
        self.connections += 1
        writer.close()


@pytest.fixture
async def listener():
    listener = Listener()
    server = await asyncio.start_server(listener.connected, "127.0.0.1", 0)
    async with server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener


@pytest.fixture
async def strict():
    async with Egress.open([]) as egress:
        yield egress


@asynccontextmanager
async def allowed(*entries, **changes):
    async with Egress.open(entries, **changes) as egress:
        yield egress


async def post(egress, url):
    return await egress.post(url, headers={"webhook-id": "1"}, body=b"{}")


@pytest.mark.parametrize("url", MALFORMED)
async def test_what_is_no_proper_url_is_refused(strict, url):
    with pytest.raises(WebhookUrlMalformed):
        strict.check(url)
    with pytest.raises(WebhookUrlMalformed):
        await post(strict, url)


@pytest.mark.parametrize("url", FORBIDDEN)
async def test_a_url_that_leads_inside_is_refused(strict, url):
    with pytest.raises(WebhookUrlForbidden):
        strict.check(url)
    with pytest.raises(WebhookUrlForbidden):
        await post(strict, url)


@pytest.mark.parametrize("url", FINE)
async def test_public_https_is_taken(strict, url):
    strict.check(url)


@pytest.mark.parametrize("network", DENIED, ids=str)
def test_both_ends_of_every_denied_network_are_denied(network):
    assert not is_public(network[0])
    assert not is_public(network[-1])


@pytest.mark.parametrize("address", ["1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1"])
def test_neighbours_of_denied_networks_are_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["0.0.0.0"],
        ["::ffff:127.0.0.1"],
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
        ["localhost"],
    ],
)
async def test_a_name_that_stands_for_an_inner_address_reaches_nothing(listener, addresses):
    names = Names(*addresses, port=listener.port)
    async with allowed(resolver=names) as egress:
        with pytest.raises(DestinationForbidden):
            await post(egress, "https://hooks.example/")

    assert listener.connections == 0


async def test_the_socket_itself_is_refused_when_a_name_meant_something_else_a_moment_ago(
    listener,
):
    """The last guard, should the resolver be passed by."""

    class Rebinding(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            found = await super().resolve(host, port, family)
            self.addresses = ("127.0.0.1",)
            return found

    async with allowed(resolver=Rebinding("1.1.1.1", port=listener.port)) as egress:
        guard = egress._guarded.connector._resolver
        await guard.resolve("hooks.example", listener.port)
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", listener.port))
        with pytest.raises(DestinationForbidden):
            egress._guarded.connector._socket_factory(address)

    assert listener.connections == 0


async def test_a_name_may_stand_for_an_inner_address_that_is_allowed(listener):
    names = Names("127.0.0.1", port=listener.port)
    async with allowed("127.0.0.0/8", resolver=names) as egress:
        with pytest.raises(NoAnswer):  # it hangs up
            await post(egress, "https://hooks.example/")

    assert listener.connections == 1


async def test_only_the_port_that_is_allowed_is_open(listener):
    async with receiver() as hook, allowed(f"127.0.0.1:{hook.port}") as egress:
        assert (await post(egress, hook.url)).status == 200
        with pytest.raises(WebhookUrlForbidden):
            await post(egress, f"http://127.0.0.1:{listener.port}/")

    assert listener.connections == 0


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:{port}"])
async def test_an_entry_lifts_the_rules_for_address_scheme_and_port(entry):
    async with receiver() as hook, allowed(entry.format(port=hook.port)) as egress:
        assert (await post(egress, hook.url)).status == 200


@pytest.mark.parametrize("entry", ["hooks.internal", "hooks.internal:8080"])
async def test_a_name_can_be_allowed_wherever_it_leads(entry):
    async with receiver() as hook:
        names = Names("127.0.0.1", port=hook.port)
        async with allowed(entry, resolver=names) as egress:
            assert (await post(egress, "http://hooks.internal:8080/x")).status == 200
            with pytest.raises(WebhookUrlForbidden):
                egress.check("http://other.internal:8080/x")


@pytest.mark.parametrize(
    "entry", ["http://x", "a/b", "10.0.0.0/33", "user@host", "host:port", ":80", "a b", "[::1"]
)
async def test_an_entry_that_cannot_be_read_stops_the_start(entry):
    with pytest.raises(AllowanceMalformed, match="NOTIFIER_EGRESS_ALLOW"):
        async with allowed(entry):
            pass


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(status):
    async with receiver() as hook, receiver() as other:
        hook.answer_next(redirect(other.url, status))
        async with allowed(f"127.0.0.1:{hook.port}", f"127.0.0.1:{other.port}") as egress:
            answer = await post(egress, hook.url)

        assert answer.status == status
        assert not other.requests


@pytest.mark.parametrize("path", ["", "api/workflows/wf-1/executions?location_id=loc-1"])
async def test_nothing_is_posted_to_runwarden_itself_even_if_it_is_allowed(path):
    async with receiver() as gateway, allowed("127.0.0.1", own=gateway.url) as egress:
        with pytest.raises(WebhookUrlForbidden, match="Runwarden itself"):
            egress.check(f"{gateway.url}{path}")
        with pytest.raises(WebhookUrlForbidden, match="Runwarden itself"):
            await post(egress, f"{gateway.url}{path}")

    assert not gateway.requests


@pytest.mark.parametrize(
    "url", ["https://Watch.Example/hook", "https://watch.example.:443/", "https://watch.example"]
)
async def test_runwarden_itself_is_known_however_it_is_spelled(url):
    async with allowed(own="https://watch.example/") as egress:
        with pytest.raises(WebhookUrlForbidden, match="Runwarden itself"):
            egress.check(url)
        egress.check("https://watch.example:8443/")


async def test_a_request_tells_who_it_is_from_and_nothing_of_an_earlier_one(monkeypatch):
    async with receiver() as hook, allowed(f"127.0.0.1:{hook.port}") as egress:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        hook.answer_next(Answer(headers={"Set-Cookie": "a=b"}))
        for _ in range(2):
            await post(egress, hook.url)

        for request in hook.requests:
            assert request.method == "POST"
            assert request.headers["User-Agent"] == USER_AGENT
            assert USER_AGENT.startswith("Runwarden/")
            assert "Cookie" not in request.headers
            assert request.headers["webhook-id"] == "1"


@pytest.mark.parametrize(("size", "suffices"), [(LARGEST_BODY, True), (LARGEST_BODY - 1, False)])
async def test_an_endless_answer_is_read_to_16_kib_and_no_further(size, suffices):
    assert LARGEST_BODY == 16 * 1024
    async with receiver() as hook, allowed(f"127.0.0.1:{hook.port}", seconds=0.4) as egress:
        hook.answer_next(Answer(body=[b"x" * size] + [b"x"] * 1000, drip=0.25))
        if suffices:
            assert len((await post(egress, hook.url)).excerpt) == LARGEST_ANSWER
        else:
            with pytest.raises(NoAnswer):  # it waits for the last byte
                await post(egress, hook.url)


async def test_an_answer_that_drips_is_cut_off_in_time():
    async with receiver() as hook, allowed(f"127.0.0.1:{hook.port}", seconds=0.3) as egress:
        hook.answer_next(Answer(body=[b"x"] * 1000, drip=0.02))
        with pytest.raises(NoAnswer) as none:
            await post(egress, hook.url)

    assert none.value.timed_out


async def test_an_answer_is_told_without_what_could_do_harm():
    async with receiver() as hook, allowed(f"127.0.0.1:{hook.port}") as egress:
        hook.answer_next(Answer(500, body=[b"line 1\r\nline 2\x00\xff<b>"]))
        answer = await post(egress, hook.url)

    assert answer.excerpt == "line 1 line 2 �<b>"


async def test_a_certificate_that_nobody_vouches_for_is_refused():
    with loopback_certificate() as certified:
        async with (
            receiver(certified.server) as hook,
            allowed(f"127.0.0.1:{hook.port}") as egress,
        ):
            with pytest.raises(NoAnswer, match=r"(?i)certificate"):
                await post(egress, hook.url)

            assert not hook.requests


async def test_who_does_not_listen_or_hangs_up_gives_no_answer():
    async with receiver() as hook, allowed("127.0.0.1") as egress:
        hook.answer_next(Answer(hang_up=True))
        with pytest.raises(NoAnswer):
            await post(egress, hook.url)
        with pytest.raises(NoAnswer):
            await post(egress, "http://127.0.0.1:1/")


async def test_a_name_nobody_knows_gives_no_answer():
    class Unknown(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with allowed(resolver=Unknown(port=1)) as egress:
        with pytest.raises(NoAnswer, match="not known"):
            await post(egress, "https://hooks.example/")


def test_aiohttp_still_has_the_hook_that_the_guard_hangs_on():
    assert "socket_factory" in aiohttp.TCPConnector.__init__.__kwdefaults__
