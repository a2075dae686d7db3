"""A load generator light enough to share two cores with what it measures.

Each connection sends its next webhook when the answer to the last is whole, so
the number of connections is the number of webhooks under way.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass
class Run:
    """What one run of the load came to."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Gives the latency, in milliseconds, that this share of the answers kept."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class _Connection(asyncio.Protocol):
    def __init__(self, run: Run, next_request: Callable[[], bytes | None]) -> None:
        self._run = run
        self._next_request = next_request
        self._received = b""
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(END_OF_HEAD)
        if not found or len(body) < _length(head):
            return
        self._run.latencies.append(time.perf_counter() - self._sent_at)
        status = int(head[9:12])
        self._run.statuses[status] = self._run.statuses.get(status, 0) + 1
        self._received = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = self._next_request()
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(LENGTH) + len(LENGTH)
    return int(lowered[start:].partition(b"\r\n")[0])


class Webhooks:
    """Webhooks as GoHighLevel would send them: 10 % failures, each run with an id of its own."""

    def __init__(self, url: str, key: str, *, workflows: int = 200, series: str = "r") -> None:
        place = urlsplit(url)
        self.host, self.port = place.hostname, place.port
        self._head = (
            f" HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._workflows = workflows
        self._series = series
        self._sent = 0

    def next(self) -> bytes:
        self._sent += 1
        n = self._sent
        status = '"failed","failedActionName":"Send SMS","errorMessage":"21211: Invalid To"'
        body = (
            f'{{"status":{status if n % 10 == 0 else chr(34) + "success" + chr(34)},'
            f'"workflowName":"Lead flow","executionTimeMs":"{n % 3000}",'
            f'"runId":"{self._series}-{n}","location":{{"id":"loc-1"}},"contact_id":"c{n}"}}'
        )
        path = f"/api/workflows/wf-{n % self._workflows}/executions"
        return f"POST {path}{self._head}{len(body)}\r\n\r\n{body}".encode()


async def under_load(
    webhooks: Webhooks, *, connections: int, seconds: float, at_most: int = 1_000_000
) -> Run:
    """Sends webhooks for so many seconds over so many connections, and not more than `at_most`."""
    run = Run()
    ends = time.perf_counter() + seconds
    left = at_most

    def next_request() -> bytes | None:
        nonlocal left
        left -= 1
        return webhooks.next() if left >= 0 and time.perf_counter() < ends else None

    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    opened = [
        (
            await loop.create_connection(
                lambda: _Connection(run, next_request), webhooks.host, webhooks.port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.done for each in opened))
    run.seconds = time.perf_counter() - began
    return run
