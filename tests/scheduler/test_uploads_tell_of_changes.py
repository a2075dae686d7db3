"""Where the list of workflows is not read, uploads tell how workflows change."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, refusal, scanned
from tests.scheduler.knowing import connected, has, upload, workflow

FIRST = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SECOND = FIRST + timedelta(days=3)


def version(number, at=FIRST, **more):
    told = {"version": number, "updatedAt": at and at.isoformat()}
    return workflow("wf-1", status="published") | told | more


async def changes(scheduler):
    request = pb.ListWorkflowChangesRequest(location_id=LOCATION)
    return list((await scheduler.ListWorkflowChanges(request, timeout=SECONDS)).changes)


async def test_another_version_is_a_change_at_the_time_the_export_tells(scheduler, ingestion):
    await upload(scheduler, version(23, FIRST))
    assert await changes(scheduler) == []

    await upload(scheduler, version(24, SECOND))

    [change] = await changes(scheduler)
    assert (change.previous_version, change.version) == (23, 24)
    assert change.changed_at.ToDatetime(UTC) == SECOND
    told = ingestion.reported[LOCATION, "wf-1"]
    assert (told.version, told.status, told.name) == (24, "published", "About wf-1")
    assert told.changed_at.ToDatetime(UTC) == SECOND


@pytest.mark.parametrize("at", [None, "last week", "2999-01-01T00:00:00Z", "2026-03-01T09:00:00"])
async def test_without_a_time_that_can_be_it_changed_when_it_was_uploaded(scheduler, at):
    await upload(scheduler, version(1))
    before = datetime.now(UTC) - timedelta(seconds=1)

    await upload(scheduler, version(2, updatedAt=at))

    [change] = await changes(scheduler)
    assert before < change.changed_at.ToDatetime(UTC) < before + timedelta(minutes=1)


async def test_the_same_version_again_is_no_change(scheduler):
    await upload(scheduler, version(1, FIRST))
    await upload(scheduler, version(1, SECOND, allowMultiple=True))

    assert await changes(scheduler) == []


@pytest.mark.parametrize("number", [None, "seven", 1.5, True, 1e300, -1])
async def test_an_export_without_a_version_tells_nothing(scheduler, ingestion, number):
    await upload(scheduler, version(number))

    assert ingestion.reported == {}


async def test_the_list_knows_better(scheduler, ingestion, ghl):
    has(ghl, workflow("wf-1", status="published", version=8))
    await connected(scheduler, ghl)
    await scanned(scheduler)

    await upload(scheduler, version(3, FIRST))
    await upload(scheduler, version(4, SECOND))

    assert await changes(scheduler) == []
    assert ingestion.reported[LOCATION, "wf-1"].version == 8


async def test_while_ingestion_is_away_it_is_kept_and_told_by_the_same_call(scheduler, ingestion):
    await upload(scheduler, version(1, FIRST))
    ingestion.refuses_with = grpc.StatusCode.UNAVAILABLE

    problem = await refusal(upload(scheduler, version(2, SECOND)))
    ingestion.refuses_with = None
    again = await upload(scheduler, version(2, SECOND))

    assert problem.reason == "INGESTION_UNAVAILABLE"
    assert again.unchanged
    assert [each.version for each in await changes(scheduler)] == [2]
    assert ingestion.reported[LOCATION, "wf-1"].version == 2
