"""A web server on loopback that writes down what it is sent, and answers as it is told."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import TypeVar

from aiohttp import web
from multidict import CIMultiDictProxy


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes
    arrived_at: float
    """On the monotonic clock, to tell how far apart two requests are."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to one request."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()
    """Sent piece by piece; endless if it likes."""

    delay: float = 0
    """Seconds before the first byte."""

    drip: float = 0
    """Seconds before each piece of the body."""

    hang_up: bool = False
    """Closes the connection and says nothing."""


def redirect(location: str, status: int = 307) -> Answer:
    """Gives the answer that sends a client elsewhere."""
    return Answer(status, {"Location": location})


class Receiver:
    """Writes requests down in `requests`, and gives the planned answers in order, then 200s."""

    def __init__(self, scheme: str) -> None:
        self.requests: list[Received] = []
        self.port = 0
        self._scheme = scheme
        self._answers: deque[Answer] = deque()

    def answer_next(self, *answers: Answer | int) -> None:
        """Plans the next answers; a number is a status and nothing else."""
        self._answers.extend(Answer(each) if isinstance(each, int) else each for each in answers)

    @property
    def url(self) -> str:
        """An address that this receives at; so does every path below it."""
        return f"{self._scheme}://127.0.0.1:{self.port}/"

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Writes a request down and answers it."""
        arrived_at = time.monotonic()
        body = await request.read()
        self.requests.append(
            Received(request.method, request.path_qs, request.headers, body, arrived_at)
        )
        return await _give(self._answers.popleft() if self._answers else self._usual(), request)

    def _usual(self) -> Answer:
        """Gives what is answered to the newest request when nothing is planned."""
        return Answer()


Kind = TypeVar("Kind", bound=Receiver)


@asynccontextmanager
async def receiver(
    tls: SSLContext | None = None, *, kind: type[Kind] = Receiver
) -> AsyncIterator[Kind]:
    """Runs a receiver on the loop of the test, over TLS when it is given a certificate."""
    receiver = kind("https" if tls else "http")
    application = web.Application(client_max_size=64 * 1024**2)
    application.router.add_route("*", "/{path:.*}", receiver.receive)
    runner = web.AppRunner(
        application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()


async def _give(answer: Answer, request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(answer.delay)
    if answer.hang_up:
        assert request.transport is not None
        request.transport.abort()
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    try:
        await response.prepare(request)
        for piece in answer.body:
            await asyncio.sleep(answer.drip)
            await response.write(piece)
        await response.write_eof()
    except ConnectionResetError:
        pass  # the client has heard enough
    return response
