"""The gateway's REST side on a loopback port, and a client that speaks to it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from gateway.access import Access, Scope
from gateway.batches import batching
from gateway.peers import SECONDS, connected, recording
from gateway.rest.app import create
from gateway.rest.backend import SIGN_OF_LIFE
from gateway.settings import GatewaySettings
from libs.clock import Clock, SystemClock
from libs.db.database import Database
from tests.gateway.rest.fakes import Street
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class Client:
    """Calls the gateway with a key, a cookie, or nothing."""

    def __init__(self, session: aiohttp.ClientSession, headers: Mapping[str, str]) -> None:
        self._session = session
        self._headers = headers

    def with_headers(self, **headers: str) -> "Client":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self._session, {**self._headers, **named})

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Sends a request; `body` goes as JSON, everything else is aiohttp's."""
        headers = {**self._headers, **options.pop("headers", {})}
        async with self._session.request(
            method, path, json=body, headers=headers, allow_redirects=False, **options
        ) as answer:
            text = await answer.text()
            return Answer(answer.status, answer.headers, text)

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: Any = None, **params: Any) -> Answer:
        return await self.call("POST", path, body, params=params)

    async def put(self, path: str, body: Any = None, **params: Any) -> Answer:
        return await self.call("PUT", path, body, params=params)

    async def delete(self, path: str, **params: Any) -> Answer:
        return await self.call("DELETE", path, params=params)


@dataclass(frozen=True)
class Gateway:
    """A gateway that serves."""

    access: Access
    url: str
    session: aiohttp.ClientSession

    async def client(self, scope: Scope, location_id: str | None = None) -> Client:
        """Gives a client with a new key."""
        secret, _ = await self.access.create_key(name="test", scope=scope, location_id=location_id)
        return self.client_with(secret)

    def client_with(self, secret: str) -> Client:
        return Client(self.session, {"Authorization": f"Bearer {secret}"})

    @property
    def stranger(self) -> Client:
        return Client(self.session, {})


class _Server(uvicorn.Server):
    def capture_signals(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()  # they are the test runner's


@asynccontextmanager
async def served(
    street: Street,
    database_url: str,
    *,
    clock: Clock | None = None,
    seconds: float = SECONDS,
    sign_of_life: float = SIGN_OF_LIFE,
) -> AsyncIterator[Gateway]:
    """Serves the app of a gateway that talks to the street."""
    settings = GatewaySettings(
        database_url=database_url,
        admin_key_file=Path("somewhere/admin.key"),
        **{f"{name}_address": address for name, address in street.addresses.items()},
    )
    clock = clock or SystemClock()
    async with (
        Database.open(database_url, name="gateway-test") as database,
        connected(settings) as services,
        batching(recording(services), largest_backlog=1000) as batches,
    ):
        access = Access(database, clock)
        app = create(
            services,
            access,
            settings,
            clock,
            batches,
            seconds=seconds,
            sign_of_life=sign_of_life,
        )
        async with (
            _listening(app) as url,
            aiohttp.ClientSession(url, cookie_jar=aiohttp.DummyCookieJar()) as session,
        ):
            yield Gateway(access, url, session)


@asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started or serving.done())
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
