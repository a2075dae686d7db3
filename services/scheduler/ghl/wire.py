"""One HTTP exchange with GoHighLevel, within bounds."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import aiohttp
from yarl import URL

from services.scheduler.ghl.problems import GhlAnswerUnreadable, GhlUnavailable
from services.scheduler.ghl.tokens import AccessToken
from services.scheduler.ghl.values import ApiVersion

SECONDS = 30.0
LARGEST_ANSWER = 8 * 1024**2
PIECE = 64 * 1024
USER_AGENT = "Runwarden/1.0 (scanner)"


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `path` is quoted already, and a form makes it a POST."""

    path: str
    version: ApiVersion | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def repeatable(self) -> bool:
        """Whether making it twice is the same as making it once."""
        return self.form is None


@dataclass(frozen=True, slots=True)
class Answer:
    """What GoHighLevel said."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Wire:
    """Makes one call at a time and follows no redirect: a token goes nowhere but to the base URL.

    What the HTTP client raises is not kept as a cause, because its errors carry
    the headers of the request, and so the token.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")

    @classmethod
    @asynccontextmanager
    async def open(cls, base_url: str, *, seconds: float = SECONDS) -> AsyncIterator[Self]:
        """Opens the connections; each call may take so many seconds in all."""
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=seconds),
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "application/json",
                # A small body that unpacks to a large one is then no concern of ours.
                "Accept-Encoding": "identity",
            },
            auto_decompress=False,
            middlewares=[_made_once],
        ) as session:
            yield cls(session, base_url)

    async def exchange(self, call: Call, token: AccessToken | None) -> Answer:
        """Gives the answer, whatever its status; raises `GhlUnavailable` when there is none."""
        try:
            return await self._exchanged(call, token)
        except TimeoutError:
            raise GhlUnavailable("GoHighLevel did not answer in time.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise GhlUnavailable(cause=type(error).__name__) from None

    async def _exchanged(self, call: Call, token: AccessToken | None) -> Answer:
        url = URL(self._base_url + call.path, encoded=True).update_query(call.query)
        async with self._session.request(
            "GET" if call.form is None else "POST",
            url,
            headers=_headers(call, token),
            data=call.form,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await _bounded(response.content))


async def _made_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keeps the HTTP client from repeating a cut call by itself, where no budget counts it."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise GhlUnavailable(cause=type(error).__name__) from None


def _headers(call: Call, token: AccessToken | None) -> dict[str, str]:
    headers = {"Version": str(call.version)} if call.version else {}
    if token:
        headers["Authorization"] = f"Bearer {token.value}"
    return headers


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    while piece := await content.read(PIECE):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise GhlAnswerUnreadable("GoHighLevel answered with more than 8 MiB.")
    return bytes(body)
