"""Creates the schedule of a location, or changes it."""

import asyncio
from datetime import datetime, timedelta

import pytest

from libs import problems
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import MORNING, at, refusal, schedule, sql, upserted
from tests.support.database_clock import set_clock

BERLIN = {"frequency": pb.FREQUENCY_DAILY, "preferred_time": "12:00", "timezone": "Europe/Berlin"}
NOON = MORNING + timedelta(hours=2)
"""In Berlin, on that morning."""


@pytest.fixture
def scheduler(url, scheduler):
    """The database's clock stands at nine in the morning."""
    set_clock(url, MORNING)
    return scheduler


async def test_a_schedule_is_created_with_its_next_run(scheduler):
    answer = await upserted(scheduler, **BERLIN)

    saved = answer.schedule
    assert answer.created
    assert (saved.enabled, saved.scan_scope) == (True, pb.SCAN_SCOPE_ALL)
    assert at(saved.next_scan_at) == NOON
    assert [at(each) for each in saved.next_runs] == [NOON + timedelta(days=n) for n in range(5)]
    assert at(saved.created_at) == at(saved.updated_at) == MORNING
    assert await schedule(scheduler) == saved


async def test_what_is_not_given_has_its_default(scheduler):
    saved = (await upserted(scheduler, frequency=pb.FREQUENCY_WEEKLY)).schedule

    assert (saved.preferred_time, saved.timezone) == ("02:00", "America/Chicago")
    assert saved.weekday == 1  # a Tuesday in Chicago too


async def test_without_a_mask_the_schedule_is_replaced(scheduler):
    first = (await upserted(scheduler, **BERLIN, enabled=False)).schedule

    answer = await upserted(scheduler, frequency=pb.FREQUENCY_6H)

    assert not answer.created
    assert answer.schedule.schedule_id == first.schedule_id
    assert (answer.schedule.timezone, answer.schedule.enabled) == ("America/Chicago", True)


async def test_with_a_mask_only_its_fields_change(scheduler):
    await upserted(scheduler, **BERLIN)

    saved = (await upserted(scheduler, mask=["preferred_time"], preferred_time="13:00")).schedule

    assert (saved.timezone, saved.frequency) == ("Europe/Berlin", pb.FREQUENCY_DAILY)
    assert at(saved.next_scan_at) == NOON + timedelta(hours=1)


async def test_a_field_of_the_mask_that_is_absent_gets_its_default(scheduler):
    await upserted(scheduler, **BERLIN, enabled=False)

    saved = (await upserted(scheduler, mask=["enabled", "timezone"])).schedule

    assert (saved.enabled, saved.timezone) == (True, "America/Chicago")


async def test_a_mask_can_create_a_schedule(scheduler):
    answer = await upserted(scheduler, mask=["frequency"], frequency=pb.FREQUENCY_DAILY)

    assert answer.created
    assert answer.schedule.preferred_time == "02:00"


async def test_a_preferred_time_given_with_cron_is_kept(scheduler):
    await upserted(
        scheduler,
        frequency=pb.FREQUENCY_CRON,
        cron_expression="0 7 * * 1",
        preferred_time="05:30",
    )

    saved = (await upserted(scheduler, mask=["frequency"], frequency=pb.FREQUENCY_DAILY)).schedule

    assert (saved.preferred_time, saved.cron_expression) == ("05:30", "")


async def test_the_weekday_that_creation_chose_stays(url, scheduler):
    await upserted(scheduler, frequency=pb.FREQUENCY_WEEKLY)
    set_clock(url, MORNING + timedelta(days=2))

    saved = (await upserted(scheduler, frequency=pb.FREQUENCY_WEEKLY)).schedule

    assert saved.weekday == 1


async def test_the_same_again_changes_nothing(url, scheduler):
    first = (await upserted(scheduler, **BERLIN)).schedule
    set_clock(url, MORNING + timedelta(minutes=1))

    again = await upserted(scheduler, **BERLIN)

    assert again.schedule == first
    assert not again.created


async def test_another_scope_keeps_the_next_run(url, scheduler):
    first = (await upserted(scheduler, **BERLIN)).schedule
    set_clock(url, MORNING + timedelta(minutes=1))

    saved = (
        await upserted(scheduler, mask=["scan_scope"], scan_scope=pb.SCAN_SCOPE_ACTIVE)
    ).schedule

    assert saved.next_scan_at == first.next_scan_at
    assert saved.etag != first.etag
    assert at(saved.updated_at) == MORNING + timedelta(minutes=1)


async def test_disabled_it_has_no_next_run_and_enabled_only_a_future_one(url, scheduler):
    await upserted(scheduler, **BERLIN)

    disabled = (await upserted(scheduler, mask=["enabled"], enabled=False)).schedule
    set_clock(url, MORNING + timedelta(days=3))
    enabled = (await upserted(scheduler, mask=["enabled"], enabled=True)).schedule

    assert not disabled.HasField("next_scan_at")
    assert len(disabled.next_runs) == 5
    assert at(enabled.next_scan_at) == NOON + timedelta(days=3)
    assert await sql(url, "SELECT 1 FROM scan_history") == []


async def test_spread_blackouts_catch_up_and_overlap_are_kept(scheduler):
    night = pb.BlackoutWindow(start="22:00", end="06:00", weekdays=[0, 4])
    wanted = {
        "spread_seconds": 600,
        "blackout_windows": [night],
        "catchup_seconds": 3600,
        "overlap_policy": pb.OVERLAP_POLICY_BUFFER_ONE,
    }

    saved = (await upserted(scheduler, **BERLIN, **wanted)).schedule

    assert (saved.spread_seconds, saved.catchup_seconds) == (600, 3600)
    assert (list(saved.blackout_windows), saved.overlap_policy) == (
        [night],
        pb.OVERLAP_POLICY_BUFFER_ONE,
    )
    assert NOON < at(saved.next_scan_at) < NOON + timedelta(seconds=600)
    assert await schedule(scheduler) == saved
    plain = (await upserted(scheduler, **BERLIN)).schedule
    assert (plain.spread_seconds, list(plain.blackout_windows)) == (0, [])
    assert not plain.HasField("catchup_seconds")
    assert (plain.overlap_policy, at(plain.next_scan_at)) == (pb.OVERLAP_POLICY_SKIP, NOON)


