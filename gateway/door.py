"""The webhook door: in front of everything else, because that is where the load is.

HighLevel sends a webhook again only when it was answered 429, never after
another error. So the door answers 429 whenever an event could not be committed,
a bug of ours included, and never 5xx.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from functools import partial
from time import perf_counter
from typing import Any

from gateway import replies
from gateway.access import Access, Scope
from gateway.batches import Outcome
from gateway.crashes import log_crash
from gateway.delivery import Delivery, Receive, nothing_more
from gateway.intake import Entry, Intake
from gateway.replies import Reply
from gateway.signed import SignedWebhooks
from libs import metrics, problems
from libs.rpc import call

BODY_SECONDS = 5.0

_PATH = re.compile(r"/api/workflows/([^/]+)/executions/?")

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Tell = Callable[[Reply], None]


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
        self._concluding: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        here = scope["type"] == "http" and scope["method"] == "POST"
        path = _PATH.fullmatch(scope["path"]) if here else None
        if path is None:
            await self._behind(scope, receive, send)
            return
        began = perf_counter()
        delivery = Delivery(scope, receive, path[1])
        try:
            await _send(await self._reply(delivery, self._taken(delivery)), send)
        except asyncio.CancelledError:
            # The server stops and waited long enough.
            await _send(replies.to_refused(problems.Unavailable(), delivery), send)
            raise
        finally:
            metrics.DOOR_SECONDS.observe(perf_counter() - began)

    def at_once(self, scope: MutableMapping[str, Any], body: bytes, tell: Tell) -> bool:
        """Takes a POST that is whole, if ingestion is all that must be asked; tells its reply later.

        Says whether it did. If not, nothing has happened, and the call above is
        to answer: it knows every case, and this only the one that is frequent.
        """
        path = _PATH.fullmatch(scope["path"])
        if path is None:
            return False
        began = perf_counter()
        delivery = Delivery(scope, nothing_more, path[1])
        try:
            entry = self._begun(delivery, body)
            if entry is None:
                return False
            settle = partial(self._conclude, delivery, entry, tell, began)
            trace = call.trace_from(delivery.header(b"traceparent"))
            self._intake.send(entry, settle, request_id=delivery.request_id, trace=trace)
        except Exception:  # noqa: BLE001  whatever it is, the call above meets it too and tells
            return False
        return True

    def _begun(self, delivery: Delivery, body: bytes) -> Entry | None:
        caller = self._access.remembered(delivery.secret())
        if caller is None or not caller.may(Scope.INGEST):
            return None
        asked = delivery.query.get("location_id")
        if asked:
            caller.location(asked)
        readings = delivery.read(body)
        if readings.several:
            return None
        return self._intake.begin(readings.items[0], caller, asked)

    def _conclude(
        self, delivery: Delivery, entry: Entry, tell: Tell, began: float, outcome: Outcome
    ) -> None:
        if taken := entry.taken_as(outcome):
            tell(replies.to_one(taken, delivery))
            metrics.DOOR_SECONDS.observe(perf_counter() - began)
            return
        task = asyncio.create_task(self._conclude_late(delivery, entry, tell, began, outcome))
        self._concluding.add(task)
        task.add_done_callback(self._concluding.discard)

    async def _conclude_late(
        self, delivery: Delivery, entry: Entry, tell: Tell, began: float, outcome: Outcome
    ) -> None:
        """Tells of what was refused: it goes into quarantine, or its sender comes again."""

        async def concluded() -> Reply:
            taken = await self._intake.conclude(entry, outcome, _quarantine_as(delivery))
            return replies.to_one(taken, delivery)

        tell(await self._reply(delivery, concluded()))
        metrics.DOOR_SECONDS.observe(perf_counter() - began)

    async def _reply(self, delivery: Delivery, taking: Coroutine[Any, Any, Reply]) -> Reply:
        call.request_id.set(delivery.request_id)
        call.trace.set(call.trace_from(delivery.header(b"traceparent")))
        try:
            return await taking
        except problems.Problem as problem:
            return replies.to_refused(problem, delivery)
        except Exception as error:  # noqa: BLE001  whatever it is, the sender must send again
            log_crash("door.crashed", error)
            return replies.to_refused(problems.Broken(), delivery)

    async def _taken(self, delivery: Delivery) -> Reply:
        secret = delivery.secret()
        if secret is None and self._signed is not None:
            return await self._taken_signed(delivery, self._signed)
        caller = await self._access.caller(secret)
        asked = delivery.query.get("location_id")
        if asked:
            caller.location(asked)
        caller.require(Scope.INGEST)
        readings = delivery.read(await delivery.body(self._body_seconds))
        taken = await self._intake.take(
            readings.items, caller, asked, quarantine_as=_quarantine_as(delivery)
        )
        if readings.several:
            return replies.to_several(taken, delivery)
        return replies.to_one(taken[0], delivery)

    async def _taken_signed(self, delivery: Delivery, signed: SignedWebhooks) -> Reply:
        body = await signed.proven(delivery, self._body_seconds)
        webhook = await signed.read(delivery, body)
        if webhook is None:
            return replies.to_unknown_location(delivery)
        # What cannot be recorded is refused: strangers must not fill the quarantine.
        (taken,) = await self._intake.take(
            [webhook.reading], webhook.caller, None, quarantine_as=None
        )
        signed.note(webhook, taken)
        return replies.to_one(taken, delivery)


def _quarantine_as(delivery: Delivery) -> str | None:
    return None if delivery.strict else delivery.header(b"content-type")


async def _send(reply: Reply, send: Send) -> None:
    head = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
    await send(head)
    await send({"type": "http.response.body", "body": reply.body})
