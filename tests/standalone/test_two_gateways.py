"""The live tail behind a load balancer: which of several gateways somebody reaches is all one."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import pytest

from gateway.settings import GatewaySettings
from gateway.wiring import running as gateway_running
from services.ingestion.settings import IngestionSettings
from services.ingestion.wiring import running as ingestion_running
from tests.support.waiting import eventually

NOBODY = "127.0.0.1:1"
PLACE = {"location_id": "l"}


@dataclass
class Seen:
    """What a client of the live stream has got."""

    runs: list[str] = field(default_factory=list)
    last_event_id: str = ""

    async def read(self, answer: aiohttp.ClientResponse) -> None:
        event_id = ""
        async for line in answer.content:
            name, _, said = line.decode().strip().partition(": ")
            if name == "id":
                event_id = said
            elif name == "data":
                self.runs.append(json.loads(said)["id"])
                self.last_event_id = event_id


@pytest.fixture
async def gateways(new_database, tmp_path):
    """Two gateways of one installation, each in front of an ingestion of its own; gives clients."""
    urls = {name: new_database(name) for name in ("ingestion", "gateway")}
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            ingestion = await stack.enter_async_context(
                ingestion_running(
                    IngestionSettings(
                        port=0,
                        database_url=urls["ingestion"],
                        notifier_address=NOBODY,
                        encryption_keys=["a key of the test"],
                    )
                )
            )
            url = await stack.enter_async_context(
                gateway_running(
                    GatewaySettings(
                        port=0,
                        database_url=urls["gateway"],
                        admin_key_file=tmp_path / "admin.key",
                        ingestion_address=ingestion,
                        scheduler_address=NOBODY,
                        notifier_address=NOBODY,
                    )
                )
            )
            key = (tmp_path / "admin.key").read_text().strip()
            client = aiohttp.ClientSession(url, headers={"X-Api-Key": key}, raise_for_status=True)
            clients.append(await stack.enter_async_context(client))
        yield clients


@asynccontextmanager
async def watching(client, last_event_id=""):
    """Watches at a gateway; begun anew it has seen a run when the block begins."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with client.get("/api/events/stream", params=PLACE, headers=headers) as answer:
        seen = Seen()
        reading = asyncio.create_task(seen.read(answer))
        try:
            if not last_event_id:
                await eventually(lambda: _told_of_one(client, seen), every=0.1)
            yield seen
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading


async def _told_of_one(client, seen):
    await recorded(client)
    return seen.runs


async def recorded(client) -> str:
    """Sends a webhook to a gateway; gives the id of its run."""
    path = "/api/workflows/wf/executions"
    async with client.post(path, params=PLACE, json={"status": "success"}) as answer:
        return (await answer.json())["execution_id"]


async def test_clients_of_two_gateways_see_the_same_and_may_go_on_at_the_other(gateways):
    one, other = gateways
    async with watching(one) as here, watching(other) as there:
        sent = [await recorded(each) for each in (one, other) * 3]
        await eventually(lambda: set(sent) <= set(here.runs))
        await eventually(lambda: set(sent) <= set(there.runs))
        assert [run for run in here.runs if run in sent] == sent
        assert [run for run in there.runs if run in sent] == sent

    missed = [await recorded(each) for each in (one, other) * 2]
    async with watching(other, here.last_event_id) as moved:
        await eventually(lambda: set(missed) <= set(moved.runs))
        later = [await recorded(each) for each in (one, other)]
        await eventually(lambda: set(later) <= set(moved.runs))
    assert [run for run in moved.runs if run in missed + later] == missed + later