async def test_an_etag_guards_against_another_change(scheduler):
    first = (await upserted(scheduler, **BERLIN)).schedule
    second = (await upserted(scheduler, mask=["enabled"], enabled=False, etag=first.etag)).schedule

    problem = await refusal(upserted(scheduler, mask=["enabled"], etag=first.etag))
    nonsense = await refusal(upserted(scheduler, mask=["enabled"], etag="nonsense"))

    assert second.etag != first.etag
    assert isinstance(problem, problems.Overtaken)
    assert (problem.reason, nonsense.reason) == ("CHANGED_MEANWHILE", "CHANGED_MEANWHILE")
    assert await schedule(scheduler) == second


async def test_an_etag_of_a_schedule_that_is_gone_is_refused(scheduler):
    problem = await refusal(upserted(scheduler, **BERLIN, etag="1"))

    assert problem.reason == "CHANGED_MEANWHILE"


async def test_calls_at_once_create_one_schedule(url, scheduler):
    answers = await asyncio.gather(*(upserted(scheduler, **BERLIN) for _ in range(5)))

    assert [each.created for each in answers].count(True) == 1
    assert len(await sql(url, "SELECT 1 FROM scan_schedules")) == 1


async def test_a_broken_row_is_repaired_by_a_change(url, scheduler):
    await upserted(scheduler, **BERLIN)
    await sql(
        url,
        "UPDATE scan_schedules SET timezone = 'Mars/Base', error = 'no', error_until = %s",
        datetime.max.replace(year=2100, tzinfo=MORNING.tzinfo),
    )

    seen = await schedule(scheduler)
    saved = (await upserted(scheduler, mask=["timezone"], timezone="Europe/Berlin")).schedule

    assert (seen.timezone, list(seen.next_runs)) == ("Mars/Base", [])
    assert at(saved.next_scan_at) == NOON
    assert await sql(url, "SELECT error, error_until FROM scan_schedules") == [(None, None)]


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"location_id": ""}, "LOCATION_MISSING", "location_id"),
        ({"frequency": pb.FREQUENCY_UNSPECIFIED}, "FREQUENCY_MISSING", "frequency"),
        ({"frequency": 99}, "FREQUENCY_MISSING", "frequency"),
        ({"mask": ["enabled"]}, "FREQUENCY_MISSING", "frequency"),
        ({"preferred_time": "25:61"}, "PREFERRED_TIME_MALFORMED", "preferred_time"),
        ({"preferred_time": "2:00"}, "PREFERRED_TIME_MALFORMED", "preferred_time"),
        ({"timezone": "Mars/Base"}, "TIME_ZONE_UNKNOWN", "timezone"),
        ({"timezone": "UTC\0"}, "TIME_ZONE_UNKNOWN", "timezone"),
        ({"weekday": 7}, "WEEKDAY_OUT_OF_RANGE", "weekday"),
        ({"frequency": pb.FREQUENCY_CRON}, "CRON_MALFORMED", "cron_expression"),
        (
            {"frequency": pb.FREQUENCY_CRON, "cron_expression": "whenever"},
            "CRON_MALFORMED",
            "cron_expression",
        ),
        (
            {"frequency": pb.FREQUENCY_CRON, "cron_expression": "0 0 31 2 *"},
            "CRON_NEVER_FIRES",
            "cron_expression",
        ),
        ({"scan_scope": 99}, "SCAN_SCOPE_UNKNOWN", "scan_scope"),
        ({"scan_scope": pb.SCAN_SCOPE_SELECTED}, "SELECTION_EMPTY", "selected_workflow_ids"),
        (
            {"selected_workflow_ids": [f"wf-{n}" for n in range(1001)]},
            "SELECTION_TOO_LARGE",
            "selected_workflow_ids",
        ),
        ({"selected_workflow_ids": ["x" * 65]}, "FIELD_TOO_LONG", "selected_workflow_ids"),
        ({"spread_seconds": -1}, "SPREAD_OUT_OF_RANGE", "spread_seconds"),
        ({"catchup_seconds": 604_801}, "CATCH_UP_OUT_OF_RANGE", "catchup_seconds"),
        ({"overlap_policy": 99}, "OVERLAP_POLICY_UNKNOWN", "overlap_policy"),
        ({"blackout_windows": [pb.BlackoutWindow()]}, "BLACKOUT_MALFORMED", "blackout_windows"),
        (
            {"blackout_windows": [pb.BlackoutWindow(start="00:00", end="00:00")]},
            "BLACKOUTS_LEAVE_NO_TIME",
            "blackout_windows",
        ),
        ({"mask": ["next_scan_at"]}, "UPDATE_MASK_UNKNOWN_FIELD", "update_mask"),
        ({"mask": []}, "UPDATE_MASK_EMPTY", "update_mask"),
    ],
)
async def test_what_is_wrong_is_refused_by_field(lasting_scheduler, fields, reason, field):
    wanted = {"frequency": pb.FREQUENCY_DAILY} | fields

    problem = await refusal(upserted(lasting_scheduler, **wanted))

    assert isinstance(problem, problems.InvalidRequest)
    assert (problem.reason, problem.fields[0].field) == (reason, field)
