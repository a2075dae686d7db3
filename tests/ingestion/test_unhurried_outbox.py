"""In a storm of failures the outbox is told of each, and works a twentieth of the time."""

import asyncio

from services.ingestion import jobs
from tests.support.waiting import eventually


async def test_what_wakes_it_while_it_rests_makes_it_work_once_more_when_it_has_rested(monkeypatch):
    monkeypatch.setattr(jobs, "LONGEST_REST", 2.0)
    loop = asyncio.get_running_loop()
    worked, wakes = [], []

    async def work():
        began = loop.time()
        await eventually(lambda: loop.time() >= began + 0.01, every=0.002)
        worked.append((began, loop.time()))
        return 1

    job = jobs._Unhurried(work, lambda: wakes.append(loop.time()))
    await job()
    for _ in range(3):
        await job()
    assert (len(worked), wakes) == (1, [])

    (woken,) = await eventually(lambda: wakes)
    began, ended = worked[0]
    assert woken - ended >= jobs.REST * (ended - began) * 0.9
    await job()
    assert len(worked) == 2


async def test_it_does_not_rest_when_there_was_nothing_to_do():
    looks = []

    async def look():
        looks.append(True)
        return 0

    job = jobs._Unhurried(look, lambda: None)
    for _ in range(3):
        await job()
    assert len(looks) == 3


async def test_it_never_rests_longer_than_the_longest_rest(monkeypatch):
    monkeypatch.setattr(jobs, "LONGEST_REST", 0.0)
    worked = []

    async def work():
        worked.append(True)
        return 1

    job = jobs._Unhurried(work, lambda: None)
    for _ in range(3):
        await job()
    assert len(worked) == 3
