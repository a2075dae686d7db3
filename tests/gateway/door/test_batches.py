"""Batches: how large one gets, what a failure does, how they end."""

import asyncio

import pytest

from gateway.batches import BacklogFull, Batches, ResultsWrong, Stopping, batching
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import OutOfTime, Unavailable

ACCEPTED = pb.RecordResult.OUTCOME_ACCEPTED


class Recorder:
    """A record call that keeps what it was given and answers when it may."""

    def __init__(self):
        self.calls = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.fails_with = None

    async def __call__(self, items):
        self.calls.append([item.execution.run_id for item in items])
        await self.may_answer.wait()
        if self.fails_with is not None:
            raise self.fails_with
        return [
            pb.RecordResult(outcome=ACCEPTED, execution_id=item.execution.run_id) for item in items
        ]


def item(run_id, message=""):
    return pb.RecordItem(execution=pb.Execution(run_id=run_id, error_message=message))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
async def batches(recorder):
    async with batching(recorder, largest_backlog=2_000) as batches:
        yield batches


async def turn():
    """Lets everything run that is ready to."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_items_of_one_request_leave_in_one_call(batches, recorder):
    results = await batches.record([item(str(number)) for number in range(3)])

    assert [each.execution_id for each in results] == ["0", "1", "2"]
    assert recorder.calls == [["0", "1", "2"]]


async def test_a_batch_holds_500_items(batches, recorder):
    await batches.record([item(str(number)) for number in range(1_100)])

    assert [len(call) for call in recorder.calls] == [500, 500, 100]


async def test_a_batch_holds_a_mebibyte_and_one_item_of_any_size(batches, recorder):
    large, huge = "x" * 400_000, "x" * 1_500_000

    await batches.record([item("1", large), item("2", large), item("3", large), item("4", huge)])

    assert recorder.calls == [["1", "2"], ["3"], ["4"]]


async def test_at_most_two_calls_are_under_way(batches, recorder):
    recorder.may_answer.clear()
    waiting = [asyncio.create_task(batches.record([item("x")])) for _ in range(3)]
    await turn()
    more = [asyncio.create_task(batches.record([item("y")])) for _ in range(2)]
    await turn()
    later = asyncio.create_task(batches.record([item("z")]))
    await turn()
    assert recorder.calls == [["x"] * 3, ["y"] * 2]

    recorder.may_answer.set()
    await asyncio.gather(*waiting, *more, later)

    assert recorder.calls[2:] == [["z"]]


@pytest.mark.parametrize(
    ("items", "calls"), [(47, [47]), (48, [24, 24]), (65, [33, 32]), (1_300, [500, 500, 300])]
)
async def test_what_is_enough_for_two_calls_leaves_as_two(batches, recorder, items, calls):
    await batches.record([item(str(number)) for number in range(items)])

    assert [len(call) for call in recorder.calls] == calls


async def test_beside_a_call_with_many_items_a_few_wait_and_many_leave(batches, recorder):
    recorder.may_answer.clear()
    requests = [asyncio.create_task(batches.record([item(str(n)) for n in range(40)]))]
    await turn()
    requests += [asyncio.create_task(batches.record([item("x")])) for _ in range(23)]
    await turn()
    assert [len(call) for call in recorder.calls] == [40]

    requests.append(asyncio.create_task(batches.record([item("y")])))
    await turn()
    assert [len(call) for call in recorder.calls] == [40, 24]

    recorder.may_answer.set()
    await asyncio.gather(*requests)


async def test_above_the_backlog_nothing_is_taken(recorder):
    batches = Batches(recorder, largest_backlog=2)
    recorder.may_answer.clear()
    waiting = asyncio.create_task(batches.record([item("1"), item("2")]))
    await turn()

    with pytest.raises(BacklogFull) as refused:
        await batches.record([item("3")])
    recorder.may_answer.set()

    assert refused.value.retry_after
    assert len(await waiting) == 2
    assert len(await batches.record([item("4"), item("5")])) == 2


@pytest.mark.parametrize("problem", [Unavailable(), OutOfTime()], ids=lambda each: each.reason)
async def test_when_ingestion_is_away_those_who_wait_are_told_at_once(batches, recorder, problem):
    recorder.may_answer.clear()
    recorder.fails_with = problem
    requests = []
    for run_id in ("1", "2", "3"):
        requests.append(asyncio.create_task(batches.record([item(run_id)])))
        await turn()

    recorder.may_answer.set()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)

    assert outcomes == [problem] * 3
    assert recorder.calls == [["1"], ["2"]]


async def test_a_bug_in_recording_blames_only_its_item(recorder):
    async def crash_on_poison(items):
        if any(each.execution.run_id == "poison" for each in items):
            raise ZeroDivisionError
        return await recorder(items)

    items = [item("1"), item("2"), item("poison"), item("3")]
    async with batching(crash_on_poison, largest_backlog=10) as batches:
        outcomes = await batches.record_each(items)

    assert [isinstance(each, problems.Broken) for each in outcomes] == [False, False, True, False]
    assert sorted(run_id for call in recorder.calls for run_id in call) == ["1", "2", "3"]


async def test_an_answer_that_says_nothing_of_some_items_is_no_answer():
    async def forgets_one(items):
        return [pb.RecordResult(outcome=ACCEPTED)] * (len(items) - 1)

    async with batching(forgets_one, largest_backlog=10) as batches:
        with pytest.raises(ResultsWrong):
            await batches.record([item("1"), item("2")])


async def test_a_waiter_that_leaves_hurts_nobody(batches, recorder):
    recorder.may_answer.clear()
    leaves = asyncio.create_task(batches.record([item("1")]))
    stays = asyncio.create_task(batches.record([item("2")]))
    await turn()

    leaves.cancel()
    recorder.may_answer.set()

    assert [each.execution_id for each in await stays] == ["2"]
    assert recorder.calls == [["1", "2"]]


async def test_at_the_end_whoever_waits_is_told_to_send_again(recorder):
    recorder.may_answer.clear()
    async with batching(recorder, largest_backlog=10) as batches:
        requests = []
        for run_id in ("1", "2", "3"):
            requests.append(asyncio.create_task(batches.record([item(run_id)])))
            await turn()

    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(each) for each in outcomes] == [Stopping] * 3
    with pytest.raises(Stopping):
        await batches.record([item("4")])
