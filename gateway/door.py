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

import msgspec
import structlog

from gateway.access import Access, Caller, Scope
from gateway.crashes import log_crash
from gateway.delivery import BodyTooSlow, Delivery, Receive
from gateway.intake import Intake, Taken
from gateway.rest import problems as told
from gateway.signed import SignedWebhooks
from libs import metrics, problems
from libs.rpc import call

log = structlog.get_logger()

BODY_SECONDS = 5.0
RETRY_AFTER = "5"
"""Seconds, where the problem itself names none."""
POSTPONED = 429
OK, QUARANTINED, IGNORED = 200, 202, 202

_PATH = re.compile(r"/api/workflows/([^/]+)/executions/?")
_FINAL = frozenset({400, 401, 403, 408, 413, 415})
"""Where sending the same again does not help; everything else is answered 429."""
_LOCATION_UNKNOWN = {
    "status": "ignored",
    "reason": "LOCATION_UNKNOWN",
    "detail": "The location in the body is none of this installation, so nothing was kept. "
    "PUT /api/locations/{location_id} makes it known.",
}

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Door:
    """Answers `POST /api/workflows/{id}/executions`; leaves every other request to the app behind."""

    def __init__(
        self,
        access: Access,
        intake: Intake,
        behind: App,
        *,
        signed: SignedWebhooks | None = None,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """Takes webhooks without a key only when `signed` proves them."""
        self._access = access
        self._intake = intake
        self._behind = behind
        self._signed = signed
        self._body_seconds = body_seconds

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        here = scope["type"] == "http" and scope["method"] == "POST"
        path = _PATH.fullmatch(scope["path"]) if here else None
        if path is None:
            await self._behind(scope, receive, send)
            return
        delivery = Delivery(scope, receive, path[1])
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

    async def _taken(self, delivery: Delivery) -> tuple[int, object]:
        secret = delivery.secret()
        if secret is None and self._signed is not None:
            return await self._taken_signed(delivery, self._signed)
        caller = await self._access.caller(secret)
        asked = delivery.query.get("location_id")
        if asked:
            caller.location(asked)
        caller.require(Scope.INGEST)
        body = await delivery.body(self._body_seconds)
        return await self._recorded(delivery, body, caller, asked)

    async def _recorded(
        self, delivery: Delivery, body: bytes, caller: Caller, asked: str | None
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
        return _answer(taken[0])

    async def _taken_signed(self, delivery: Delivery, signed: SignedWebhooks) -> tuple[int, object]:
        body = await signed.proven(delivery, self._body_seconds)
        webhook = await signed.read(delivery, body)
        if webhook is None:
            return IGNORED, _LOCATION_UNKNOWN
        # What cannot be recorded is refused: strangers must not fill the quarantine.
        (taken,) = await self._intake.take(
            [webhook.reading], webhook.caller, None, quarantine_as=None
        )
        signed.note(webhook, taken)
        return _answer(taken)


def _answer(taken: Taken) -> tuple[int, object]:
    if taken.status == "rejected" and taken.problem is not None:
        raise taken.problem
    return QUARANTINED if taken.status == "quarantined" else OK, _result(taken)


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


async def _tell(problem: problems.Problem, delivery: Delivery, send: Send) -> None:
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
