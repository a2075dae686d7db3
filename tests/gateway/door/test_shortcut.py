"""What comes as a whole is answered beside ASGI, and nobody can tell."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from gateway.batches import batching
from gateway.door import Door
from gateway.intake import Intake
from gateway.peers import connected, recording
from gateway.serving import serving
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.ids import new_id
from tests.gateway.conftest import gateway_settings
from tests.gateway.fake_ingestion import recorded
from tests.support.waiting import eventually

DOOR = "/api/workflows/wf-1/executions"
REFUSED = pb.RecordResult(
    outcome=pb.RecordResult.OUTCOME_REJECTED,
    reason="EXECUTED_AT_OUT_OF_RANGE",
    field="executed_at",
    message="Give the time the run ended.",
)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: dict

    @property
    def kept(self):
        """What must be the same, however the request came."""
        varying = {"date", "x-request-id", "content-length"}
        headers = {name: value for name, value in self.headers.items() if name not in varying}
        return self.status, headers, _without_ids(self.body)


def _without_ids(value):
    if isinstance(value, list):
        return [_without_ids(each) for each in value]
    if isinstance(value, dict):
        ids = {"execution_id", "quarantine_id", "request_id"}
        return {name: _without_ids(each) for name, each in value.items() if name not in ids}
    return value


class Line:
    """A connection to the door, byte by byte."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._begun = b""

    def send(self, data):
        self._writer.write(data)

    async def goes_on(self):
        """Says whether the door wants the body; otherwise its answer is on the way."""
        head = await self._reader.readuntil(b"\r\n")
        if head == b"HTTP/1.1 100 Continue\r\n":
            await self._reader.readexactly(2)
            return True
        self._begun = head
        return False

    async def answer(self):
        rest = await self._reader.readuntil(b"\r\n\r\n")
        head, self._begun = (self._begun + rest).decode().split("\r\n"), b""
        lines = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in lines}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split()[1]), headers, json.loads(body))

    async def ended(self):
        return await self._reader.read() == b""

    def close(self):
        self._writer.close()


@asynccontextmanager
async def line(url):
    place = urlsplit(str(url))
    opened = Line(*await asyncio.open_connection(place.hostname, place.port))
    try:
        yield opened
    finally:
        opened.close()


