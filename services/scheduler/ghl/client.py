"""Reads what GoHighLevel knows of a location."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Self

from libs.clock import Clock
from services.scheduler.ghl import lists
from services.scheduler.ghl.answers import problem_of, succeeded
from services.scheduler.ghl.budget import Budget, LoopTimer, Timer
from services.scheduler.ghl.line import Line
from services.scheduler.ghl.oauth import GrantKeeper, LocationTokens, OAuthApp, OAuthTokens
from services.scheduler.ghl.paging import LOCATION, ListOf, read_whole
from services.scheduler.ghl.problems import GhlAnswerUnreadable, GhlNotFound, NotPermitted
from services.scheduler.ghl.reading import Fields, decoded_fields, identifier, text, whole
from services.scheduler.ghl.refusals import Refusals
from services.scheduler.ghl.tokens import AccessToken, TokenSource
from services.scheduler.ghl.values import (
    ApiVersion,
    CustomField,
    CustomValue,
    Item,
    Listing,
    LocationProfile,
    PhoneNumber,
    Pipeline,
    Reference,
    Resource,
    Template,
    User,
    WorkflowDefinition,
    WorkflowMetadata,
)
from services.scheduler.ghl.wire import SECONDS, Call, Wire

_SEGMENT = re.compile(r"[A-Za-z0-9_-]{1,200}")


class ConnectedLocation:
    """One location as its token shows it.

    Each method raises `ConnectionExpired`, `NotPermitted`, `RateLimited`,
    `GhlUnavailable`, `GhlNotFound` or `GhlRefused`.
    """

    def __init__(
        self, location_id: str, tokens: TokenSource, line: Line, refusals: Refusals
    ) -> None:
        self._id = location_id
        self._tokens = tokens
        self._line = line
        self._refusals = refusals

    @property
    def calls(self) -> int:
        """How many calls were made so far, the repeated ones counted."""
        return self._line.calls

    async def workflows(
        self, version: ApiVersion = ApiVersion.CLASSIC
    ) -> Listing[WorkflowMetadata]:
        """Gives all workflows; both versions of the list say the same."""
        classic = version is ApiVersion.CLASSIC
        return await self._list(lists.WORKFLOWS if classic else lists.WORKFLOWS_V3)

    async def definition(self, workflow_id: str) -> WorkflowDefinition:
        """Gives the triggers and steps, where GoHighLevel has switched the workflow API on."""
        call = Call(f"/workflows/{_segment(workflow_id)}/definition", version=ApiVersion.V3)
        fields = await self._read(Resource.DEFINITIONS, call)
        return WorkflowDefinition(workflow_id, whole(fields, "version"), fields)

    async def profile(self) -> LocationProfile:
        """Gives the location itself."""
        call = Call(f"/locations/{_segment(self._id)}", version=ApiVersion.V3)
        fields = (await self._read(Resource.LOCATION, call)).get("location")
        if not isinstance(fields, dict) or identifier(fields) != self._id:
            raise GhlAnswerUnreadable("GoHighLevel answered without the location.")
        return LocationProfile(
            id=self._id,
            name=text(fields, "name"),
            company_id=identifier(fields, "companyId"),
            timezone=text(fields, "timezone"),
        )

    async def tags(self) -> Listing[Reference]:
        return await self._list(lists.TAGS)

    async def custom_fields(self) -> Listing[CustomField]:
        return await self._list(lists.CUSTOM_FIELDS)

    async def custom_values(self) -> Listing[CustomValue]:
        return await self._list(lists.CUSTOM_VALUES)

    async def templates(self) -> Listing[Template]:
        return await self._list(lists.TEMPLATES)

    async def users(self, company_id: str) -> Listing[User]:
        """Gives the users; GoHighLevel asks for the agency too, which `profile` knows."""
        return await self._list(lists.users_of(company_id))

    async def pipelines(self) -> Listing[Pipeline]:
        return await self._list(lists.PIPELINES)

    async def calendars(self) -> Listing[Reference]:
        return await self._list(lists.CALENDARS)

    async def forms(self) -> Listing[Reference]:
        return await self._list(lists.FORMS)

    async def phone_numbers(self) -> Listing[PhoneNumber]:
        return await self._list(lists.PHONE_NUMBERS)

    async def _list(self, list_of: ListOf[Item]) -> Listing[Item]:
        path = list_of.path.replace(LOCATION, _segment(self._id))

        async def page(query: dict[str, str]) -> Fields:
            call = Call(path, version=list_of.version, query=query)
            return await self._read(list_of.resource, call)

        return await read_whole(list_of, self._id, page)

    async def _read(self, resource: Resource, call: Call) -> Fields:
        self._refusals.check(self._id, resource)
        answer = await self._line.authorized(call, self._tokens)
        if succeeded(answer):
            return decoded_fields(answer.body)
        problem = problem_of(answer, resource)
        if isinstance(problem, NotPermitted):
            self._refusals.note(self._id, problem)
        raise problem


class GhlClient:
    """The way to GoHighLevel for one process: its budgets and what it was refused are shared."""

    def __init__(self, wire: Wire, clock: Clock, timer: Timer, jitter: Callable[[], float]) -> None:
        self._wire = wire
        self._clock = clock
        self._timer = timer
        self._jitter = jitter
        self._budget = Budget(timer)
        self._refusals = Refusals(clock)
        self._oauth: dict[str, OAuthTokens] = {}
        self._renewals: set[asyncio.Task[AccessToken]] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        base_url: str,
        clock: Clock,
        *,
        timer: Timer | None = None,
        jitter: Callable[[], float] = random.random,
        seconds: float = SECONDS,
    ) -> AsyncIterator[Self]:
        """Opens the way; each call may take so many seconds."""
        async with Wire.open(base_url, seconds=seconds) as wire:
            client = cls(wire, clock, timer or LoopTimer(), jitter)
            try:
                yield client
            finally:
                await client._finish_renewals(seconds)

    def location(self, location_id: str, tokens: TokenSource) -> ConnectedLocation:
        """Gives a location to read; its calls are counted from zero."""
        return ConnectedLocation(location_id, tokens, self._line(location_id), self._refusals)

    def oauth_tokens(self, location_id: str, app: OAuthApp, keeper: GrantKeeper) -> OAuthTokens:
        """Gives the tokens of a location that connected the app, the same ones for every scan."""
        if location_id not in self._oauth:
            self._oauth[location_id] = OAuthTokens(
                app,
                keeper,
                line=self._line(location_id),
                clock=self._clock,
                start=self._start,
            )
        return self._oauth[location_id]

    def location_tokens(
        self, company_id: str, location_id: str, agency: TokenSource
    ) -> LocationTokens:
        """Gives the tokens of a location whose agency is connected."""
        line = self._line(company_id)
        return LocationTokens(
            company_id, location_id, agency, line=line, clock=self._clock, start=self._start
        )

    def forget(self, location_id: str) -> None:
        """Forgets tokens and refusals of a location, because it was connected anew or no more."""
        self._oauth.pop(location_id, None)
        self._refusals.forget(location_id)

    def _line(self, account: str) -> Line:
        return Line(account, self._wire, self._budget, self._timer, self._jitter)

    def _start(self, renewal: Coroutine[None, None, AccessToken]) -> asyncio.Task[AccessToken]:
        task = asyncio.create_task(renewal)
        self._renewals.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[AccessToken]) -> None:
        self._renewals.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left who waits for it

    async def _finish_renewals(self, seconds: float) -> None:
        """Lets refresh tokens that were exchanged be stored before the connections close."""
        if not self._renewals:
            return
        _, late = await asyncio.wait(self._renewals, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _segment(given: str) -> str:
    """Gives an id that can stand in a path; no other can be GoHighLevel's."""
    if not _SEGMENT.fullmatch(given):
        raise GhlNotFound
    return given
