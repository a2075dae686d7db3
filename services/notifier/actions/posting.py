"""Hands a message to the channel of a target, and always comes back with what became of it."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from libs import problems
from libs.clock import Clock
from libs.secrets import SecretBox
from services.notifier.channels import Sender
from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.retry import Outcome, Verdict
from services.notifier.domain.target import Channel, Target

log = structlog.get_logger()


class Posting:
    """The channels, and the key to what they must not keep."""

    def __init__(self, senders: Mapping[Channel, Sender], box: SecretBox, clock: Clock) -> None:
        self._senders = senders
        self._box = box
        self._clock = clock

    def check(self, channel: Channel, address: str) -> None:
        """Refuses an address that nothing can be sent to."""
        self._senders[channel].check(address)

    def freeze(self, message: Message, target: Target) -> Frozen:
        """Gives a message in the form of a target's channel."""
        return self._senders[target.channel].freeze(message, target)

    async def send(
        self,
        target: Target,
        frozen: Frozen,
        *,
        message_id: str,
        incident_id: str | None,
        created_at: datetime,
    ) -> Outcome:
        """Makes one attempt. Raises only when our own database is away."""
        try:
            parcel = Parcel(
                message_id=message_id,
                location_id=target.location_id,
                target_id=target.target_id,
                incident_id=incident_id,
                address=target.address,
                secrets=self._secrets_of(target),
                frozen=frozen,
                created_at=created_at,
                options=target.options,
            )
            return await self._senders[target.channel].send(parcel)
        except problems.Unavailable:
            raise
        except Exception as error:
            # A mistake of ours must not make a delivery that is tried for ever.
            log.exception("delivery.crashed", message_id=message_id, target_id=target.target_id)
            return Outcome(Verdict.LATER, f"Internal error ({type(error).__name__})")

    def _secrets_of(self, target: Target) -> tuple[str, ...]:
        until = target.old_secret_until
        overlaps = until is not None and self._clock.now() < until
        sealed = (target.sealed_secret, target.sealed_old_secret if overlaps else None)
        return tuple(self._box.open(each).decode() for each in sealed if each)
