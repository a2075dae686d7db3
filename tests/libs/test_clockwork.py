import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from libs import problems
from libs.clockwork import clockwork
from libs.rpc import call
from tests.support.waiting import eventually

HOUR = timedelta(hours=1)


async def test_a_job_runs_at_once_and_then_every_so_often():
    runs = []

    async def job():
        runs.append(1)

    async with clockwork() as works:
        works.every(timedelta(milliseconds=20), job, name="job")
        await eventually(lambda: len(runs) >= 3)


async def test_a_wake_while_it_runs_makes_it_run_once_more_and_never_beside_itself():
    running, most, runs = 0, 0, 0
    gate = asyncio.Event()

    async def job():
        nonlocal running, most, runs
        running += 1
        most = max(most, running)
        runs += 1
        await gate.wait()
        running -= 1

    async with clockwork() as works:
        works.every(HOUR, job, name="job")
        await eventually(lambda: runs == 1)
        for _ in range(5):
            works.wake("job")
        gate.set()
        await eventually(lambda: runs == 2 and running == 0)

    assert (runs, most) == (2, 1)


async def test_wakes_before_it_begins_make_it_run_once():
    runs = []

    async def job():
        runs.append(1)

    async with clockwork() as works:
        works.every(HOUR, job, name="job")
        await eventually(lambda: runs == [1])
        for _ in range(5):
            works.wake("job")
        await eventually(lambda: len(runs) > 1)

    assert len(runs) == 2


async def test_a_job_that_fails_runs_again():
    runs = []

    async def job():
        runs.append(1)
        raise ValueError("a bug")

    with capture_logs() as logs:
        async with clockwork() as works:
            works.every(timedelta(milliseconds=20), job, name="job")
            await eventually(lambda: len(runs) >= 2)

    assert {line["event"] for line in logs} == {"job.failed"}


@pytest.mark.parametrize("problem", [problems.Unavailable, problems.OutOfTime, problems.Overtaken])
async def test_what_the_next_tick_may_do_better_is_a_warning(problem):
    async def job():
        raise problem

    with capture_logs() as logs:
        async with clockwork() as works:
            works.every(HOUR, job, name="job")
            await eventually(lambda: any(line.get("job") == "job" for line in logs))

    mine = next(line for line in logs if line.get("job") == "job")
    assert (mine["event"], mine["log_level"]) == ("job.postponed", "warning")


async def test_a_running_job_may_end_before_the_block_does():
    ended = []
    started = asyncio.Event()

    async def job():
        started.set()
        await asyncio.sleep(0.05)
        ended.append(1)

    async with clockwork() as works:
        works.every(HOUR, job, name="job")
        await started.wait()

    assert ended == [1]


async def test_a_job_that_does_not_end_is_cancelled_after_the_grace():
    started = asyncio.Event()

    async def job():
        started.set()
        await asyncio.Event().wait()

    async with clockwork(grace=timedelta(milliseconds=50)) as works:
        works.every(HOUR, job, name="job")
        await started.wait()


async def test_a_job_woken_by_a_call_does_not_inherit_its_deadline():
    budgets = []

    async def job():
        budgets.append(call.budget(60))

    async with clockwork() as works:
        works.every(HOUR, job, name="job")
        await eventually(lambda: budgets)
        call.set_deadline(1)
        works.wake("job")
        await eventually(lambda: len(budgets) == 2)

    assert budgets == [60, 60]
