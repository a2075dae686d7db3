"""The one guarded way out to addresses that users give."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from libs.problems import InvalidRequest
from services.notifier.channels.addresses import Address, Allowance, is_name, is_public, literal
from services.notifier.channels.names import Names
from services.notifier.domain.delivery import LARGEST_ANSWER
from services.notifier.domain.settings import WebhookUrlForbidden, WebhookUrlMalformed
from services.notifier.domain.text import one_line

SECONDS = 10.0
LARGEST_BODY = 16 * 1024
LONGEST_URL = 2048
PORTS = (443, 8443)
USER_AGENT = "Runwarden/1.0 (webhooks)"

_USER = re.compile(r"[^/?]*//[^/?]*@")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class DestinationForbidden(OSError):
    """The address that a name stands for is not public. An OSError, so that aiohttp passes it."""


class NoAnswer(Exception):
    """The other side did not answer, or not in time."""

    def __init__(self, detail: str, *, timed_out: bool = False) -> None:
        super().__init__(detail)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    retry_after: str
    excerpt: str


class Egress:
    """Posts to addresses that users give, and to nothing that is not public.

    A URL is checked when it is set and again before every request; the addresses
    its name stands for are checked after they were looked up, and once more when
    the socket is made, which is before the first packet.
    """

    def __init__(
        self,
        allowances: Sequence[Allowance],
        guarded: aiohttp.ClientSession,
        trusted: aiohttp.ClientSession,
        *,
        own: str,
        seconds: float,
    ) -> None:
        self._allowances = allowances
        self._own = _place(URL(own))
        self._guarded = guarded
        self._trusted = trusted
        self._seconds = seconds

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        allow: Sequence[str],
        *,
        own: str = "",
        resolver: AbstractResolver | None = None,
        seconds: float = SECONDS,
    ) -> AsyncIterator[Self]:
        """Opens the way out; `allow` is what the operator allows besides public https.

        Nothing is posted to `own`, the address of Runwarden itself: that could go round for ever.
        """
        allowances = [Allowance.read(each) for each in allow]
        names = resolver or Names()
        guard = _Guard(allowances, names)
        async with (
            _closing(names),
            _session(guard, guard.socket) as guarded,
            _session(names, _small_socket) as trusted,
        ):
            yield cls(allowances, guarded, trusted, own=own, seconds=seconds)

    def check(
        self, url: str, field: str = "settings.webhook_url", *, hosts: Sequence[str] = ()
    ) -> None:
        """Refuses a URL that nothing may be posted to, whatever its name stands for.

        Where `hosts` are given it must be at one of them, or where the operator allowed.
        Raises `WebhookUrlForbidden` or `WebhookUrlMalformed`, of a field.
        """
        try:
            self._destination(url, hosts)
        except InvalidRequest as problem:
            raise type(problem).at(field, problem.message) from problem

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, hosts: Sequence[str] = ()
    ) -> Answer:
        """Makes one request: 10 seconds in all, no redirects, 16 KiB of the answer.

        Raises `WebhookUrlForbidden`, `WebhookUrlMalformed`, `DestinationForbidden`
        or `NoAnswer`.
        """
        destination, named = self._destination(url, hosts)
        session = self._trusted if named else self._guarded
        try:
            async with asyncio.timeout(self._seconds):
                return await _exchange(session, destination, headers, body)
        except TimeoutError as error:
            raise NoAnswer(f"No answer within {self._seconds:g} s", timed_out=True) from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, DestinationForbidden):
                raise error.os_error from error
            raise NoAnswer(_told(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer(_told(error)) from error

    def _destination(self, url: str, hosts: Sequence[str] = ()) -> tuple[URL, bool]:
        """Gives the URL as it will be requested, and whether the operator named its host."""
        parsed, host = _parsed(url)
        port = parsed.port or 0
        address = literal(host)
        if _place(parsed) == self._own:
            raise WebhookUrlForbidden(
                "This is Runwarden itself; give the address of another program."
            )
        if any(each.covers(address or host, port) for each in self._allowances):
            return parsed, address is None
        if hosts and host not in hosts:
            raise WebhookUrlForbidden(f"The host must be {' or '.join(hosts)}.")
        if parsed.scheme != "https":
            raise WebhookUrlForbidden("The URL must begin with https://.")
        if port not in PORTS:
            raise WebhookUrlForbidden("The port must be 443 or 8443.")
        if address is not None and not is_public(address):
            raise WebhookUrlForbidden(f"{address} is not a public address.")
        if host == "localhost" or host.endswith(".localhost"):
            raise WebhookUrlForbidden(f"{host} is not a public address.")
        return parsed, False


class _Guard(AbstractResolver):
    """Looks names up, and lets no address through that webhooks may not go to."""

    def __init__(self, allowances: Sequence[Allowance], names: AbstractResolver) -> None:
        self._allowances = allowances
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        for each in found:
            self._check(each["host"], port)
        return found

    def socket(self, address: Any) -> socket.socket:
        """Makes the socket for one address, the last moment to refuse it."""
        place = address[4]
        self._check(place[0], place[1])
        return _small_socket(address)

    async def close(self) -> None:
        await self._names.close()

    def _check(self, host: str, port: int) -> None:
        address = literal(host)
        if address is None or not (is_public(address) or self._is_allowed(address, port)):
            raise DestinationForbidden(f"{host} is not a public address")

    def _is_allowed(self, address: Address, port: int) -> bool:
        return any(each.covers(address, port) for each in self._allowances)


def _small_socket(address: Any) -> socket.socket:
    """Makes a socket for which the system takes in little more of an answer than is read."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGEST_BODY)
    return made


