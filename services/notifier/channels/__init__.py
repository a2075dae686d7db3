"""The ways out: one file a channel, and the one guarded door to the network."""

from typing import Protocol

from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.retry import Outcome
from services.notifier.domain.target import Target


class Sender(Protocol):
    """One way to tell people or programs."""

    def check(self, address: str) -> None:
        """Refuses an address that nothing can be sent to."""

    def freeze(self, message: Message, target: Target) -> Frozen:
        """Gives the message in this channel's form, for a target; every attempt sends the same."""

    async def send(self, parcel: Parcel) -> Outcome:
        """Makes one attempt and says what came of it; never raises for what the other side did."""
