"""Finding the program that runs, and speaking to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = aiohttp.ClientTimeout(total=120)
PAGE = "500"


class Trouble(Exception):
    """Something a person must know to go on."""


class Program:
    """The REST API of a program that runs, with its admin key."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def get(self, path: str, **params: str) -> Any:
        """Asks for something."""
        return await self._call("GET", path, params)

    async def post(self, path: str, body: Any = None, **params: str) -> Any:
        """Does something."""
        return await self._call("POST", path, params, body)

    async def put(self, path: str, body: Any, **params: str) -> Any:
        """Puts something in its place."""
        return await self._call("PUT", path, params, body)

    async def delete(self, path: str) -> Any:
        """Deletes something; gives None when it is not there."""
        return await self._call("DELETE", path, {}, absent=404)

    async def found(self, path: str, **params: str) -> Any:
        """Asks for something; gives None when it is not there."""
        return await self._call("GET", path, params, absent=404)

    async def items(self, path: str, **params: str) -> list[Any]:
        """Asks for a whole list, page by page."""
        items: list[Any] = []
        token: str | None = ""
        while token is not None:
            page = await self.get(path, **params, limit=PAGE, page_token=token)
            items += page["items"]
            token = page["next_page_token"]
        return items

    async def watch(self, path: str, **params: str) -> None:
        """Listens to a stream of events until it ends."""
        async with self._session.get(path, params=params) as response:
            if not response.ok:
                await _answer(response)
            async for _ in response.content:
                pass

    async def send_lines(self, path: str, lines: Iterable[Any], **params: str) -> Any:
        """Sends a file of JSON lines."""
        content = "".join(f"{json.dumps(each)}\n" for each in lines)
        headers = {"Content-Type": "application/x-ndjson"}
        async with self._session.post(
            path, data=content.encode(), params=params, headers=headers
        ) as response:
            return await _answer(response)

    async def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: Any = None,
        absent: int | None = None,
    ) -> Any:
        async with self._session.request(method, path, params=params, json=body) as response:
            return None if response.status == absent else await _answer(response)


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Program]:
    """Gives the program that keeps its things in a folder; raises `Trouble` when none runs."""
    url, key = await asyncio.to_thread(_way_in, data)
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(url, headers=headers, timeout=PATIENCE) as session:
        try:
            yield Program(session, url)
        except aiohttp.ClientConnectionError as error:
            raise Trouble(
                f"The program at {url} does not answer. Is `make run` still up?"
            ) from error


def _way_in(data: Path) -> tuple[str, str]:
    try:
        runtime = json.loads((data / "runtime.json").read_text())
        return runtime["http"], (data / "admin.key").read_text().strip()
    except FileNotFoundError as error:
        raise Trouble(
            f"Runwarden does not run here: there is no {error.filename}. "
            "Start it with `make run` and leave it running, then come back."
        ) from error


async def _answer(response: aiohttp.ClientResponse) -> Any:
    text = await response.text()
    if response.ok:
        return json.loads(text) if text else None
    try:
        told = json.loads(text)
        why = f"{told['reason']}: {told['detail']}"
    except (ValueError, KeyError):
        why = text[:300]
    raise Trouble(f"{response.method} {response.url.path} was answered {response.status}. {why}")
