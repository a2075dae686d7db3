"""Says what became of a fire, and why: "why did it not run"."""

from datetime import timedelta

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import timestamp
from services.scheduler.actions.explaining import Explaining
from services.scheduler.actions.firing import Firing
from services.scheduler.actions.schedules import Schedules
from services.scheduler.actions.starting import Starting
from services.scheduler.domain.fire import Outcome
from services.scheduler.domain.schedule import Asked
from services.scheduler.domain.timing import Frequency
from tests.scheduler.asking import LOCATION, MORNING, SECONDS, at, refusal, sql, upserted
from tests.support.database_clock import set_clock

AT_TEN = {"frequency": Frequency.DAILY, "preferred_time": "10:00", "timezone": "UTC"}
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TEN = MORNING + HOUR


async def explained(stub, location=LOCATION, when=None) -> pb.ExplainFireResponse:
    request = pb.ExplainFireRequest(location_id=location, at=timestamp(when))
    return await stub.ExplainFire(request, timeout=SECONDS)


class Days:
    """A schedule that fires at ten, on a clock that the test moves; nothing runs by itself."""

    def __init__(self, url, database):
        self.url = url
        self.schedules = Schedules(database)
        self.firing = Firing(database, on_queued=lambda: None)
        self.starting = Starting(database, on_queued=lambda: None)
        self.explaining = Explaining(database)

    async def keep(self, when, **values):
        set_clock(self.url, when)
        await self.schedules.upsert("loc-1", values or AT_TEN, actor="owner")

    async def fire(self, when):
        set_clock(self.url, when)
        await self.firing.tick()

    async def end_as(self, status):
        await sql(self.url, "UPDATE scan_history SET status = %s", status)

    async def explain(self, when, asked=None):
        set_clock(self.url, when)
        return await self.explaining.explain("loc-1", asked)


@pytest.fixture
async def days(url, database):
    days = Days(url, database)
    await days.keep(MORNING)
    return days


@pytest.mark.parametrize("status", ["completed", "running", "queued", "failed", "cancelled"])
async def test_a_fire_that_became_a_scan_is_explained_by_it(url, days, status):
    await days.fire(TEN)
    await sql(
        url,
        "UPDATE scan_history SET status = %s, reason = 'so it is', lease_owner = 'me',"
        " lease_until = now()",
        status,
    )

    found = await days.explain(TEN + 5 * HOUR)

    assert (found.outcome, found.scheduled_for) == (Outcome(status), TEN)
    assert found.text.endswith("so it is")
    assert found.scan.scheduled_for == TEN
    assert (found.change.kind, found.change.actor) == ("created", "owner")


async def test_a_late_one_says_how_late(days):
    await days.fire(TEN + 3 * HOUR)
    await days.end_as("completed")

    found = await days.explain(TEN + 5 * HOUR)

    assert found.text == "It ran and completed, 3:00:00 late."


async def test_an_outage_explains_each_of_its_days(days):
    await days.fire(TEN + 3 * DAY + 13 * HOUR)

    for day in range(4):
        found = await days.explain(TEN + 4 * DAY - MINUTE, TEN + day * DAY + HOUR)
        assert (found.outcome, found.scheduled_for) == (Outcome.MISSED, TEN + day * DAY)
        assert "Nothing could run it in time" in found.text


async def test_a_skipped_one_names_the_scan_it_met(days):
    started = await days.starting.run("loc-1", Asked())
    await days.fire(TEN)

    found = await days.explain(TEN + MINUTE)

    assert found.outcome == Outcome.SKIPPED
    assert started.scan.scan_id in found.text


async def test_a_paused_one_says_who_paused_it_and_why(days):
    set_clock(days.url, MORNING + MINUTE)
    await days.schedules.switch("loc-1", enabled=False, actor="ops", reason="moving")
    set_clock(days.url, MORNING + 2 * DAY)
    await days.schedules.switch("loc-1", enabled=True, actor="ops", reason="moved")

    found = await days.explain(TEN + 2 * DAY - MINUTE, TEN + DAY + HOUR)

    assert (found.outcome, found.scheduled_for) == (Outcome.PAUSED, TEN + DAY)
    assert found.text == (
        "The schedule did not fire: it was paused by ops at 2026-03-10 09:01 UTC (moving)."
    )


async def test_a_change_in_between_does_not_hide_the_fire_before_it(days):
    await days.fire(TEN)
    await days.end_as("completed")
    await days.keep(TEN + HOUR, preferred_time="20:00")

    found = await days.explain(TEN + 2 * HOUR)

    assert (found.outcome, found.scheduled_for) == (Outcome.COMPLETED, TEN)
    assert found.change.kind == "created"


async def test_before_its_first_time_it_was_not_due(days):
    found = await days.explain(TEN - MINUTE)

    assert (found.outcome, found.scheduled_for) == (Outcome.NOT_YET, None)


async def test_one_that_nobody_has_fired_yet_is_due(days):
    found = await days.explain(TEN + MINUTE)

    assert (found.outcome, found.scheduled_for) == (Outcome.DUE, TEN)


async def test_one_that_cannot_be_computed_says_so(days):
    await sql(days.url, "UPDATE scan_schedules SET timezone = 'Mars/Base'")
    await days.fire(TEN)

    found = await days.explain(TEN + MINUTE)

    assert found.outcome == Outcome.BROKEN
    assert "Mars/Base" in found.text


async def test_what_the_ledger_no_longer_has_is_forgotten(days):
    await days.fire(TEN)
    await days.end_as("completed")
    await sql(days.url, "DELETE FROM scan_history")

    found = await days.explain(TEN + HOUR)

    assert (found.outcome, found.scheduled_for) == (Outcome.FORGOTTEN, TEN)


async def test_a_deleted_schedule_says_who_deleted_it(days):
    await days.schedules.delete("loc-1", actor="ops")

    found = await days.explain(TEN + HOUR)

    assert found.outcome == Outcome.NO_SCHEDULE
    assert found.text == (
        "The location had no schedule then: it was deleted by ops at 2026-03-10 09:00 UTC."
    )


async def test_it_is_answered_on_the_wire(url, scheduler):
    set_clock(url, MORNING)
    await upserted(
        scheduler,
        frequency=pb.FREQUENCY_DAILY,
        preferred_time="10:00",
        timezone="UTC",
        enabled=False,
        actor="ops",
    )
    set_clock(url, TEN + HOUR)

    found = await explained(scheduler)
    nothing = await explained(scheduler, "loc-2")

    assert found.outcome == pb.ExplainFireResponse.OUTCOME_PAUSED
    assert at(found.scheduled_for) == TEN
    assert found.change.kind == pb.ScheduleChange.KIND_CREATED
    assert (at(found.change.changed_at), found.change.actor) == (MORNING, "ops")
    assert not found.HasField("scan")
    assert nothing.outcome == pb.ExplainFireResponse.OUTCOME_NO_SCHEDULE
    assert nothing.explanation == "The location had no schedule then."


async def test_the_future_is_a_matter_of_the_preview(url, scheduler):
    set_clock(url, MORNING)

    problem = await refusal(explained(scheduler, when=MORNING + MINUTE))

    assert (problem.reason, problem.fields[0].field) == ("TIME_AHEAD", "at")
    assert (await refusal(explained(scheduler, ""))).reason == "LOCATION_MISSING"
