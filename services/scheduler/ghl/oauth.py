"""Tokens that end: renewed one at a time, and kept before they are used."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from libs.clock import Clock
from services.scheduler.ghl.answers import (
    BAD_REQUEST,
    UNAUTHORIZED,
    complaint_in,
    problem_of,
    succeeded,
)
from services.scheduler.ghl.line import Line
from services.scheduler.ghl.problems import (
    ConnectionExpired,
    GhlAnswerUnreadable,
    LocationInactive,
    OAuthAppRefused,
    TokenMalformed,
)
from services.scheduler.ghl.reading import Fields, decoded_fields, whole
from services.scheduler.ghl.tokens import AccessToken, TokenSource
from services.scheduler.ghl.values import ApiVersion, Resource
from services.scheduler.ghl.wire import Answer, Call

MARGIN = timedelta(minutes=1)
"""A token that ends within it is renewed before it is refused."""

_GRANT_USED_UP = re.compile(r"invalid.grant|refresh.?token is invalid")

Renewing = asyncio.Task[AccessToken]
Start = Callable[[Coroutine[None, None, AccessToken]], Renewing]


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """The marketplace app that locations were connected with."""

    client_id: str
    client_secret: str = field(repr=False)
    user_type: str = "Location"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a location granted the app; its refresh token works once."""

    access: AccessToken
    refresh_token: str = field(repr=False)


class HeldGrant(Protocol):
    """The grant of a location, for the only one who may renew it now."""

    @property
    def grant(self) -> Grant:
        """The grant as it is stored now."""

    async def replace(self, grant: Grant) -> None:
        """Stores the next grant; leaving the block makes it last."""


class GrantKeeper(Protocol):
    """Keeps the grant of one location."""

    async def read(self) -> Grant:
        """Gives the grant as it is stored now."""

    def held(self) -> AbstractAsyncContextManager[HeldGrant]:
        """Lets one renewer at a time in, of all processes.

        The old grant is forgotten in the transaction that stores the new one.
        """


class RenewedTokens(ABC):
    """A token source that renews for whoever asks first, and lets the others wait for it.

    The renewal is a task of its own: a caller that is cancelled must not lose
    the refresh token that GoHighLevel has just exchanged.
    """

    def __init__(self, clock: Clock, start: Start) -> None:
        self._clock = clock
        self._start = start
        self._known: AccessToken | None = None
        self._renewing: Renewing | None = None

    async def current(self) -> AccessToken:
        """Gives the token to call with, renewed when it is about to end."""
        if self._known is None:
            self._known = await self._stored()
        if self._known is None or self._ends(self._known):
            return await self.after(self._known)
        return self._known

    async def after(self, refused: AccessToken | None, /) -> AccessToken:
        """Gives the token that follows a refused one."""
        if self._known is not None and self._known != refused:
            return self._known
        if self._renewing is None or self._renewing.done():
            self._renewing = self._start(self._renew_from(refused))
        return await asyncio.shield(self._renewing)

    async def _renew_from(self, refused: AccessToken | None) -> AccessToken:
        self._known = await self._renewed(refused)
        return self._known

    def _ends(self, token: AccessToken) -> bool:
        return token.expires_at is not None and token.expires_at <= self._clock.now() + MARGIN

    @abstractmethod
    async def _stored(self) -> AccessToken | None:
        """Gives a token from before."""

    @abstractmethod
    async def _renewed(self, refused: AccessToken | None, /) -> AccessToken:
        """Gives a new token."""


class OAuthTokens(RenewedTokens):
    """The tokens of a location that connected the app."""

    def __init__(
        self, app: OAuthApp, keeper: GrantKeeper, *, line: Line, clock: Clock, start: Start
    ) -> None:
        super().__init__(clock, start)
        self._app = app
        self._keeper = keeper
        self._line = line
        self._unkept: dict[str, Grant] = {}

    async def _stored(self) -> AccessToken | None:
        return (await self._keeper.read()).access

    async def _renewed(self, refused: AccessToken | None, /) -> AccessToken:
        async with self._keeper.held() as held:
            stored = held.grant
            if stored.access != refused and not self._ends(stored.access):
                return stored.access  # another process was faster
            # A refresh token works once: what came of it and could not be kept
            # the last time is the only way on.
            used = stored.refresh_token
            self._unkept = {used: self._unkept.get(used) or await self._refreshed(stored)}
            await held.replace(self._unkept[used])
        return self._unkept.pop(used).access

    async def _refreshed(self, grant: Grant) -> Grant:
        form = {
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret,
            "grant_type": "refresh_token",
            "refresh_token": grant.refresh_token,
            "user_type": self._app.user_type,
        }
        answer = await self._line.answer(Call("/oauth/token", form=form))
        if not succeeded(answer):
            raise _refusal_of(answer)
        fields = decoded_fields(answer.body)
        access = _access_token(fields, self._clock.now())
        return Grant(
            access, _secret(fields, "refresh_token", "refreshToken") or grant.refresh_token
        )


class LocationTokens(RenewedTokens):
    """The tokens of a location, made from its agency's."""

    def __init__(
        self,
        company_id: str,
        location_id: str,
        agency: TokenSource,
        *,
        line: Line,
        clock: Clock,
        start: Start,
    ) -> None:
        super().__init__(clock, start)
        self._form = {"companyId": company_id, "locationId": location_id}
        self._agency = agency
        self._line = line

    async def _stored(self) -> AccessToken | None:
        return None

    async def _renewed(self, _refused: AccessToken | None, /) -> AccessToken:
        call = Call("/oauth/locationToken", version=ApiVersion.CLASSIC, form=self._form)
        answer = await self._line.authorized(call, self._agency)
        if not succeeded(answer):
            raise problem_of(answer, Resource.LOCATION_TOKEN)
        return _access_token(decoded_fields(answer.body), self._clock.now())


def _refusal_of(answer: Answer) -> Exception:
    said = complaint_in(answer).said.lower()
    if answer.status == UNAUTHORIZED and "client" in said:
        return OAuthAppRefused()
    if answer.status == BAD_REQUEST and "not active" in said:
        return LocationInactive()
    if answer.status == BAD_REQUEST and _GRANT_USED_UP.search(said):
        return ConnectionExpired()
    return problem_of(answer, Resource.LOCATION_TOKEN)


def _access_token(fields: Fields, now: datetime) -> AccessToken:
    lasts = whole(fields, "expires_in") or whole(fields, "expiresIn")
    try:
        return AccessToken(
            _secret(fields, "access_token", "accessToken"),
            now + timedelta(seconds=lasts) if lasts else None,
        )
    except TokenMalformed:
        raise GhlAnswerUnreadable("GoHighLevel answered without a token.") from None


def _secret(fields: Fields, *names: str) -> str:
    """Gives a text whole, which is the same in both versions under different names."""
    found = (fields.get(name) for name in names)
    return next((each for each in found if isinstance(each, str) and each), "")
