"""Gets the schedule of a location."""

from datetime import timedelta

from libs import problems
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import MORNING, at, refusal, scanned, schedule, upserted
from tests.support.database_clock import set_clock


async def test_the_next_runs_are_those_after_now(url, scheduler):
    set_clock(url, MORNING)
    await upserted(scheduler, frequency=pb.FREQUENCY_12H, preferred_time="09:30", timezone="UTC")
    set_clock(url, MORNING - timedelta(days=1))  # nothing is due, so the row stays as it is

    found = await schedule(scheduler)

    first = MORNING - timedelta(hours=23, minutes=30)
    assert [at(each) for each in found.next_runs] == [
        first + timedelta(hours=12 * n) for n in range(5)
    ]


async def test_the_last_scan_is_noted_when_it_completes(scheduler):
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)
    before = await schedule(scheduler)

    done = await scanned(scheduler)

    found = await schedule(scheduler)
    assert not before.HasField("last_scan_at")
    assert found.last_scan_at == done.completed_at
    assert found.etag == before.etag


async def test_a_location_without_a_schedule_is_told_so(lasting_scheduler):
    problem = await refusal(schedule(lasting_scheduler))

    assert isinstance(problem, problems.NotFound)
    assert problem.reason == "SCHEDULE_NOT_FOUND"


async def test_the_schedule_of_another_location_is_not_shown(scheduler):
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY)

    problem = await refusal(schedule(scheduler, "loc-2"))

    assert problem.reason == "SCHEDULE_NOT_FOUND"
