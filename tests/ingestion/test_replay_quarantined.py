"""An unread delivery that is understood now becomes the execution it was."""

import asyncio
from datetime import UTC

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.db.database import Database
from services.ingestion.store import open_runs
from tests.ingestion.builders import (
    ACCEPTED,
    DUPLICATE,
    a_failure,
    ago,
    an_execution,
    listed,
    record,
    refused,
)
from tests.ingestion.test_list_quarantined import quarantine, quarantined
from tests.support.waiting import eventually

STARTED = pb.EXECUTION_STATUS_STARTED


async def replay(ingestion, quarantine_id, execution):
    request = pb.ReplayQuarantinedRequest(quarantine_id=quarantine_id, execution=execution)
    return (await ingestion.ReplayQuarantined(request, timeout=10)).result


@pytest.fixture
async def kept(ingestion, location):
    """The id of a delivery in quarantine."""
    (result,) = await quarantine(ingestion, location, b"{}")
    return result.execution_id


async def in_quarantine(ingestion, location):
    page = await quarantined(ingestion, location)
    return [each.quarantine_id for each in page.deliveries]


async def test_the_execution_is_recorded_and_the_delivery_is_gone(ingestion, location, kept):
    result = await replay(ingestion, kept, an_execution(location, "wf", run_id="r"))

    (found,) = await listed(ingestion, location)
    assert result == pb.RecordResult(outcome=ACCEPTED, execution_id=found.execution_id)
    assert found.run_id == "r"
    assert await in_quarantine(ingestion, location) == []


async def test_it_ended_when_the_delivery_came_unless_it_says_when(stopped_clock):
    ingestion = stopped_clock.ingestion
    came_at, said = stopped_clock.now, stopped_clock.ago(hours=3)
    first, second = await quarantine(ingestion, "l", b"1", b"2")
    stopped_clock.move(days=2)
    await replay(ingestion, first.execution_id, an_execution("l"))
    await replay(ingestion, second.execution_id, an_execution("l", executed_at=said))

    found = [each.executed_at.ToDatetime(UTC) for each in await listed(ingestion, "l")]
    assert found == [came_at, said]


async def test_a_run_that_began_is_open_from_when_the_delivery_came(stopped_clock):
    ingestion, start = stopped_clock.ingestion, an_execution("l", status=STARTED, run_id="r")
    (kept,) = await quarantine(ingestion, "l", b"1")
    stopped_clock.move(hours=25)
    result = await replay(ingestion, kept.execution_id, start)
    (again,) = await record(ingestion, start)

    assert result == pb.RecordResult(outcome=ACCEPTED)
    assert again.outcome == DUPLICATE
    assert await in_quarantine(ingestion, "l") == []
    async with (
        Database.open(stopped_clock.url, name="test") as database,
        database.transaction() as session,
    ):
        (open_run,) = await open_runs.overdue(session, limit_hours=25, most=9)
    assert open_run.run.started_at == stopped_clock.ago(hours=25)


async def test_replayed_failures_alert_like_others(ingestion, location, notifier):
    kept = await quarantine(ingestion, location, b"1", b"2", b"3")
    for each in kept:
        await replay(ingestion, each.execution_id, a_failure(location))
    await eventually(lambda: notifier.failing(location))
    assert notifier.failing(location)[0].failure_count == 3


async def test_a_second_replay_finds_nothing(ingestion, location, kept):
    await replay(ingestion, kept, an_execution(location))
    with refused(problems.NotFound, "QUARANTINED_NOT_FOUND"):
        await replay(ingestion, kept, an_execution(location))
    assert len(await listed(ingestion, location)) == 1


async def test_of_many_replays_at_the_same_moment_one_counts(ingestion, location, kept):
    asked = [replay(ingestion, kept, an_execution(location)) for _ in range(8)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, pb.RecordResult) for each in answers) == 1
    assert len(await listed(ingestion, location)) == 1


async def test_one_that_was_recorded_meanwhile_is_a_duplicate_and_the_delivery_goes(
    ingestion, location, kept
):
    (first,) = await record(ingestion, an_execution(location, idempotency_key="k"))
    result = await replay(ingestion, kept, an_execution(location, idempotency_key="k"))
    assert (result.outcome, result.execution_id) == (DUPLICATE, first.execution_id)
    assert len(await listed(ingestion, location)) == 1
    assert await in_quarantine(ingestion, location) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": pb.EXECUTION_STATUS_UNSPECIFIED}, "STATUS_MISSING"),
        ({"status": STARTED}, "RUN_ID_MISSING"),
        ({"workflow_id": ""}, "WORKFLOW_MISSING"),
        ({"executed_at": ago(days=31)}, "EXECUTED_AT_OUT_OF_RANGE"),
        ({"run_id": "x" * 201}, "FIELD_TOO_LONG"),
    ],
)
async def test_an_execution_that_cannot_be_kept_leaves_the_delivery(
    ingestion, location, kept, fields, reason
):
    with refused(problems.InvalidRequest, reason):
        await replay(ingestion, kept, an_execution(location, **fields))
    assert await in_quarantine(ingestion, location) == [kept]
    assert await listed(ingestion, location) == []


async def test_another_locations_delivery_cannot_be_replayed(ingestion, location, kept):
    with refused(problems.NotFound, "QUARANTINED_NOT_FOUND"):
        await replay(ingestion, kept, an_execution(f"{location}-b"))
    assert await in_quarantine(ingestion, location) == [kept]


async def test_one_that_was_cut_cannot_be_replayed(ingestion, location):
    (kept,) = await quarantine(ingestion, location, b"x" * 65_537)
    with refused(problems.WrongState, "QUARANTINED_CUT"):
        await replay(ingestion, kept.execution_id, an_execution(location))


@pytest.mark.parametrize("quarantine_id", ["", "x", "01970000-0000-7000-8000-000000000000"])
async def test_an_unknown_id_is_not_found(ingestion, location, quarantine_id):
    with refused(problems.NotFound, "QUARANTINED_NOT_FOUND"):
        await replay(ingestion, quarantine_id, an_execution(location))
