"""What is older than the installation keeps it is deleted, and what is still needed is not."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.db.retention import Forgetting
from services.scheduler.actions.schedules import Schedules
from services.scheduler.domain.timing import Frequency
from services.scheduler.jobs import EVERY_NIGHT
from services.scheduler.store import retention
from tests.scheduler.asking import MORNING, sql
from tests.support.database_clock import set_clock

DAY = timedelta(days=1)
KEPT = 30 * DAY


@pytest.fixture
def forgetting(url, database) -> Forgetting:
    set_clock(url, MORNING)
    return Forgetting(database, retention.forget_some, KEPT, step=2)


async def a_scan(url, scan_id, age, status="completed", scope="all"):
    created_at = MORNING - age
    await sql(
        url,
        "INSERT INTO scan_history (id, location_id, status, trigger, scan_scope,"
        " selected_workflow_ids, scheduled_for, fires, reason, attempt, max_attempts, not_before,"
        " workflows_total, workflows_scanned, issues_found, critical_issues, partial, created_at,"
        " completed_at) VALUES (%s, 'loc-1', %s, 'schedule', %s, '{}', %s, 1, '', 1, 3, %s, 0, 0,"
        " 0, 0, false, %s, %s)",
        *(scan_id, status, scope, created_at, created_at, created_at, created_at),
    )


async def left(url, table="scan_history"):
    return {each.id for each in await sql(url, f"SELECT id FROM {table}")}


async def test_old_scans_go_and_young_ones_stay(url, forgetting):
    for days in range(25, 40):
        await a_scan(url, f"s-{days}", days * DAY)

    await forgetting.forget()

    assert await left(url) == {f"s-{days}" for days in range(25, 31)}


async def test_the_last_completed_scan_of_each_scope_stays(url, forgetting):
    for scope in ("all", "active"):
        for days in (100, 200):
            await a_scan(url, f"{scope}-{days}", days * DAY, scope=scope)
    await a_scan(url, "failed", 50 * DAY, "failed")

    await forgetting.forget()

    assert await left(url) == {"all-100", "active-100"}


async def test_a_scan_that_still_waits_stays(url, forgetting):
    await a_scan(url, "waits", 50 * DAY, "queued")

    await forgetting.forget()

    assert await left(url) == {"waits"}


async def test_what_was_kept_for_attempts_that_never_come_goes(url, forgetting):
    await a_scan(url, "given-up", DAY, "failed")
    await a_scan(url, "waits", DAY, "queued")
    for scan_id in ("given-up", "waits"):
        await sql(url, "INSERT INTO scan_progress VALUES (%s, 0, '[]')", scan_id)

    await forgetting.forget()

    assert await sql(url, "SELECT scan_id FROM scan_progress") == [("waits",)]


async def test_the_keys_of_old_calls_go(url, forgetting):
    for days in (29, 31):
        await sql(
            url,
            "INSERT INTO scan_requests VALUES ('loc-1', %s, 's', false, %s, '')",
            f"key-{days}",
            MORNING - days * DAY,
        )

    await forgetting.forget()

    assert await sql(url, "SELECT idempotency_key FROM scan_requests") == [("key-29",)]


async def test_the_last_change_of_a_schedule_stays(url, database, forgetting):
    schedules = Schedules(database)
    for days in (300, 200, 100):
        set_clock(url, MORNING - days * DAY)
        values = {"frequency": Frequency.DAILY, "preferred_time": f"{days // 100:02}:00"}
        await schedules.upsert("loc-1", values)
    set_clock(url, MORNING)

    await forgetting.forget()

    kept = await sql(url, "SELECT snapshot->>'preferred_time' AS at FROM schedule_changes")
    assert kept == [("01:00",)]


def test_it_happens_each_night():
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    first = EVERY_NIGHT.get_next_fire_time(None, noon)

    assert first == datetime(2026, 3, 11, 3, 17, tzinfo=UTC)
    assert EVERY_NIGHT.get_next_fire_time(first, first) == first + DAY


async def test_of_findings_only_those_fixed_long_ago_go(url, forgetting):
    for standing in ("open", "draft", "ignored", "fixed"):
        for days in (29, 31, 32, 33):
            await sql(
                url,
                "INSERT INTO known_findings VALUES"
                " ('loc-1', %s, 'wf-1', '', 'GHL402', '', 'critical', %s, %s, %s, 'f-1')",
                *(f"{standing} {days}", standing, MORNING - 90 * DAY, MORNING - days * DAY),
            )

    await forgetting.forget()

    kept = {each.fingerprint for each in await sql(url, "SELECT * FROM known_findings")}
    assert {each for each in kept if each.startswith("fixed")} == {"fixed 29"}
    assert len(kept) == 13


async def test_what_is_ignored_goes_when_that_ended_long_ago(url, forgetting):
    for name, until in (("ended", MORNING - 31 * DAY), ("lately", MORNING - DAY), ("never", None)):
        await sql(
            url,
            "INSERT INTO ignored_findings VALUES ('loc-1', %s, 'why', 'who', %s, %s, NULL)",
            *(name, MORNING - 90 * DAY, until),
        )

    await forgetting.forget()

    left = {each.fingerprint for each in await sql(url, "SELECT * FROM ignored_findings")}
    assert left == {"lately", "never"}
