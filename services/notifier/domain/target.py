"""Where alerts go."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

SHOWN_END = 4
LONG_ENOUGH = 12
"""A rest of a URL shorter than this would be given away by its end."""


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one location; a webhook's has a secret, sealed."""

    target_id: str
    location_id: str
    channel: Channel
    address: str
    sealed_secret: bytes | None = None
    disabled: bool = False

    @property
    def masked(self) -> str:
        return masked(self.channel, self.address)


def masked(channel: Channel, address: str) -> str:
    """Gives the address with its middle left out: enough to know it, not enough to use it."""
    if channel is Channel.EMAIL:
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}…@{domain}"
    parts = urlsplit(address)
    rest = address.partition(parts.netloc)[2].lstrip("/")
    end = rest[-SHOWN_END:] if len(rest) >= LONG_ENOUGH else ""
    return f"{parts.scheme}://{parts.netloc}/{'…' if rest else ''}{end}"
