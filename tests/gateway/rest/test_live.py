"""The live stream over HTTP."""

import asyncio
import json

import pytest

from gateway.access import Scope
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest, TooMany
from tests.gateway.rest.serving import served
from tests.gateway.rest.well import EXECUTION
from tests.support.waiting import eventually

PATH = "/api/events/stream"


class CursorMalformed(InvalidRequest):
    """No cursor."""

    reason = "CURSOR_MALFORMED"


class WatcherTooSlow(TooMany):
    """Too slow."""

    reason = "WATCHER_TOO_SLOW"


@pytest.fixture
def arriving(street):
    """Scripts what arrives; returns the ingestion that is asked."""

    def arrive(*executions, then=None):
        async def stream(_):
            return sent()

        async def sent():
            for number, each in enumerate(executions, 1):
                yield pb.WatchExecutionsResponse(execution=each, cursor=str(number))
            if then is not None:
                await then

        street.ingestion.answers("WatchExecutions", stream)
        return street.ingestion

    return arrive


async def fails(problem):
    await asyncio.sleep(0.3)  # later than what is answered with a status
    raise problem


def events(text):
    return [each for each in text.split("\n\n") if each and not each.startswith(":")]


async def test_each_execution_is_an_event_with_an_id(arriving, client, location_id):
    ingestion = arriving(EXECUTION, EXECUTION)
    answer = await client.get(PATH, workflow_id="wf-1", status=["failed"])

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text.startswith(": open\nretry: 2000\n\n")
    first, second = events(answer.text)
    id_, event, data = first.splitlines()
    assert (id_, event) == ("id: 1", "event: execution")
    assert json.loads(data.removeprefix("data: "))["id"] == EXECUTION.execution_id
    assert second.startswith("id: 2\n")
    assert ingestion.last("WatchExecutions") == pb.WatchExecutionsRequest(
        location_id=location_id, workflow_id="wf-1", statuses=[pb.EXECUTION_STATUS_FAILED]
    )


async def test_it_goes_on_after_the_last_event(arriving, client):
    ingestion = arriving()
    await client.get(PATH, cursor="7")
    assert ingestion.last("WatchExecutions").cursor == "7"
    await client.with_headers(Last_Event_Id="8").get(PATH, cursor="7")
    assert ingestion.last("WatchExecutions").cursor == "8"


async def test_what_is_refused_at_once_is_the_answer(street, client):
    street.ingestion.answers("WatchExecutions", CursorMalformed())
    answer = await client.get(PATH, cursor="x")
    assert (answer.status, answer.body["reason"]) == (400, "CURSOR_MALFORMED")


async def test_what_ends_it_later_is_a_comment(arriving, client):
    arriving(EXECUTION, then=fails(WatcherTooSlow()))
    answer = await client.get(PATH)
    assert len(events(answer.text)) == 1
    assert answer.text.endswith(": WATCHER_TOO_SLOW\n\n")


async def test_a_silent_stream_shows_that_it_lives_and_ends_with_its_caller(
    session_street, new_database, arriving
):
    ended = asyncio.Event()

    async def until_the_caller_leaves():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    arriving(then=until_the_caller_leaves())
    async with served(session_street, new_database("gateway"), sign_of_life=0.05) as gateway:
        secret, _ = await gateway.access.create_key(name="x", scope=Scope.READ, location_id="l")
        headers = {"X-Api-Key": secret}
        async with gateway.session.get(PATH, headers=headers) as answer:
            text = b""
            while text.count(b": alive\n\n") < 2:
                text += await answer.content.readany()
            assert not ended.is_set()
        await eventually(ended.is_set)


async def test_a_key_that_only_brings_in_watches_nothing(gateway, arriving, location_id):
    ingestion = arriving()
    sender = await gateway.client(Scope.INGEST, location_id)
    assert (await sender.get(PATH)).status == 403
    assert not ingestion.asked
