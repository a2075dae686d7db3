"""A stand-in GoHighLevel on loopback; `python -m tests.support.ghl --port 0` runs it by itself."""

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDictProxy, MultiMapping

from tests.support.ghl_agency import demo_agency
from tests.support.ghl_endpoints import Handler, LocationEndpoints
from tests.support.ghl_errors import BAD_TOKEN, NO_VERSION, Refusal, rendered
from tests.support.ghl_oauth import OAuthEndpoints
from tests.support.ghl_state import TOKEN, StandInAgency
from tests.support.receivers import Answer


@dataclass(slots=True)
class Received:
    """One call as it arrived, and how it was answered; 0 when the connection was cut."""

    method: str
    path: str
    query: MultiMapping[str]
    headers: CIMultiDictProxy[str]
    at: float
    status: int = 0

    @property
    def version(self) -> str | None:
        return self.headers.get("Version")

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


@dataclass
class StandInGhl:
    """Answers as GoHighLevel does for the agency it is given, or as it is told."""

    agency: StandInAgency
    port: int = 0
    calls: list[Received] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    _planned: list[tuple[str, Answer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.oauth = OAuthEndpoints(self.agency)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer_next(self, *answers: Answer | int, path: str = "") -> None:
        """Plans the next answers to calls whose path has this in it; a number is a status."""
        made = [Answer(each) if isinstance(each, int) else each for each in answers]
        self._planned.extend((path, each) for each in made)

    def calls_of(self, path: str) -> list[Received]:
        """Gives the calls whose path has this in it."""
        return [each for each in self.calls if path in each.path]

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._received])
        LocationEndpoints(self.agency).add_to(application.router)
        self.oauth.add_to(application.router)
        return application

    @web.middleware
    async def _received(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        call = Received(
            request.method, request.path, request.query, request.headers, self.agency.now()
        )
        self.calls.append(call)
        if planned := self._planned_for(request.path):
            response = await _given(planned, request)
        else:
            response = await self._answered(request, call, handler)
        call.status = response.status
        return response

    async def _answered(
        self, request: web.Request, call: Received, handler: Handler
    ) -> web.StreamResponse:
        try:
            if request.path == "/oauth/token":
                return await handler(request)
            return await self._answered_bearer(request, call, handler)
        except Refusal as refusal:
            return rendered(refusal, self.agency, request)
        except web.HTTPNotFound:
            return rendered(Refusal(404, "Not Found"), self.agency, request)
        except Exception as failure:
            self.failures.append(failure)
            raise

    async def _answered_bearer(
        self, request: web.Request, call: Received, handler: Handler
    ) -> web.StreamResponse:
        if call.version is None:
            raise Refusal(401, NO_VERSION)
        token = self.agency.bearer(call.token)
        if token is None:
            raise Refusal(401, BAD_TOKEN)
        if self.agency.count(token.owner):
            request[TOKEN] = token
            try:
                response = await handler(request)
            except Refusal as refusal:
                response = rendered(refusal, self.agency, request)
        else:
            response = rendered(Refusal(429, "Too Many Requests"), self.agency, request)
        response.headers.update(self.agency.limit_headers(token.owner))
        return response

    def _planned_for(self, path: str) -> Answer | None:
        for place, (wanted, answer) in enumerate(self._planned):
            if wanted in path:
                del self._planned[place]
                return answer
        return None


@asynccontextmanager
async def stand_in_ghl(
    agency: StandInAgency | None = None, port: int = 0
) -> AsyncIterator[StandInGhl]:
    """Runs a stand-in on the loop of the test."""
    ghl = StandInGhl(agency or StandInAgency())
    runner = web.AppRunner(ghl.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ghl.port = runner.addresses[0][1]
        yield ghl
    finally:
        await runner.cleanup()


async def _given(answer: Answer, request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(answer.delay)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    if answer.hang_up:
        assert request.transport is not None
        request.transport.abort()
    try:
        await response.prepare(request)
        for piece in answer.body:
            await asyncio.sleep(answer.drip)
            await response.write(piece)
        await response.write_eof()
    except ConnectionResetError:
        pass  # the client has heard enough
    return response


async def _serve(port: int) -> None:
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    async with stand_in_ghl(demo_agency(), port) as ghl:
        sys.stdout.write(f"url {ghl.url}\n")
        for location in ghl.agency.locations.values():
            token = ghl.agency.private_token(location.id)
            sys.stdout.write(f"location {location.id} token {token} ({location.name})\n")
        sys.stdout.write(f"agency token {ghl.agency.agency_token()}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Runs a stand-in GoHighLevel on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes any free port")
    asyncio.run(_serve(parser.parse_args().port))
