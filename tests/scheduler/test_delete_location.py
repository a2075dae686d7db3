"""A location is deleted with all that was found wrong in it."""

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from services.scheduler.actions.removing import Removing
from services.scheduler.store.tables import SchedulerTable
from tests.scheduler.asking import ended, refusal, run_now, scans, sql, upserted
from tests.support.everything import GONE, STAYING, fill, traces

OF_NO_LOCATION = frozenset({"scheduler_replicas", "outbox_lease"})


async def delete(scheduler, location):
    request = pb.DeleteLocationRequest(location_id=location)
    return (await scheduler.DeleteLocation(request, timeout=10)).deleted_count


async def test_nothing_is_left_in_any_table_and_others_keep_every_row(url, database):
    fill(url, SchedulerTable.metadata, but=OF_NO_LOCATION)
    there, others = traces(url, GONE), traces(url, STAYING)

    removed = await Removing(database).remove(GONE)
    again = await Removing(database).remove(GONE)

    assert (removed, again) == (len(there), 0)
    assert removed == len(SchedulerTable.metadata.tables) - len(OF_NO_LOCATION)
    assert traces(url, GONE) == {}
    assert traces(url, STAYING) == others


async def test_a_scan_that_runs_comes_to_nothing(scheduler, ingestion, url):
    ingestion.knows("wf-1")
    ingestion.holds_histories_after = 0
    started = await run_now(scheduler)
    await ended(scheduler, started.scan_id, as_=pb.SCAN_STATUS_RUNNING)
    await upserted(scheduler, frequency=pb.FREQUENCY_DAILY, preferred_time="02:00")

    assert await delete(scheduler, "loc-1") >= 2
    ingestion.released.set()
    ingestion.holds_histories_after = None
    ingestion.knows("wf-1", location="loc-2")
    other = await run_now(scheduler, "loc-2")
    await ended(scheduler, other.scan_id, "loc-2")

    assert await scans(scheduler) == []
    assert await sql(url, "SELECT 1 FROM scan_schedules") == []
    assert await sql(url, "SELECT 1 FROM scan_results WHERE scan_id <> %s", other.scan_id) == []


async def test_deleting_what_is_not_there_does_nothing(lasting_scheduler):
    assert await delete(lasting_scheduler, "loc-unknown") == 0


async def test_a_location_must_be_named(lasting_scheduler):
    problem = await refusal(delete(lasting_scheduler, ""))
    assert problem.reason == "LOCATION_MISSING"