@asynccontextmanager
async def _closing(names: AbstractResolver) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await names.close()


def _session(resolver: AbstractResolver, make_socket: Any) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        socket_factory=make_socket,
        use_dns_cache=False,
        force_close=True,
        limit=0,
    )
    return aiohttp.ClientSession(
        connector=connector,
        read_bufsize=LARGEST_BODY,
        cookie_jar=aiohttp.DummyCookieJar(),
        # `post` bounds the whole of a request.
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )


async def _exchange(
    session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], body: bytes
) -> Answer:
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
        said = b""
        while len(said) < LARGEST_BODY:
            piece = await response.content.read(LARGEST_BODY - len(said))
            if not piece:
                break
            said += piece
        return Answer(
            status=response.status,
            retry_after=response.headers.get("Retry-After", ""),
            excerpt=one_line(said.decode(errors="replace"), LARGEST_ANSWER),
        )


def _parsed(url: str) -> tuple[URL, str]:
    """Reads a URL with the parser of the client that will request it, and refuses odd ones."""
    if len(url) > LONGEST_URL:
        raise WebhookUrlMalformed("The URL must have at most 2,048 characters.")
    if "#" in url or "\\" in url or any(each <= " " or each == "\x7f" for each in url):
        raise WebhookUrlMalformed
    try:
        parsed = URL(url)
        host = (parsed.raw_host or "").rstrip(".")
    except ValueError as error:
        raise WebhookUrlMalformed from error
    if not parsed.scheme or not host or "%" in host or _USER.match(url):
        raise WebhookUrlMalformed
    if literal(host) is None and (not is_name(host) or _is_odd_number(host)):
        raise WebhookUrlMalformed(f"{one_line(host, 80)} is not a host name.")
    return parsed, host


def _place(url: URL) -> tuple[str, int | None]:
    return (url.raw_host or "").rstrip("."), url.port


def _is_odd_number(host: str) -> bool:
    # 2130706433, 0x7f.1 and 127.1 all mean 127.0.0.1 to the resolver.
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _told(error: Exception) -> str:
    return one_line(str(error), LARGEST_ANSWER) or type(error).__name__
