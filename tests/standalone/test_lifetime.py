"""Starting, stopping and being killed, on the embedded PostgreSQL."""

import socket
import time
from asyncio.subprocess import PIPE

import pytest

from tests.support.programs import standalone, start
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)

DOOR = "/api/workflows/wf-1/executions"
LOCATION = {"location_id": "loc-1"}


async def accepted(http, count):
    for _ in range(count):
        async with http.post(DOOR, params=LOCATION, json={"status": "success"}) as response:
            assert (await response.json())["status"] == "accepted"


async def total(http):
    answer = await http.get("/api/workflows/wf-1/metrics", params=LOCATION)
    return (await answer.json())["total_executions"]


async def test_every_acknowledged_execution_outlives_a_kill_and_nothing_else_does(data):
    async with standalone(data) as program, program.http() as http:
        await accepted(http, 20)
        children = program.descendants()
        assert any("postgres" in each.name() for each in children)
        await program.kill()
        await eventually(lambda: not any(each.is_running() for each in children), within=5)

    async with standalone(data) as program, program.http() as http:
        assert await total(http) == 20


async def test_ctrl_c_leaves_nothing_running_and_only_secrets_of_their_owner(data):
    async with standalone(data) as program:
        assert program.key.startswith("rw_admin_")
        children = program.descendants()
        began = time.monotonic()
        assert await program.stop() == 0
        assert time.monotonic() - began < 10

    assert not any(each.is_running() for each in children)
    assert not (data / "runtime.json").exists()
    secrets = [data / "admin.key", data / "encryption.key", *data.rglob("*.password")]
    assert len(secrets) >= 6
    assert {oct(each.stat().st_mode & 0o777) for each in secrets} == {"0o600"}


async def test_a_taken_port_is_named_and_leaves_nothing_running(data):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        program = await start(data, stderr=PIPE, GATEWAY_PORT=port)
        _, complaint = await program.process.communicate()

    assert program.process.returncode == 1
    assert not list(data.rglob("postmaster.pid"))
    assert port in complaint.decode()
    assert "GATEWAY_PORT" in complaint.decode()
    assert "Traceback" not in complaint.decode()
