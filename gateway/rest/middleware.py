"""What happens around every request: its id, the size of its body, its headers, one log line."""

import re
import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.crashes import log_crash
from gateway.rest import problems as told
from libs import ids, problems
from libs.rpc import call

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024
LARGEST_IMPORT = 100 * LARGEST_BODY
"""Of a file of lines, which is read line by line and never held as a whole."""
LARGEST_DEFINITION = 2 * LARGEST_BODY
IMPORT_PATHS = frozenset({"/api/executions/import", "/api/workflows/definitions"})
DEFINITION_PATH = re.compile(r"/api/workflows/[^/]+/definition")
LONGEST_REQUEST_ID = 128
STATIC = "/static/"
QUIET_PATHS = ("/health", STATIC)
"""Asked every few seconds by machines, or many at once by a page; logged only at DEBUG."""

_INVISIBLE = re.compile(r"[^!-~]")

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # a sign-in link carries a key
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Requests:
    """The outermost layer of the HTTP side behind the webhook door."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        headers = Headers(scope=scope)
        call.request_id.set(request_id_from(headers.get(call.REQUEST_ID_HEADER)))
        call.trace.set(call.trace_from(headers.get(call.TRACE_HEADER)))
        answered = _Answered(scope, send)
        try:
            await self._answer(scope, _limited(receive, scope), answered)
        finally:
            answered.log()

    async def _answer(self, scope: Scope, receive: Receive, answered: "_Answered") -> None:
        try:
            await self._app(scope, receive, answered.send)
        except Exception as error:
            log_crash("http.crashed", error)
            if answered.status:
                raise  # half an answer is out; only closing the connection tells the caller
            answer = told.answer(problems.Broken(), scope["path"])
            await answer(scope, receive, answered.send)


class _Answered:
    """What became of a request, for the log."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._started = time.perf_counter()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = call.request_id.get()
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", self._caching())
        await self._send(message)

    def _caching(self) -> str:
        return "no-cache" if self._scope["path"].startswith(STATIC) else "no-store"

    def log(self) -> None:
        caller = self._scope["state"].get("caller")
        write = log.debug if self._scope["path"].startswith(QUIET_PATHS) else log.info
        write(
            "http.answered",
            method=self._scope["method"],
            route=getattr(self._scope.get("route"), "path", ""),
            status=self.status,
            ms=round((time.perf_counter() - self._started) * 1000, 1),
            request_id=call.request_id.get(),
            **call.traced(),
            key_id=caller.key_id if caller else "",
        )


def request_id_from(given: str | None) -> str:
    """Gives the caller's request id without what could break a log line, or a new one."""
    kept = _INVISIBLE.sub("", given)[:LONGEST_REQUEST_ID] if given else ""
    return kept or ids.new_id()


def _largest(path: str) -> int:
    if path in IMPORT_PATHS:
        return LARGEST_IMPORT
    return LARGEST_DEFINITION if DEFINITION_PATH.fullmatch(path) else LARGEST_BODY


def _limited(receive: Receive, scope: Scope) -> Receive:
    announced = Headers(scope=scope).get("content-length", "")
    largest = _largest(scope["path"])
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        if announced.isdigit() and int(announced) > largest:
            raise HTTPException(told.BodyTooLarge.http)
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > largest:
            raise HTTPException(told.BodyTooLarge.http)
        return message

    return limited
