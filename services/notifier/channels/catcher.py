"""Keeps mails where no mail server is configured, so that a first try needs none."""

from collections.abc import Awaitable, Callable

from services.notifier.channels.email import Letterhead
from services.notifier.channels.layout import MailLayout
from services.notifier.domain.delivery import CaughtMail, Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.passes import Passes
from services.notifier.domain.retry import Outcome, Verdict
from services.notifier.domain.settings import check_email
from services.notifier.domain.target import Target

Keep = Callable[[CaughtMail], Awaitable[None]]


class CatchingChannel:
    """Writes mails down instead of sending them."""

    def __init__(self, smtp_from: str, layout: MailLayout, passes: Passes, keep: Keep) -> None:
        self._letterhead = Letterhead(smtp_from, passes)
        self._layout = layout
        self._keep = keep

    def check(self, address: str) -> None:
        check_email(address, "target.address")

    def freeze(self, message: Message, target: Target) -> Frozen:
        return self._layout.freeze(message, target)

    async def send(self, parcel: Parcel) -> Outcome:
        await self._keep(
            CaughtMail(
                message_id=self._letterhead.message_id(parcel),
                location_id=parcel.location_id,
                sender=self._letterhead.sender,
                recipient=parcel.address,
                subject=parcel.frozen.subject,
                text=parcel.frozen.text,
                html=parcel.frozen.html,
            )
        )
        return Outcome(Verdict.DELIVERED, "Caught: no SMTP server is configured")
