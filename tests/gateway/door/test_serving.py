"""The HTTP server around the door: slow senders, bugs, stopping, ports that are taken."""

import asyncio
import json
import socket
import time
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest
from structlog.testing import capture_logs

from gateway.access import Access, Scope
from gateway.access.keys import new_secret
from gateway.batches import batching
from gateway.door import Door
from gateway.intake import Intake
from gateway.peers import connected, recording
from gateway.serving import CannotListen, ServerStopped, serving
from gateway.wiring import running
from libs.clock import SystemClock
from libs.db.database import Database
from tests.gateway.conftest import NOBODY, gateway_settings
from tests.support.waiting import eventually

DOOR = "/api/workflows/wf-1/executions"
FAILED = {"status": "failed", "errorMessage": "a secret of a contact"}


async def nothing_behind(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def door_with(access, intake, **more):
    door = Door(access, intake, nothing_behind, **more)
    async with (
        serving(door, "127.0.0.1", 0, at_once=door.at_once) as url,
        aiohttp.ClientSession(url) as client,
    ):
        yield client


class CrashingIntake:
    async def take(self, readings, caller, asked, *, quarantine_as):
        raise ZeroDivisionError(readings[0].body())


async def test_a_body_that_does_not_come_is_given_up(access, ingest_key):
    async with door_with(access, CrashingIntake(), body_seconds=0.1) as client:
        address = urlsplit(str(client._base_url))
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"POST {DOOR} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {ingest_key}\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())

        answer = await reader.read()  # to the end: the door hangs up as well
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["reason"] == "BODY_TOO_SLOW"


async def test_a_bug_of_ours_lets_the_sender_come_again_and_tells_nothing(access, ingest_key):
    with capture_logs() as logs:
        async with (
            door_with(access, CrashingIntake()) as client,
            client.post(DOOR, json=FAILED, headers={"X-Api-Key": ingest_key}) as response,
        ):
            answer = await response.json()

    assert (response.status, answer["reason"]) == (429, "INTERNAL")
    assert int(response.headers["Retry-After"]) >= 1
    crash = next(each for each in logs if each["event"] == "door.crashed")
    assert crash["request_id"] == answer["request_id"]
    assert "a contact" not in str(logs)
    assert ingest_key not in str(logs)


async def test_with_no_ingestion_there_the_sender_is_told_to_come_again(
    access, ingest_key, tmp_path
):
    settings = gateway_settings("unused", tmp_path, ingestion_address=NOBODY)
    async with (
        connected(settings) as services,
        batching(recording(services, seconds=0.1), largest_backlog=10) as batches,
        door_with(access, Intake(access, batches)) as client,
        client.post(DOOR, json=FAILED, headers={"X-Api-Key": ingest_key}) as response,
    ):
        answer = await response.json()

    assert (response.status, answer["reason"]) == (429, "NOT_RECORDED")
    assert int(response.headers["Retry-After"]) >= 1


async def test_with_no_database_there_the_sender_is_told_to_come_again():
    async with Database.open(f"postgresql://{NOBODY}/gateway", name="tests") as database:
        access = Access(database, SystemClock())
        key = {"X-Api-Key": new_secret(Scope.INGEST)}
        async with (
            door_with(access, CrashingIntake()) as client,
            client.post(DOOR, json=FAILED, headers=key) as response,
        ):
            answer = await response.json()

    assert (response.status, answer["reason"]) == (429, "DATABASE_UNAVAILABLE")


@pytest.mark.parametrize("known", [False, True], ids=["by ASGI", "beside it"])
async def test_a_webhook_under_way_is_answered_before_the_gateway_stops(
    known, gateway, ingestion, ingest_key, tmp_path
):
    url = gateway.settings.database_url.get_secret_value()
    settings = gateway_settings(url, tmp_path, ingestion_address=ingestion.address)
    ingestion.may_answer.clear()
    key = {"X-Api-Key": ingest_key}
    stop = asyncio.Event()
    urls = asyncio.Queue()

    async def program():
        async with running(settings) as address:
            urls.put_nowait(address)
            await stop.wait()

    task = asyncio.create_task(program())
    async with aiohttp.ClientSession(await urls.get()) as client:
        if known:
            ingestion.may_answer.set()
            await client.post(DOOR, json=FAILED, headers=key)
            ingestion.may_answer.clear()
            ingestion.calls.clear()
        request = asyncio.create_task(client.post(DOOR, json=FAILED, headers=key))
        await eventually(lambda: ingestion.calls)
        stop.set()
        await asyncio.sleep(0)
        ingestion.may_answer.set()
        response = await request

        assert response.status == 200
    await task


async def test_a_taken_port_is_named_with_the_setting_that_changes_it():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(CannotListen, match=f"127.0.0.1:{port}.*GATEWAY_PORT"):
            async with serving(nothing_behind, "127.0.0.1", port):
                pass


async def test_an_answer_is_not_held_back_by_the_network():
    async with serving(nothing_behind, "127.0.0.1", 0) as url, aiohttp.ClientSession(url) as client:
        took = []
        for _ in range(20):
            started = time.perf_counter()
            async with client.get("/"):
                took.append(time.perf_counter() - started)

    # With Nagle's algorithm on, every answer of a kept connection takes 40 ms.
    assert min(took) < 0.03


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
async def test_an_address_that_is_not_ours_is_named_with_its_setting(host):
    with pytest.raises(CannotListen, match=f"{host}.*GATEWAY_HOST"):
        async with serving(nothing_behind, host, 0):
            pass


async def test_all_addresses_are_shown_as_one_that_can_be_opened():
    async with serving(nothing_behind, "0.0.0.0", 0) as url, aiohttp.ClientSession(url) as client:
        assert url.startswith("http://127.0.0.1:")
        async with client.get("/") as response:
            assert response.status == 404
            assert "Server" not in response.headers


async def test_a_server_that_dies_ends_the_program():
    others = asyncio.all_tasks()

    async def program():
        async with serving(nothing_behind, "127.0.0.1", 0):
            (server,) = [
                each
                for each in asyncio.all_tasks() - others
                if each.get_coro().__qualname__ == "Server.serve"
            ]
            server.cancel()
            await asyncio.Event().wait()

    with pytest.raises(ServerStopped):
        await asyncio.create_task(program())
