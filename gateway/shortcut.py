"""Whole requests, answered beside ASGI.

An ASGI server makes a task, two events and a handful of dictionaries of each
request, so that its body may come, and its answer go, in any pieces at any
time. Almost every webhook comes in one piece and is answered in one.
"""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.joining import JoiningProtocol
from gateway.replies import Reply

PREFIX = b"/api/workflows/"
"""Where a request may be worth it."""

AtOnce = Callable[[MutableMapping[str, Any], bytes, Callable[[Reply], None]], bool]
"""Takes a POST by its ASGI scope and its whole body, and tells the reply later.

Says whether it did; if not, nothing has happened and ASGI takes it. Never tells
before it has returned.
"""


class ShortcutProtocol(JoiningProtocol):
    """uvicorn's protocol, with a way for a POST whose head and body came together.

    uvicorn parses each request, and answers all that is out of the ordinary: what
    comes in pieces, before the answer to the last, or is the last of its connection.
    """

    def __init__(self, *arguments: Any, at_once: AtOnce, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._at_once = at_once
        self._body: list[bytes] | None = None
        """What is there of a body that may be taken as a whole."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins a connection."""
        super().connection_made(transport)
        self._wire = transport
        self._quiet_since = self.loop.time()

    def close_if_quiet(self, since: float) -> None:
        """Closes the connection when its last request was answered before a time of the loop.

        One look at all connections now and then costs less than a timer after each answer.
        """
        if self._quiet_since < since and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Takes what came."""
        super().data_received(data)
        if self._body is not None:
            self._go_the_usual_way(b"".join(self._body))  # the rest is still to come

    def on_message_begin(self) -> None:
        """Begins a request; what ASGI wants to know of it is only written down when it is asked."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Goes on when the head is read."""
        if self._may_be_taken_at_once():
            self._body = []
        else:
            self._begin_cycle()

    def on_body(self, body: bytes) -> None:
        """Goes on when a piece of the body is read."""
        if self._body is None:
            super().on_body(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Goes on when the body is read."""
        if self._body is not None:
            body = b"".join(self._body)
            if self._is_taken_at_once(body):
                self._body = None
                return
            self._go_the_usual_way(body)
        super().on_message_complete()

    def answer(self, reply: Reply, *, keep_alive: bool) -> None:
        """Sends the reply to the request that was taken."""
        content = [STATUS_LINE[reply.status]]
        for name, value in (*self.server_state.default_headers, *reply.headers):
            content += (name, b": ", value, b"\r\n")
        content += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n", reply.body)
        self._wire.write(b"".join(content))
        if not keep_alive:
            self.transport.close()
        if self.pipeline or not keep_alive:
            self.on_response_complete()
        self._quiet_since = self.loop.time()

    def on_response_complete(self) -> None:
        """Goes on when uvicorn has answered."""
        super().on_response_complete()
        self._quiet_since = self.loop.time()

    def _may_be_taken_at_once(self) -> bool:
        return (
            self.url.startswith(PREFIX)
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _is_taken_at_once(self, body: bytes) -> bool:
        path, _, query = self.url.partition(b"?")
        if b"%" in path or b"#" in self.url or not path.isascii():
            return False
        scope = {
            "path": path.decode("ascii"),
            "query_string": query,
            "headers": self.headers,
            "client": self.client,
        }
        under_way = _UnderWay(self)
        if not self._at_once(scope, body, under_way.tell):
            return False
        self.cycle = under_way  # type: ignore[assignment]  # as far as it is looked at
        return True

    def _go_the_usual_way(self, body: bytes) -> None:
        self._body = None
        if not self.transport.is_closing():
            self._begin_cycle()
            super().on_body(body)

    def _begin_cycle(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()


class _UnderWay:
    """A request that was taken, with what uvicorn's protocol wants to know of one."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete")

    def __init__(self, protocol: ShortcutProtocol) -> None:
        self._protocol = protocol
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    @property
    def message_event(self) -> "_UnderWay":
        return self

    def set(self) -> None:
        """Nobody waits for more of the request."""

    def tell(self, reply: Reply) -> None:
        self.response_complete = True
        if not self.disconnected:
            self._protocol.answer(reply, keep_alive=self.keep_alive)
