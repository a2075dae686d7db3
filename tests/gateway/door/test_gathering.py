"""Webhooks that arrive together leave together, and each gets its own answer."""

import asyncio

import pytest
from structlog.testing import capture_logs

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.support.waiting import eventually

DOOR = "/api/workflows/wf-1/executions"


@pytest.fixture
def post(http, ingest_key):
    async def post(run_id, path=DOOR):
        body = {"status": "failed", "runId": run_id}
        async with http.post(path, json=body, headers={"X-Api-Key": ingest_key}) as response:
            return response.status, await response.json()

    return post


def named_after_the_run(item):
    return pb.RecordResult(
        outcome=pb.RecordResult.OUTCOME_ACCEPTED, execution_id=f"of-{item.execution.run_id}"
    )


async def test_two_hundred_at_once_take_few_calls_and_each_gets_its_own_answer(post, ingestion):
    ingestion.answer = named_after_the_run

    answers = await asyncio.gather(*(post(f"run-{number}") for number in range(200)))

    expected = [
        (200, {"status": "accepted", "execution_id": f"of-run-{number}"}) for number in range(200)
    ]
    assert answers == expected
    assert len(ingestion.items) == 200
    assert len(ingestion.calls) < 50


async def test_a_lone_webhook_leaves_at_once_and_what_comes_meanwhile_leaves_together(
    post, ingestion
):
    ingestion.may_answer.clear()
    first = asyncio.create_task(post("1"))
    await eventually(lambda: len(ingestion.calls) == 1)
    second = asyncio.create_task(post("2"))
    await eventually(lambda: len(ingestion.calls) == 2)

    # Two calls are under way: these wait, and go together when one has come back.
    others = [asyncio.create_task(post(str(number))) for number in range(3, 8)]
    await post("a-404", path="/nowhere")  # by now the others have reached the door
    assert len(ingestion.calls) == 2
    ingestion.may_answer.set()

    answers = await asyncio.gather(first, second, *others)
    assert [status for status, _ in answers] == [200] * 7
    assert sum(len(call) for call in ingestion.calls) == 7
    assert len(ingestion.calls) < 7


async def test_a_neighbour_that_ingestion_cannot_stand_hurts_only_itself(post, ingestion):
    def refuse_poison(items):
        poisoned = any(each.execution.run_id == "poison" for each in items)
        return problems.InvalidRequest("I cannot read this call.") if poisoned else None

    ingestion.problem_of = refuse_poison
    runs = [f"run-{number}" for number in range(20)] + ["poison"]

    answers = dict(zip(runs, await asyncio.gather(*map(post, runs)), strict=True))

    status, poisoned = answers.pop("poison")
    assert (status, poisoned["status"]) == (202, "quarantined")
    assert {answer["status"] for _, answer in answers.values()} == {"accepted"}
    assert b"poison" in ingestion.unread[0].body


async def test_a_sender_that_hangs_up_takes_nothing_from_the_others(post, ingestion):
    ingestion.may_answer.clear()
    requests = [asyncio.create_task(post(str(number))) for number in range(5)]
    await eventually(lambda: ingestion.calls)

    requests[0].cancel()
    ingestion.may_answer.set()

    answers = await asyncio.gather(*requests[1:])
    assert [status for status, _ in answers] == [200] * 4


async def test_the_trace_of_a_webhook_goes_on_to_ingestion(http, ingest_key, ingestion):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"Authorization": f"Bearer {ingest_key}", "traceparent": trace}
    with capture_logs() as lines:
        async with http.post(
            "/api/workflows/wf/executions", json={"status": "failed"}, headers=headers
        ) as answer:
            assert answer.status == 200
    (recorded,) = [each for each in lines if each["event"] == "door.batch_recorded"]
    assert recorded["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
