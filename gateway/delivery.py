"""One request at the webhook door."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import parse_qsl

from gateway.access import keys
from gateway.payloads import Readings, handling, read_leniently, read_strictly
from gateway.rest import problems as told
from gateway.rest.middleware import LARGEST_BODY, request_id_from
from libs import problems

MOST_READ = 8 * LARGEST_BODY
"""A sender that still writes when we close loses our answer; so much is read to give it one."""
SENDERS_NETWORK = 64
"""Bits of an IPv6 address that say whose it is."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


async def nothing_more() -> Message:
    """Receives for a request whose body came with it."""
    raise problems.CallerLeft


class BodyTooSlow(told.HttpProblem):
    """The body did not arrive within 5 seconds; send it again."""

    reason, http = "BODY_TOO_SLOW", 408


class Delivery:
    """One request at the door."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, workflow_id: str) -> None:
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._scope = scope
        self._receive = receive
        self.workflow_id = workflow_id
        self.path: str = scope["path"]
        self.request_id = request_id_from(self.header(b"x-request-id"))
        query = scope["query_string"].decode("latin-1")
        self.query = dict(parse_qsl(query, errors="replace")) if query else {}
        self.strict = handling(self.header(b"prefer"), "lenient") == "strict"

    def header(self, name: bytes) -> str:
        """Gives the value of a header, whose name is in lower case; empty when it did not come."""
        found = self._headers.get(name)
        return found.decode("latin-1").strip() if found else ""

    def secret(self) -> str | None:
        """Gives the API key that came with it, whatever it is worth."""
        in_header = keys.presented(self.header(b"authorization"), self.header(b"x-api-key"))
        return in_header or self.query.get("key")

    def require_json(self) -> None:
        """Raises `ContentTypeNotJson` unless the sender calls the body JSON."""
        kind = self.header(b"content-type").partition(";")[0]
        if kind.strip().lower() != "application/json":
            raise told.ContentTypeNotJson

    def sender(self) -> str:
        """Gives the address it came from; of IPv6 the network, where one sender has them all.

        A proxy on this machine says for whom it speaks; nobody else is believed that.
        """
        host = (self._scope.get("client") or ("", 0))[0]
        address = _address(host)
        if address is not None and address.is_loopback:
            forwarded = self.header(b"x-forwarded-for").rpartition(",")[2].strip()
            address = _address(forwarded) or address
        if isinstance(address, IPv6Address):
            return str(IPv6Network((address, SENDERS_NETWORK), strict=False))
        return str(address or host)

    def read(self, body: bytes) -> Readings:
        """Gives what is in the body, read the way the sender asked for."""
        read = read_strictly if self.strict else read_leniently
        return read(body, self.workflow_id, self.header(b"idempotency-key") or None)

    async def body(self, seconds: float) -> bytes:
        """Gives the body; raises `BodyTooLarge`, `BodyTooSlow` or `CallerLeft`."""
        announced = self.header(b"content-length")
        if announced.isdecimal() and int(announced) > MOST_READ:
            raise told.BodyTooLarge
        try:
            async with asyncio.timeout(seconds):
                return await self._received()
        except TimeoutError as error:
            raise BodyTooSlow from error

    async def _received(self) -> bytes:
        body = bytearray()
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise problems.CallerLeft
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= LARGEST_BODY:
                body += chunk
            if size > LARGEST_BODY and (size > MOST_READ or not message.get("more_body")):
                raise told.BodyTooLarge
            if not message.get("more_body"):
                return bytes(body)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # A socket for both kinds shows IPv4 as a part of one network of IPv6.
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
