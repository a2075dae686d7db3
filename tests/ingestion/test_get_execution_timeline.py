"""Runs hour by hour and day by day: exactly those of the log."""

import itertools
import random
from datetime import UTC, timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.db.database import Database
from libs.rpc.times import duration
from services.ingestion.actions.tidying import Tidying
from tests.ingestion.builders import (
    FAILED,
    PARTIAL,
    SUCCESS,
    a_failure,
    an_execution,
    listed,
    record,
    refused,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEPT = 90 * DAY


async def timeline(ingestion, location, window=None, **request):
    message = pb.GetExecutionTimelineRequest(
        location_id=location, window=duration(window), **request
    )
    return await ingestion.GetExecutionTimeline(message, timeout=5)


@pytest.mark.parametrize(
    ("window", "bucket", "length"),
    [
        (timedelta(minutes=30), pb.BUCKET_HOUR, HOUR),
        (DAY, pb.BUCKET_HOUR, HOUR),
        (3 * DAY, pb.BUCKET_UNSPECIFIED, HOUR),
        (3 * DAY + HOUR, pb.BUCKET_UNSPECIFIED, DAY),
        (DAY, pb.BUCKET_DAY, DAY),
        (14 * DAY, pb.BUCKET_DAY, DAY),
    ],
)
async def test_the_buckets_are_those_of_a_recount(stopped_clock, window, bucket, length):
    ingestion, chance = stopped_clock.ingestion, random.Random(3)
    runs = [
        an_execution(
            "l",
            chance.choice("ab"),
            status=chance.choice([SUCCESS, FAILED, PARTIAL]),
            executed_at=stopped_clock.now - 2.2 * window * chance.random(),
            execution_time_ms=chance.randrange(1000),
        )
        for _ in range(300)
    ]
    await record(ingestion, *runs)
    await tidying(stopped_clock, "close_days")
    now = stopped_clock.now

    for workflow, mine in (
        ("", runs),
        ("a", [each for each in runs if each.workflow_id == "a"]),
    ):
        found = await timeline(ingestion, "l", window, bucket=bucket, workflow_id=workflow)
        starts = [each.start.ToDatetime(UTC) for each in found.buckets]
        assert starts[0] <= now - window < starts[0] + length
        assert starts[-1] <= now < starts[-1] + length
        assert all(later - earlier == length for earlier, later in itertools.pairwise(starts))
        for each, start in zip(found.buckets, starts, strict=True):
            inside = within(mine, max(start, now - window), start + length)
            assert (each.succeeded, each.failed, each.partial) == tuple(
                sum(run.status == status for run in inside) for status in (SUCCESS, FAILED, PARTIAL)
            )
        assert found.current.total == len(within(mine, now - window, now + HOUR))
        assert found.previous.total == len(within(mine, now - 2 * window, now - window))
        assert found.bucket == (pb.BUCKET_HOUR if length == HOUR else pb.BUCKET_DAY)


async def tidying(clock, job):
    async with Database.open(clock.url, name="test") as database:
        await getattr(Tidying(database, KEPT), job)()


def within(runs, since, until):
    return [each for each in runs if since <= each.executed_at.ToDatetime(UTC) < until]


async def test_it_is_what_the_metrics_say_also_of_a_time_whose_log_is_gone(stopped_clock):
    ingestion = stopped_clock.ingestion
    await record(ingestion, *[an_execution("l", executed_at=stopped_clock.ago(days=20))] * 3)
    await tidying(stopped_clock, "close_days")
    stopped_clock.move(days=85)
    await tidying(stopped_clock, "renew_partitions")
    await record(ingestion, a_failure("l", execution_time_ms=700))
    assert len(await listed(ingestion, "l")) == 1, "the log forgot the others"

    window = duration(60 * DAY)
    request = pb.GetWorkflowMetricsRequest(location_id="l", workflow_id="wf", window=window)
    metrics = (await ingestion.GetWorkflowMetrics(request, timeout=5)).metrics
    for bucket in (pb.BUCKET_HOUR, pb.BUCKET_DAY):
        for workflow_id in ("", "wf"):
            found = await timeline(ingestion, "l", 60 * DAY, bucket=bucket, workflow_id=workflow_id)
            assert (found.current, found.previous) == (metrics.current, metrics.previous)
    assert metrics.previous.total == 3
    assert metrics.current.HasField("p50_execution_time_ms")


async def test_a_run_a_little_ahead_of_our_clock_is_counted(stopped_clock):
    ahead = stopped_clock.now + timedelta(minutes=5)
    await record(stopped_clock.ingestion, an_execution("l", executed_at=ahead))
    found = await timeline(stopped_clock.ingestion, "l")
    assert found.buckets[-1].succeeded == found.current.total == 1


async def test_without_a_run_there_are_zeros(ingestion, location):
    found = await timeline(ingestion, location)
    assert len(found.buckets) == 25
    assert found.current == found.previous == pb.RunCounts()


async def test_an_unknown_workflow_is_not_found(ingestion, location):
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await timeline(ingestion, location, workflow_id="nobody")


async def test_what_is_wrong_with_the_request_is_said(ingestion, location):
    with refused(problems.InvalidRequest, "WINDOW_OUT_OF_RANGE"):
        await timeline(ingestion, location, 91 * DAY)
    with refused(problems.InvalidRequest, "BUCKET_UNKNOWN"):
        await timeline(ingestion, location, bucket=9)
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await timeline(ingestion, "")
