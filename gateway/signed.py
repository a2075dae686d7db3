"""Webhooks without a key that HighLevel signed, as it signs those of marketplace apps.

The same key signs for every app, so a signature says "HighLevel sent these bytes
to somebody", not "to us". Hence nothing outside of them counts, the location must
be one of this installation, and what is no execution leaves nothing behind.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import structlog

from gateway import signature
from gateway.access import Access, Caller, Scope
from gateway.access.callers import checked_location_id
from gateway.access.limits import RateLimits
from gateway.delivery import Delivery
from gateway.intake import Taken
from gateway.payloads import Reading, SignedReading, read_signed
from gateway.payloads.problems import SignedTimeWrong
from gateway.rest.problems import ContentTypeNotJson
from gateway.signature import Signatures, SignatureWrong
from libs import problems
from libs.clock import Clock
from libs.metrics import SIGNED_WEBHOOKS

log = structlog.get_logger()

HEADER = b"x-ghl-signature"
AHEAD = timedelta(minutes=5)
"""How much HighLevel's clock may be before ours."""
MOST_ARRIVING = 64
"""Bodies that are read at the same time: before one is there, nobody knows who sends it."""
MOST_REMEMBERED = 10_000
"""Webhooks of which this process still knows the body."""


class Crowded(problems.TooMany):
    """Too many webhooks without a key arrive at the same time; send it again later."""

    reason = "CROWDED"


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """An execution that HighLevel signed, for a location of this installation."""

    reading: Reading
    caller: Caller
    """Whoever may bring in executions of this location, and nothing else."""
    key: str
    digest: bytes
    """Of the body."""

    @property
    def name(self) -> tuple[str | None, str, str]:
        """What a repetition has in common with it."""
        return self.caller.location_id, self.reading.workflow_id, self.key


class SignedWebhooks:
    """Proves and reads what comes without a key."""

    def __init__(
        self,
        signatures: Signatures,
        access: Access,
        clock: Clock,
        *,
        window: timedelta,
        a_minute: int,
    ) -> None:
        """Takes how long ago something may be signed, and how many requests an address may send."""
        self._signatures = signatures
        self._access = access
        self._clock = clock
        self._window = window
        self._limits = RateLimits(clock, a_minute, of="An address that sends no key")
        self._arriving = 0
        self._bodies: OrderedDict[tuple[str | None, str, str], bytes] = OrderedDict()

    async def proven(self, delivery: Delivery, seconds: float) -> bytes:
        """Gives the body that HighLevel signed, which arrived within so many seconds.

        Raises `SignatureWrong`, whatever is missing or wrong, `RateLimited` or
        `Crowded`, and what makes a body impossible to read.
        """
        try:
            return await self._proven(delivery, seconds)
        except SignatureWrong:
            SIGNED_WEBHOOKS.labels(result="wrong").inc()
            raise
        except problems.TooMany:
            SIGNED_WEBHOOKS.labels(result="limited").inc()
            raise

    async def read(self, delivery: Delivery, body: bytes) -> SignedWebhook | None:
        """Gives the execution in a proven body; None when its location is not known here.

        Raises why there is none, or why it is not taken any more.
        """
        try:
            delivery.require_json()
            found = read_signed(body, delivery.workflow_id)
            checked_location_id(found.location_id)
            self._check_time(found)
        except (problems.InvalidRequest, ContentTypeNotJson):
            SIGNED_WEBHOOKS.labels(result="unread").inc()
            raise
        if not await self._access.knows(found.location_id):
            SIGNED_WEBHOOKS.labels(result="location_unknown").inc()
            log.info("door.location_unknown", location_id=found.location_id)
            return None
        caller = Caller("", "HighLevel", Scope.INGEST, found.location_id)
        return SignedWebhook(found.reading, caller, found.key, sha256(body).digest())

    def note(self, webhook: SignedWebhook, taken: Taken) -> None:
        """Counts what became of it, and tells the operator when its id had another body before."""
        result = "unread" if taken.status == "rejected" else "taken"
        if taken.status == "accepted":
            self._remember(webhook)
        elif taken.status == "duplicate" and self._had_another_body(webhook):
            result = "conflict"
            log.warning(
                "door.signed_conflict",
                location_id=webhook.caller.location_id,
                workflow_id=webhook.reading.workflow_id,
                key=webhook.key,
                execution_id=taken.kept_as,
            )
        SIGNED_WEBHOOKS.labels(result=result).inc()

    async def _proven(self, delivery: Delivery, seconds: float) -> bytes:
        self._limits.take(delivery.sender())
        presented = signature.presented(delivery.header(HEADER))
        if self._arriving >= MOST_ARRIVING:
            raise Crowded
        self._arriving += 1
        try:
            body = await delivery.body(seconds)
        finally:
            self._arriving -= 1
        self._signatures.check(presented, body)
        return body

    def _check_time(self, found: SignedReading) -> None:
        age = self._clock.now() - found.signed_at
        if not -AHEAD <= age <= self._window:
            raise SignedTimeWrong.at("timestamp")

    def _remember(self, webhook: SignedWebhook) -> None:
        self._bodies[webhook.name] = webhook.digest
        if len(self._bodies) > MOST_REMEMBERED:
            self._bodies.popitem(last=False)

    def _had_another_body(self, webhook: SignedWebhook) -> bool:
        return self._bodies.get(webhook.name, webhook.digest) != webhook.digest
