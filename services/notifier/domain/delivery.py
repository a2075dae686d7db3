"""A message to one target, from the decision to the last attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from libs import problems
from services.notifier.domain.decision import Hold, Mute
from services.notifier.domain.message import Message, Occasion
from services.notifier.domain.retry import Fate, Outcome
from services.notifier.domain.target import Channel, Target


class DeliveryNotFound(problems.NotFound):
    """The location has no such delivery."""

    reason = "DELIVERY_NOT_FOUND"


class DeliveryDelivered(problems.WrongState):
    """It was delivered; to send it again all the same, use force."""

    reason = "DELIVERY_DELIVERED"


class DeliveryNotSendable(problems.WrongState):
    """It cannot be sent: it is not meant to be, or its target or its text is no more."""

    reason = "DELIVERY_NOT_SENDABLE"


class TargetSwitchedOff(problems.WrongState):
    """Its target is switched off; enable that first, with replay if you like."""

    reason = "TARGET_SWITCHED_OFF"


LARGEST_ANSWER = 2048
"""Bytes kept of what the other side said."""


class DeliveryStatus(StrEnum):
    """What became of it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Frozen:
    """A message in the form of one channel, rendered once: every attempt sends these bytes."""

    subject: str
    text: str = ""
    html: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A delivery that was decided: to a target, or suppressed for a reason."""

    delivery_id: str
    location_id: str
    incident_id: str | None
    event_id: str | None
    message: Message
    wait: timedelta = timedelta(0)
    """Until it is due: for company, or for its hold to end."""

    held_because: Hold | None = None
    """Why it waits by itself: then no company makes it go earlier."""

    target: Target | None = None
    mute: Mute | None = None
    """Why it is not sent; it is when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What a channel needs to make one attempt; the same id and bytes every time."""

    message_id: str
    location_id: str
    target_id: str
    incident_id: str | None
    address: str
    secrets: tuple[str, ...]
    """The newest first; while it is young the one before it as well."""

    frozen: Frozen
    created_at: datetime
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Deliveries to one target that are to become one message, the oldest first."""

    target: Target
    delivery_ids: Sequence[str]
    incident_ids: Sequence[str | None]
    messages: Sequence[Message]

    @property
    def message_id(self) -> str:
        """The id of the message that they become."""
        return self.delivery_ids[0]

    @property
    def about_incidents(self) -> Sequence[str]:
        """The deliveries that are about an incident."""
        pairs = zip(self.delivery_ids, self.incident_ids, strict=True)
        return [delivery_id for delivery_id, incident_id in pairs if incident_id]

    @property
    def incident_id(self) -> str | None:
        """The incident that it is about, when it is about one."""
        return None if self.delivery_ids[1:] else self.incident_ids[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A message that this process alone may send now, until the lease on its target ends."""

    lease_token: str
    target: Target
    message_id: str
    incident_id: str | None
    attempts: int
    frozen: Frozen
    created_at: datetime

    @property
    def lease(self) -> tuple[str, str]:
        """What no other claim shares, though the same message is claimed again."""
        return self.target.target_id, self.lease_token


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a claimed message, and what is to become of it."""

    claim: Claim
    outcome: Outcome
    fate: Fate
    elapsed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as it is listed."""

    position: int
    delivery_id: str
    location_id: str
    incident_id: str | None
    event_id: str | None
    channel: str
    sent_to: str
    occasion: Occasion
    subject: str
    status: DeliveryStatus
    suppressed_because: str
    attempts: int
    last_error: str
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    message_id: str = ""
    target_id: str = ""
    last_code: int | None = None
    held_until: datetime | None = None
    held_because: str = ""
    suppressed_by: str = ""

    def is_held(self, at: datetime) -> bool:
        """Says whether it waits for the end of a hold, and not for its target."""
        return self.held_until is not None and self.held_until > at


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries are asked for; what is empty means all."""

    incident_id: str = ""
    status: DeliveryStatus | None = None
    target_id: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Deliveries decided within a span of time, to one target or all."""

    begin: datetime
    end: datetime | None
    target_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayable:
    """What decides whether a delivery can be sent again."""

    status: DeliveryStatus
    lost: bool
    """Whether what it told, or whom, is known no more."""

    switched_off: bool

    def check(self, *, force: bool) -> bool:
        """Says whether it is sent again; False when it waits anyway. Refuses what cannot be."""
        if self.status is DeliveryStatus.PENDING:
            return False
        if self.lost:
            raise DeliveryNotSendable
        if self.status is DeliveryStatus.DELIVERED and not force:
            raise DeliveryDelivered
        if self.switched_off:
            raise TargetSwitchedOff
        return True


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A mail that was kept instead of sent."""

    message_id: str
    location_id: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    caught_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrialVerdict:
    """What became of a test alert at one target."""

    target_id: str
    channel: Channel
    sent_to: str
    delivered: bool
    detail: str
    elapsed_ms: int
