"""A gateway says that its door is open, as long as it is."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from structlog.testing import capture_logs

from gateway.wiring import running
from libs.problems import Unavailable
from tests.gateway.conftest import gateway_settings
from tests.gateway.fake_ingestion import fake_ingestion, well
from tests.support.waiting import eventually

OFTEN = timedelta(milliseconds=20)
POSTPONED = {("job.postponed", "warning")}


@pytest.fixture
async def own_ingestion():
    """An ingestion that hears of no other gateway."""
    async with fake_ingestion() as fake:
        yield fake


@pytest.fixture
def an_open_door(new_database, tmp_path, own_ingestion):
    @asynccontextmanager
    async def opened():
        there = {"ingestion_address": own_ingestion.address}
        settings = gateway_settings(new_database("gateway"), tmp_path, **there)
        async with running(settings, heartbeat=OFTEN) as url:
            headers = {"X-Api-Key": settings.admin_key_file.read_text().strip()}
            async with aiohttp.ClientSession(url, headers=headers) as http:
                yield http

    return opened


async def test_it_goes_on_after_errors(an_open_door, own_ingestion):
    async def away():
        raise Unavailable

    own_ingestion.on_heartbeat = away
    with capture_logs() as logs:
        async with an_open_door():
            await eventually(lambda: own_ingestion.heartbeats >= 3)
            own_ingestion.on_heartbeat = well
            heard = own_ingestion.heartbeats
            await eventually(lambda: own_ingestion.heartbeats >= heard + 3)
    assert {(each["event"], each["log_level"]) for each in logs if "job" in each} == POSTPONED


async def test_one_that_is_not_answered_holds_up_neither_the_door_nor_its_end(
    an_open_door, own_ingestion
):
    own_ingestion.on_heartbeat = asyncio.Event().wait
    async with asyncio.timeout(4), an_open_door() as http:
        await eventually(lambda: own_ingestion.heartbeats)
        door, place = "/api/workflows/wf/executions", {"location_id": "l"}
        async with http.post(door, params=place, json={"status": "success"}) as answer:
            assert (await answer.json())["status"] == "accepted"
    assert own_ingestion.heartbeats == 1
