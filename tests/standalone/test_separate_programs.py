"""The same services as programs of their own, as Compose runs them."""

from contextlib import AsyncExitStack

import aiohttp
import psycopg
import pytest

from libs.rpc.health import serves
from tests.support.programs import free_port, program
from tests.support.waiting import eventually

LOCATION = {"location_id": "loc-1"}


class Street:
    """The four programs, each startable by itself."""

    def __init__(self, database_urls, admin_key_file):
        self.ports = {name: free_port() for name in database_urls}
        self.admin_key_file = admin_key_file
        self._urls = database_urls

    def run(self, name):
        module = "gateway" if name == "gateway" else f"services.{name}"
        peers = {
            f"{name.upper()}_{peer.upper()}_ADDRESS": f"127.0.0.1:{port}"
            for peer, port in self.ports.items()
        }
        return program(
            module,
            **peers,
            **{f"{name.upper()}_PORT": self.ports[name]},
            **{f"{name.upper()}_DATABASE_URL": self._urls[name]},
            GATEWAY_ADMIN_KEY_FILE=str(self.admin_key_file),
            ENCRYPTION_KEYS="a key of the test",
            SERVICE_TOKEN="a token of the test",
        )

    async def serving(self, name):
        await eventually(lambda: serves(f"127.0.0.1:{self.ports[name]}"), within=30, every=0.1)

    def http(self):
        key = self.admin_key_file.read_text().strip()
        return aiohttp.ClientSession(
            f"http://127.0.0.1:{self.ports['gateway']}", headers={"Authorization": f"Bearer {key}"}
        )


async def answers(http, path, status):
    try:
        async with http.get(path) as answer:
            await answer.read()
            return answer.status == status
    except aiohttp.ClientConnectionError:
        return False


async def items_of(http, path):
    """Gives the items of a list that is about all locations."""
    async with http.get(path, params={"all_locations": "true"}) as answer:
        return (await answer.json())["items"]


@pytest.fixture
def street(database_urls, tmp_path):
    return Street(database_urls, tmp_path / "admin.key")


@pytest.fixture
def a_quarter_of_an_hour_away(database_urls):
    """Lets the door have been open 15 minutes ago."""
    with psycopg.connect(database_urls["ingestion"]) as connection:
        connection.execute("INSERT INTO door_heartbeats VALUES (1, now() - interval '15 minutes')")


@pytest.mark.usefixtures("a_quarter_of_an_hour_away")
async def test_alerts_wait_for_a_notifier_that_is_away(street):
    async with AsyncExitStack() as running:
        for name in ("ingestion", "scheduler", "gateway"):
            await running.enter_async_context(street.run(name))
        for name in ("ingestion", "scheduler"):
            await street.serving(name)
        await eventually(street.admin_key_file.exists, within=30)
        http = await running.enter_async_context(street.http())

        await eventually(lambda: answers(http, "/health", 200), within=30)
        for _ in range(3):
            door = "/api/workflows/wf-1/executions"
            async with http.post(door, params=LOCATION, json={"status": "failed"}) as answer:
                assert (await answer.json())["status"] == "accepted"
        assert await answers(http, "/health/ready", 503)

        await running.enter_async_context(street.run("notifier"))
        await street.serving("notifier")

        async def told():
            answer = await http.get("/api/incidents", params=LOCATION)
            items = (await answer.json()).get("items", [])
            return [each["failure_count"] for each in items]

        assert await eventually(told) == [3]
        assert await answers(http, "/health/ready", 200)

        gaps = await items_of(http, "/api/gaps")
        assert [each["seconds"] // 60 for each in gaps] == [15]
        (incident,) = await eventually(lambda: items_of(http, "/api/incidents"))
        assert incident["dedup_key"] == f"gap:{gaps[0]['gap_id']}"
