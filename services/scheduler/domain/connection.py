"""How a location is connected to HighLevel."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ConnectionKind(StrEnum):
    """What a connection proves with that it may read."""

    PRIVATE_TOKEN = "private_token"  # noqa: S105  a word, not a token
    OAUTH = "oauth"


class ConnectionStatus(StrEnum):
    """Whether HighLevel accepts the token."""

    CONNECTED = "connected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that the token may not read, and why."""

    resource: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """All of a connection that may be shown: everything but its tokens."""

    location_id: str
    kind: ConnectionKind
    status: ConnectionStatus
    status_since: datetime
    connected_at: datetime
    connected_by: str = ""
    error: str = ""
    last_read_at: datetime | None = None
    access_expires_at: datetime | None = None
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True, slots=True)
class GivenGrant:
    """The grant of a marketplace app, as somebody hands it over."""

    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that was made, and how many workflows its token sees; None when untried."""

    connection: Connection
    workflow_count: int | None
