"""Targets that hang leave places free for those that work."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from libs.ids import new_id
from services.notifier.domain.slots import LINGERS_AFTER, MOST_UNPROVEN, SLOTS
from tests.notifier.builders import a_completed_scan, report, webhooks_to
from tests.notifier.targets import add_target, targets_of
from tests.support.database_clock import set_clock
from tests.support.receivers import Receiver, receiver
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
SICK = [f"sick-{number}" for number in range(SLOTS + 1)]


class Hanging(Receiver):
    """Once it `hangs`, what is sent below `/sick` is not answered until it may."""

    def __init__(self, scheme):
        super().__init__(scheme)
        self.hangs = False
        self.open = 0
        self.may_answer = asyncio.Event()

    async def receive(self, request):
        if request.path == "/sick" and self.hangs:
            self.open += 1
            await self.may_answer.wait()
        return await super().receive(request)


@pytest.fixture
async def hanging():
    async with receiver(kind=Hanging) as made:
        yield made
        made.may_answer.set()


@pytest.fixture
async def notifier(start, database_url, hanging):
    """Has a target that works and one more that hangs than there are places, all without a past."""
    set_clock(database_url, NOON)
    notifier = await start(**webhooks_to(hanging))
    for each in SICK:
        await add_target(notifier, "webhook", f"{hanging.url}sick", each)
    await add_target(notifier, "webhook", f"{hanging.url}well", "loc-well")
    return notifier


async def told_well(notifier, hanging):
    """Returns when the target that works was told one thing more."""
    told = [each.path for each in hanging.requests].count("/well")
    await report(notifier, a_completed_scan(new_id(), location_id="loc-well"))
    await eventually(lambda: [each.path for each in hanging.requests].count("/well") > told)


async def told_the_sick(notifier):
    await report(notifier, *(a_completed_scan(new_id(), location_id=each) for each in SICK))


async def proven(notifier, location_id):
    (target,) = await targets_of(notifier, location_id)
    return target.HasField("last_delivered_at")


async def test_targets_that_failed_get_a_share_of_the_places(notifier, database_url, hanging):
    await told_well(notifier, hanging)
    hanging.answer_next(*[503] * len(SICK))
    await told_the_sick(notifier)
    await eventually(lambda: all_failed(notifier))

    hanging.hangs = True
    set_clock(database_url, NOON + timedelta(minutes=1))
    await eventually(lambda: hanging.open == MOST_UNPROVEN)

    await told_well(notifier, hanging)
    assert hanging.open == MOST_UNPROVEN


async def test_targets_that_never_took_anything_get_a_share_of_the_places(notifier, hanging):
    await told_well(notifier, hanging)
    await eventually(lambda: proven(notifier, "loc-well"))
    hanging.hangs = True
    await told_the_sick(notifier)
    await eventually(lambda: hanging.open == MOST_UNPROVEN)

    await told_well(notifier, hanging)
    assert hanging.open == MOST_UNPROVEN


async def test_targets_that_hang_for_the_first_time_leave_their_places_after_a_moment(
    notifier, hanging
):
    await told_the_sick(notifier)
    await eventually(lambda: all_proven(notifier))
    hanging.hangs = True
    began = asyncio.get_running_loop().time()
    await told_the_sick(notifier)
    await eventually(lambda: hanging.open == SLOTS)

    await told_well(notifier, hanging)
    waited = asyncio.get_running_loop().time() - began
    assert waited < LINGERS_AFTER.total_seconds() + 3, "far from the 10 s that they hang"
    assert hanging.open == len(SICK)


async def all_failed(notifier):
    found = [(await targets_of(notifier, each))[0].failures for each in SICK]
    return all(found)


async def all_proven(notifier):
    return all([await proven(notifier, each) for each in SICK])
