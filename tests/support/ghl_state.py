"""What a stand-in GoHighLevel knows: an agency, its locations, and who may read what."""

import itertools
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

COMPANY_ID = "Agency0000000000001"
AGENCY_SCOPES = frozenset({"oauth.write", "oauth.readonly"})
LOCATION_SCOPES = frozenset(
    {
        "workflows.readonly",
        "locations.readonly",
        "locations/tags.readonly",
        "locations/customFields.readonly",
        "locations/customValues.readonly",
        "locations/templates.readonly",
        "users.readonly",
        "opportunities.readonly",
        "calendars.readonly",
        "forms.readonly",
        "phonenumbers.read",
    }
)
ONE_DAY = 86399


@dataclass
class StandInLocation:
    """A sub-account; `lists` holds its reference lists under the keys of the API."""

    id: str
    name: str = "Riverside Dental"
    timezone: str = "America/Chicago"
    workflow_api: bool = False
    workflows: list[dict] = field(default_factory=list)
    lists: dict[str, list[dict]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class StandInToken:
    """Who carries it, what for, and until when."""

    owner: str
    scopes: frozenset[str]
    expires_at: float | None = None


TOKEN = web.RequestKey("token", StandInToken)


@dataclass
class Limit:
    """How many calls one owner of a token has in any window."""

    calls: int = 100
    seconds: float = 10.0
    daily: int = 200_000


@dataclass
class StandInAgency:
    """The whole state; a test changes it while the server runs."""

    now: Callable[[], float] = time.monotonic
    locations: dict[str, StandInLocation] = field(default_factory=dict)
    tokens: dict[str, StandInToken] = field(default_factory=dict)
    refresh_tokens: dict[str, StandInToken] = field(default_factory=dict)
    limit: Limit = field(default_factory=Limit)
    client_id: str = "standin-client"
    client_secret: str = "standin-client-secret-0000000001"
    v3_error_shape: bool = False
    paused: set[str] = field(default_factory=set)
    _serial: itertools.count = field(default_factory=lambda: itertools.count(1))
    _windows: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _today: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add_location(self, location_id: str, **known) -> StandInLocation:
        self.locations[location_id] = StandInLocation(location_id, **known)
        return self.locations[location_id]

    def private_token(self, owner: str, scopes: Iterable[str] = LOCATION_SCOPES) -> str:
        """Makes a private integration token."""
        return self._issue(f"pit-{self._next():08d}-4000-8000-000000000000", owner, scopes)

    def agency_token(self, scopes: Iterable[str] = AGENCY_SCOPES) -> str:
        return self._issue(f"agency-access-token-{self._next():012d}", COMPANY_ID, scopes)

    def grant(
        self, owner: str, *, scopes: Iterable[str] = LOCATION_SCOPES, expires_in: float = ONE_DAY
    ) -> tuple[str, str]:
        """Makes an access token that ends and a refresh token that works once."""
        until = self.now() + expires_in
        access = self._issue(f"access-token-of-a-day-{self._next():012d}", owner, scopes, until)
        refresh = f"refresh-token-of-a-year-{self._next():012d}"
        self.refresh_tokens[refresh] = StandInToken(owner, frozenset(scopes))
        return access, refresh

    def expire(self, token: str) -> None:
        """Ends a token before its time."""
        self.tokens[token].expires_at = self.now()

    def bearer(self, token: str) -> StandInToken | None:
        """Gives what is behind a token that is good now."""
        known = self.tokens.get(token)
        if known is None or (known.expires_at is not None and known.expires_at <= self.now()):
            return None
        return known

    def count(self, owner: str) -> bool:
        """Counts a call; false when it is one too many, which is then not counted."""
        window, now = self._windows[owner], self.now()
        while window and window[0] <= now - self.limit.seconds:
            window.popleft()
        if len(window) >= self.limit.calls or self._today[owner] >= self.limit.daily:
            return False
        window.append(now)
        self._today[owner] += 1
        return True

    def limit_headers(self, owner: str) -> dict[str, str]:
        left_today = self.limit.daily - self._today[owner]
        return {
            "X-RateLimit-Limit-Daily": str(self.limit.daily),
            "X-RateLimit-Daily-Remaining": str(left_today),
            "X-RateLimit-Interval-Milliseconds": str(round(self.limit.seconds * 1000)),
            "X-RateLimit-Max": str(self.limit.calls),
            "X-RateLimit-Remaining": str(self.limit.calls - len(self._windows[owner])),
        }

    def _issue(self, value, owner, scopes, expires_at=None) -> str:
        self.tokens[value] = StandInToken(owner, frozenset(scopes), expires_at)
        return value

    def _next(self) -> int:
        return next(self._serial)
