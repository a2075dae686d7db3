"""The webhook door: raw ASGI in front of everything else, because that is where the load is.

HighLevel sends a webhook again only when it was answered 429, never after
another error. So the door answers 429 whenever an event could not be committed,
a bug of ours included, and never 5xx.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog

from gateway.access import Access, Caller, Scope, keys
from gateway.crashes import log_crash
from gateway.intake import Intake, Taken
from gateway.payloads import Readings, handling, read_leniently, read_strictly
from gateway.rest import problems as told
from gateway.rest.middleware import LARGEST_BODY, request_id_from
from libs import metrics, problems
from libs.rpc import call

log = structlog.get_logger()

BODY_SECONDS = 5.0
MOST_READ = 8 * LARGEST_BODY
"""A sender that still writes when we close loses our answer; so much is read to give it one."""
RETRY_AFTER = "5"
"""Seconds, where the problem itself names none."""
POSTPONED = 429
OK, QUARANTINED = 200, 202

_PATH = re.compile(r"/api/workflows/([^/]+)/executions/?")
_FINAL = frozenset({400, 401, 403, 408, 413})
"""Where sending the same again does not help; everything else is answered 429."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class BodyTooSlow(told.HttpProblem):
    """The body did not arrive within 5 seconds; send it again."""

    reason, http = "BODY_TOO_SLOW", 408


class Door:
    """Answers `POST /api/workflows/{id}/executions`; leaves every other request to the app behind."""

    def __init__(
        self, access: Access, intake: Intake, behind: App, *, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._access = access
        self._intake = intake
        self._behind = behind
        self._body_seconds = body_seconds

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        here = scope["type"] == "http" and scope["method"] == "POST"
        path = _PATH.fullmatch(scope["path"]) if here else None
        if path is None:
            await self._behind(scope, receive, send)
            return
        delivery = _Delivery(scope, receive, path[1])
        call.request_id.set(delivery.request_id)
        call.trace.set(call.trace_from(delivery.header(b"traceparent")))
        began = perf_counter()
        try:
            status, content = await self._taken(delivery)
        except problems.Problem as problem:
            await _tell(problem, delivery, send)
        except asyncio.CancelledError:
            # The server stops and waited long enough.
            await _tell(problems.Unavailable(), delivery, send)
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the sender must send again
            log_crash("door.crashed", error)
            await _tell(problems.Broken(), delivery, send)
        else:
            await _send_json(send, status, content, {"x-request-id": delivery.request_id})
        finally:
            metrics.DOOR_SECONDS.observe(perf_counter() - began)

    async def _taken(self, delivery: "_Delivery") -> tuple[int, object]:
        caller = await self._access.caller(delivery.secret())
        asked = delivery.query.get("location_id")
        if asked:
            caller.location(asked)
        caller.require(Scope.INGEST)
        body = await delivery.body(self._body_seconds)
        return await self._recorded(delivery, body, caller, asked)

    async def _recorded(
        self, delivery: "_Delivery", body: bytes, caller: Caller, asked: str | None
    ) -> tuple[int, object]:
        readings = delivery.read(body)
        taken = await self._intake.take(
            readings.items,
            caller,
            asked,
            quarantine_as=None if delivery.strict else delivery.header(b"content-type"),
        )
        if readings.several:
            return OK, {"results": [_result(each) for each in taken]}
        only = taken[0]
        if only.status == "rejected" and only.problem is not None:
            raise only.problem
        return QUARANTINED if only.status == "quarantined" else OK, _result(only)


class _Delivery:
    """One request at the door."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, workflow_id: str) -> None:
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._receive = receive
        self._workflow_id = workflow_id
        self.path: str = scope["path"]
        self.request_id = request_id_from(self.header(b"x-request-id"))
        query = scope["query_string"].decode("latin-1")
        self.query = dict(parse_qsl(query, errors="replace")) if query else {}
        self.strict = handling(self.header(b"prefer"), "lenient") == "strict"

    def header(self, name: bytes) -> str:
        found = self._headers.get(name)
        return found.decode("latin-1").strip() if found else ""

    def secret(self) -> str | None:
        in_header = keys.presented(self.header(b"authorization"), self.header(b"x-api-key"))
        return in_header or self.query.get("key")

    def read(self, body: bytes) -> Readings:
        read = read_strictly if self.strict else read_leniently
        return read(body, self._workflow_id, self.header(b"idempotency-key") or None)

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


def _result(taken: Taken) -> dict[str, object]:
    result: dict[str, object] = {"status": taken.status}
    if taken.kept_as:
        name = "quarantine_id" if taken.status == "quarantined" else "execution_id"
        result[name] = taken.kept_as
    if taken.problem is not None:
        result |= {"reason": taken.problem.reason, "detail": taken.problem.message}
    if taken.problem is not None and taken.status == "rejected":
        result["errors"] = _errors(taken.problem.fields)
    return result


def _errors(fields: Sequence[problems.FieldError]) -> list[dict[str, str]]:
    return [{"field": each.field, "message": each.message} for each in fields]


async def _tell(problem: problems.Problem, delivery: _Delivery, send: Send) -> None:
    status = told.status_of(problem)
    headers = {key.lower(): value for key, value in told.headers_of(problem).items()}
    if status not in _FINAL:
        status = POSTPONED
        headers.setdefault("retry-after", RETRY_AFTER)
    if isinstance(problem, BodyTooSlow | told.BodyTooLarge):
        headers["connection"] = "close"  # the rest of the body is not read
    headers |= {"content-type": told.MEDIA_TYPE, "x-request-id": delivery.request_id}
    content = told.document(problem, delivery.path) | {"status": status}
    metrics.INGEST_EVENTS.labels(result="postponed" if status == POSTPONED else "refused").inc()
    log.info("door.refused", status=status, reason=problem.reason, request_id=delivery.request_id)
    await _send_json(send, status, content, headers)


async def _send_json(send: Send, status: int, content: object, headers: dict[str, str]) -> None:
    body = msgspec.json.encode(content)
    raw = [(b"content-length", b"%d" % len(body))]
    if "content-type" not in headers:
        raw.append((b"content-type", b"application/json"))
    raw += [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