def request(key, body, *, path=DOOR, **headers):
    """Gives the head of a webhook and its body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(data)}"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode(), data


async def in_pieces(url, head, body):
    """Sends the body when it is asked for, so that only ASGI can answer."""
    async with line(url) as opened:
        opened.send(head.removesuffix(b"\r\n") + b"Expect: 100-continue\r\n\r\n")
        if await opened.goes_on():
            opened.send(body)
        return await opened.answer()


async def as_a_whole(url, head, body):
    async with line(url) as opened:
        opened.send(head + body)
        return await opened.answer()


@dataclass
class Opened:
    url: str
    asgi: list
    """The requests that the ASGI app was asked to answer."""


@pytest.fixture
async def door(access, ingestion, tmp_path):
    """A door that notes what goes the usual way."""
    asgi = []

    async def nothing_behind(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    settings = gateway_settings("unused", tmp_path, ingestion_address=ingestion.address)
    async with (
        connected(settings) as services,
        batching(recording(services), largest_backlog=4) as batches,
    ):
        behind = Door(access, Intake(access, batches), nothing_behind)

        async def noting(scope, receive, send):
            asgi.append(scope["path"])
            await behind(scope, receive, send)

        async with serving(noting, "127.0.0.1", 0, at_once=behind.at_once) as url:
            yield Opened(url, asgi)


@pytest.fixture
async def known(door, ingest_key):
    """A key that the door has in its memory."""
    await in_pieces(door.url, *request(ingest_key, {"status": "success"}))
    door.asgi.clear()
    return ingest_key


async def test_a_whole_webhook_of_a_known_key_needs_no_asgi(door, known, ingestion, location_id):
    answer = await as_a_whole(door.url, *request(known, {"status": "failed", "runId": "r-1"}))

    assert (answer.status, answer.body["status"]) == (200, "accepted")
    assert answer.body["execution_id"]
    assert {"date", "x-request-id", "content-type"} <= answer.headers.keys()
    assert door.asgi == []
    run = ingestion.executions[-1]
    assert (run.location_id, run.workflow_id, run.run_id) == (location_id, "wf-1", "r-1")


async def test_what_the_memory_does_not_hold_is_asked_for_the_usual_way(door, ingest_key):
    sent = request(ingest_key, {"status": "success"})

    answers = [await as_a_whole(door.url, *sent) for _ in range(2)]

    assert [each.status for each in answers] == [200, 200]
    assert door.asgi == [DOOR]  # the first time


DUPLICATE = pb.RecordResult(outcome=pb.RecordResult.OUTCOME_DUPLICATE, execution_id="first")
RUN = {"status": "success"}
STRICT = {"Prefer": "handling=strict"}


@pytest.mark.parametrize(
    ("body", "path", "headers"),
    [
        (RUN, DOOR, {}),
        (RUN, f"{DOOR}/", {"X_Request_Id": "mine"}),
        (RUN, "/api/workflows/w%20f/executions", {}),
        (RUN, "/api/workflows/%7B%7Bworkflow.id%7D%7D/executions", {}),
        (RUN, f"/api/workflows/{'x' * 65}/executions", {}),
        (RUN, "/api/workflows//executions", {}),
        (RUN, "/api/workflows/wf-1/elsewhere", {}),
        (RUN, f"{DOOR}?location_id=another", {}),
        (RUN, f"{DOOR}?location_id=", {}),
        (RUN, f"{DOOR}#location_id=another", {}),
        (RUN, DOOR, {"Idempotency_Key": "k"} | STRICT),
        (RUN, DOOR, {"X_Api_Key": "nothing"}),
        ({"status": "odd"}, DOOR, {}),
        ({"status": "odd"}, DOOR, STRICT),
        ({"status": "success", "location": {"id": "another"}}, DOOR, {}),
        ({"customData": {"status": "failed", "executionTimeMs": " 8e2 "}}, DOOR, {}),
        ({"status": "success", "errorMessage": "\x00\ud800{{x}}"}, DOOR, {}),
        ([{"status": "success"}, {"status": "failed"}], DOOR, {}),
        ([], DOOR, {}),
        (b"", DOOR, {}),
        (b"{", DOOR, {}),
        (b"[" * 5_000, DOOR, {}),
    ],
)
async def test_a_request_is_answered_the_same_whole_and_in_pieces(both_ways, body, path, headers):
    await both_ways(body, path, **headers)


@pytest.mark.parametrize("headers", [{}, STRICT])
@pytest.mark.parametrize("result", [DUPLICATE, REFUSED])
async def test_what_ingestion_says_is_told_the_same_whole_and_in_pieces(
    both_ways, ingestion, result, headers
):
    ingestion.answer = lambda item: result if item.HasField("execution") else recorded(item)
    await both_ways(RUN, DOOR, **headers)


@pytest.fixture
def both_ways(gateway, known_to_gateway, ingestion):
    """Compares what is answered and recorded."""

    async def compared(body, path, **headers):
        sent = request(known_to_gateway, body, path=path, **headers)
        pieces = await in_pieces(gateway.url, *sent)
        recorded = [item.SerializeToString() for item in ingestion.items]
        ingestion.calls.clear()
        whole = await as_a_whole(gateway.url, *sent)
        assert whole.kept == pieces.kept
        assert [item.SerializeToString() for item in ingestion.items] == recorded

    return compared


@pytest.fixture
async def known_to_gateway(gateway, ingest_key, ingestion):
    await in_pieces(gateway.url, *request(ingest_key, {"status": "success"}))
    ingestion.calls.clear()
    return ingest_key


async def test_ids_of_the_caller_go_on_to_ingestion(door, known, ingestion):
    await as_a_whole(door.url, *request(known, {"status": "success"}, X_Request_Id="of-the-caller"))

    assert ingestion.request_ids[-1] == "of-the-caller"
    assert door.asgi == []


@pytest.mark.parametrize(
    "problem", [problems.Unavailable(), problems.OutOfTime(), problems.Broken()]
)
async def test_what_was_not_recorded_is_to_be_sent_again(door, known, ingestion, problem):
    ingestion.problem_of = lambda _: problem

    answer = await as_a_whole(door.url, *request(known, {"status": "success"}))

    assert answer.status == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.body["request_id"] == answer.headers["x-request-id"]
    assert door.asgi == []


async def test_above_the_backlog_the_sender_is_told_at_once(door, known, ingestion):
    ingestion.may_answer.clear()
    sent = request(known, {"status": "success"})
    waiting = [asyncio.create_task(as_a_whole(door.url, *sent)) for _ in range(4)]
    await eventually(lambda: len(ingestion.items) >= 2)

    answer = await as_a_whole(door.url, *sent)

    assert (answer.status, answer.body["reason"]) == (429, "BACKLOG_FULL")
    ingestion.may_answer.set()
    assert [each.status for each in await asyncio.gather(*waiting)] == [200] * 4


async def test_requests_before_the_answer_to_the_last_are_answered_in_their_order(
    door, known, ingestion
):
    ingestion.answer = lambda item: pb.RecordResult(
        outcome=pb.RecordResult.OUTCOME_ACCEPTED, execution_id=item.execution.run_id
    )
    heads = [request(known, {"status": "success", "runId": f"r-{n}"}) for n in range(5)]
    async with line(door.url) as opened:
        opened.send(b"".join(head + body for head, body in heads))
        answers = [await opened.answer() for _ in heads]
        opened.send(b"".join(request(known, {"status": "success", "runId": "last"})))
        last = await opened.answer()

    assert [each.body["execution_id"] for each in answers] == [f"r-{n}" for n in range(5)]
    assert last.body["execution_id"] == "last"


@pytest.mark.parametrize("more", [{"Connection": "close"}, {"Expect": "100-continue"}])
async def test_what_is_out_of_the_ordinary_goes_the_usual_way(door, known, more):
    head, body = request(known, {"status": "success"}, **more)
    async with line(door.url) as opened:
        opened.send(head + body)
        if "Expect" in more:
            await opened.goes_on()
        answer = await opened.answer()

    assert answer.status == 200
    assert door.asgi == [DOOR]


async def test_a_connection_stays_for_the_next_request(door, known):
    async with line(door.url) as opened:
        for number in range(3):
            sent = request(known, {"status": "success", "runId": new_id()})
            opened.send(b"".join(sent))
            assert (await opened.answer()).status == 200, number
    assert door.asgi == []


async def test_an_idle_connection_is_closed(known, access, ingestion, tmp_path):
    settings = gateway_settings("unused", tmp_path, ingestion_address=ingestion.address)
    async with (
        connected(settings) as services,
        batching(recording(services), largest_backlog=4) as batches,
    ):
        behind = Door(access, Intake(access, batches), None)
        async with (
            serving(behind, "127.0.0.1", 0, at_once=behind.at_once, idle_seconds=0.2) as url,
            line(url) as opened,
        ):
            opened.send(b"".join(request(known, {"status": "success"})))
            assert (await opened.answer()).status == 200
            assert await opened.ended()


async def test_a_sender_that_leaves_costs_nobody_else_anything(door, known, ingestion):
    ingestion.may_answer.clear()
    async with line(door.url) as opened:
        opened.send(b"".join(request(known, {"status": "success", "runId": "left"})))
        await eventually(lambda: ingestion.items and ingestion.items[-1].execution.run_id == "left")
    ingestion.may_answer.set()

    answer = await as_a_whole(door.url, *request(known, {"status": "success"}))

    assert answer.status == 200


async def test_nonsense_after_a_head_is_refused(door, known):
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % DOOR.encode()
    async with line(door.url) as opened:
        opened.send(head + b"no length\r\n")
        assert (await opened._reader.read()).startswith(b"HTTP/1.1 400 ")
