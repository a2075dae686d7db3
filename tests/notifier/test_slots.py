"""Targets that hang leave places free for those that work."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.jobs import MOST_ON_FAILING, SLOTS
from tests.notifier.builders import a_completed_scan, report, webhooks_to
from tests.notifier.targets import add_target, targets_of
from tests.support.database_clock import set_clock
from tests.support.receivers import Receiver, receiver
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
SICK = [f"sick-{number}" for number in range(SLOTS + 1)]


class Hanging(Receiver):
    """Fails at first; once it `hangs`, what is sent below `/sick` is not answered until it may."""

    def __init__(self, scheme):
        super().__init__(scheme)
        self.hangs = False
        self.open = 0
        self.may_answer = asyncio.Event()

    async def receive(self, request):
        if request.path == "/sick":
            if self.hangs:
                self.open += 1
                await self.may_answer.wait()
            else:
                self.answer_next(503)
        return await super().receive(request)


@pytest.fixture
async def hanging():
    async with receiver(kind=Hanging) as made:
        yield made
        made.may_answer.set()


async def test_more_failing_targets_than_places_leave_some_for_one_that_works(
    start, database_url, hanging
):
    set_clock(database_url, NOON)
    notifier = await start(**webhooks_to(hanging))
    for each in SICK:
        await add_target(notifier, "webhook", f"{hanging.url}sick", each)
    await add_target(notifier, "webhook", f"{hanging.url}well", "loc-well")
    await report(notifier, *(a_completed_scan(location_id=each) for each in SICK))
    await eventually(lambda: all_failed(notifier))

    hanging.hangs = True
    set_clock(database_url, NOON + timedelta(minutes=1))
    await eventually(lambda: hanging.open == MOST_ON_FAILING)
    await report(notifier, a_completed_scan(location_id="loc-well"))

    await eventually(lambda: [each for each in hanging.requests if each.path == "/well"])
    assert hanging.open == MOST_ON_FAILING


async def all_failed(notifier):
    found = [(await targets_of(notifier, each))[0].failures for each in SICK]
    return all(found)
