"""Where alerts go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from urllib.parse import urlsplit

from libs import problems
from services.notifier.domain.digest import Digest
from services.notifier.domain.event import Severity
from services.notifier.domain.message import Occasion
from services.notifier.domain.scope import Scope

SHOWN_END = 4
LONG_ENOUGH = 12
"""A rest of a URL shorter than this would be given away by its end."""

SWITCHED_OFF = "Switched off by hand"
UNSUBSCRIBED = "Unsubscribed by the link in a mail"
BY_PEOPLE = (SWITCHED_OFF, UNSUBSCRIBED)
"""What a person switched off, no success switches on again."""

MOST_TARGETS = 50
WORST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


class TargetNotFound(problems.NotFound):
    """The location has no such target."""

    reason = "TARGET_NOT_FOUND"


class TargetIsSetting(problems.WrongState):
    """Its address is alert_email or webhook_url; change or clear that in the alert settings."""

    reason = "TARGET_IS_SETTING"


class TooManyTargets(problems.WrongState):
    """A location has at most 50 targets; delete one first."""

    reason = "TOO_MANY_TARGETS"


class NoSecret(problems.WrongState):
    """Only webhooks are signed; give other targets a new address instead."""

    reason = "NO_SECRET"


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"
    DISCORD = "discord"
    SMS = "sms"


SECRET_BY_ITSELF = (Channel.SLACK, Channel.DISCORD)
"""Whoever knows the address can post there; it is kept sealed, and masked beside that."""


ADDRESSES: Mapping[Channel, str] = {Channel.EMAIL: "alert_email", Channel.WEBHOOK: "webhook_url"}
"""The values of the settings that are targets."""


class Origin(StrEnum):
    """What made a target."""

    SETTINGS = "settings"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a target has been."""

    failing_since: datetime | None = None
    """When the first failure after the last success was."""

    failures: int = 0
    """Failures since the last success."""

    last_error: str = ""
    last_delivered_at: datetime | None = None

    @property
    def proven(self) -> bool:
        """Whether it is known to work: it took what it was sent last."""
        return not self.failures and self.last_delivered_at is not None


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one location, and what it wants to hear."""

    target_id: str
    location_id: str
    channel: Channel
    address: str
    """Where to; of an address that is a secret by itself, its masked form."""

    sealed_secret: bytes | None = None
    """What signs webhooks, or what opens the way to the address."""

    sealed_old_secret: bytes | None = None
    old_secret_until: datetime | None = None
    """Until then an earlier secret signs as well."""

    origin: Origin = Origin.API
    workflow_id: str = ""
    """The workflow whose settings it is of; empty when it is of the location's, or of none."""

    name: str = ""
    floor: Severity = Severity.INFO
    """What is less severe is not sent here."""

    occasions: tuple[Occasion, ...] = ()
    """What is sent here; everything when there are none."""

    digest: Digest = Digest.OFF
    """How often it hears of what is not urgent."""

    fallback_target_id: str | None = None
    body_template: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    disabled_because: str = ""
    disabled_at: datetime | None = None
    verified_at: datetime | None = None
    created_at: datetime | None = None
    failed_over_count: int = 0
    """How many alerts a fallback was told since this target works no more."""

    sent_month: date | None = None
    sent_count: int = 0
    """How many SMS were sent in that month of UTC; it begins on the day."""

    health: Health = field(default_factory=Health)

    @property
    def is_setting(self) -> bool:
        """Whether its address is one of the settings."""
        return self.origin is Origin.SETTINGS

    @property
    def scope(self) -> Scope:
        return Scope(self.location_id, self.workflow_id)

    @property
    def disabled(self) -> bool:
        return bool(self.disabled_because)

    @property
    def disabled_by_people(self) -> bool:
        return self.disabled_because in BY_PEOPLE

    @property
    def masked(self) -> str:
        return masked(self.channel, self.address)

    @property
    def monthly_cap(self) -> int:
        """At most so many are sent in a month; 0 where there is no limit."""
        return int(self.options.get("monthly_cap", 0))

    def sent_in(self, now: datetime) -> int:
        """Gives how many SMS were sent in the month of a time."""
        return self.sent_count if self.sent_month == now.date().replace(day=1) else 0

    def admits(self, severity: Severity) -> bool:
        """Says whether something is severe enough to be sent here."""
        return WORST_FIRST.index(severity) <= WORST_FIRST.index(self.floor)

    def wants(self, occasion: Occasion) -> bool:
        """Says whether such messages are sent here.

        That something became more severe is for those who hear that it begins.
        """
        wanted = Occasion.OPENED if occasion is Occasion.RAISED else occasion
        return not self.occasions or wanted in self.occasions


def masked(channel: Channel, address: str) -> str:
    """Gives the address with its middle left out: enough to know it, not enough to use it."""
    if channel is Channel.EMAIL:
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}…@{domain}"
    if channel is Channel.SMS:
        return f"{address[:2]}…{address[-SHOWN_END:]}"
    if channel in SECRET_BY_ITSELF and "…" in address:
        return address  # nothing more of it is kept in the clear
    parts = urlsplit(address)
    rest = address.partition(parts.netloc)[2].lstrip("/")
    end = rest[-SHOWN_END:] if len(rest) >= LONG_ENOUGH else ""
    return f"{parts.scheme}://{parts.netloc}/{'…' if rest else ''}{end}"
