"""The tokens that calls carry; none of them ever shows itself."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.scheduler.ghl.problems import ConnectionExpired, TokenMalformed

_PRINTABLE = re.compile(r"[!-~]{1,8192}")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a call proves with that it may read; without `expires_at` it lasts until refused."""

    value: str = field(repr=False)
    expires_at: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not _PRINTABLE.fullmatch(self.value):
            raise TokenMalformed


class TokenSource(Protocol):
    """Where the calls of one location get their token."""

    async def current(self) -> AccessToken:
        """Gives the token to call with."""

    async def after(self, refused: AccessToken, /) -> AccessToken:
        """Gives the token that follows a refused one; `ConnectionExpired` when none does."""


class PrivateToken:
    """A private integration token: made by hand in GoHighLevel, never refreshed."""

    def __init__(self, value: str) -> None:
        self._token = AccessToken(value)

    async def current(self) -> AccessToken:
        return self._token

    async def after(self, _refused: AccessToken, /) -> AccessToken:
        raise ConnectionExpired
