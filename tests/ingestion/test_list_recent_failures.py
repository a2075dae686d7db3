"""The failures of a workflow within a window that ends now."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import duration
from tests.ingestion.builders import (
    PARTIAL,
    a_failure,
    ago,
    an_execution,
    record,
    refused,
)


async def failures(ingestion, location, workflow="wf", **request):
    message = pb.ListRecentFailuresRequest(location_id=location, workflow_id=workflow, **request)
    return await ingestion.ListRecentFailures(message, timeout=5)


def runs(response):
    return "".join(each.run_id for each in response.executions)


@pytest.fixture
async def history(ingestion, location):
    await record(
        ingestion,
        a_failure(location, run_id="c", executed_at=ago(hours=25)),
        a_failure(location, run_id="a", error_message="unsubscribed"),
        an_execution(location, run_id="s"),
        an_execution(location, run_id="p", status=PARTIAL),
        a_failure(location, run_id="b", executed_at=ago(hours=23)),
        a_failure(location, "another", run_id="x"),
        a_failure(f"{location}-b", run_id="y"),
    )


async def test_failures_of_the_last_24_hours_come_newest_first(ingestion, location, history):
    assert runs(await failures(ingestion, location)) == "ab"


async def test_the_window_can_be_another(ingestion, location, history):
    hour, days = timedelta(hours=1), timedelta(days=90)
    assert runs(await failures(ingestion, location, window=duration(hour))) == "a"
    assert runs(await failures(ingestion, location, window=duration(days))) == "abc"


async def test_a_failure_whose_clock_is_ahead_of_ours_is_recent(ingestion, location):
    soon = datetime.now(UTC) + timedelta(minutes=4)
    await record(ingestion, a_failure(location, run_id="a", executed_at=soon))
    assert runs(await failures(ingestion, location)) == "a"


async def test_a_workflow_that_never_failed_has_an_empty_list(ingestion, location):
    await record(ingestion, an_execution(location))
    assert runs(await failures(ingestion, location)) == ""


async def test_all_pages_keep_the_window_of_the_first(stopped_clock):
    ingestion = stopped_clock.ingestion
    hours = {"a": 0, "b": 1, "c": 2, "d": 3, "e": 24}
    await record(
        ingestion,
        *[
            a_failure("l", run_id=n, executed_at=stopped_clock.ago(hours=h))
            for n, h in hours.items()
        ],
    )

    first = await failures(ingestion, "l", page_size=3)
    stopped_clock.move(hours=2)
    second = await failures(ingestion, "l", page_size=3, page_token=first.next_page_token)
    fresh = await failures(ingestion, "l")

    assert (runs(first), runs(second), runs(fresh)) == ("abc", "de", "abcd")
    assert second.next_page_token == ""


async def test_an_unknown_workflow_is_not_found(ingestion, location):
    await record(ingestion, a_failure(location))
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await failures(ingestion, location, "unknown")
    with refused(problems.NotFound, "WORKFLOW_NOT_FOUND"):
        await failures(ingestion, f"{location}-b")


@pytest.mark.parametrize(
    "window",
    [
        Duration(),
        Duration(seconds=59),
        Duration(seconds=-60),
        Duration(seconds=90 * 86400, nanos=1000),
        Duration(seconds=10**15),
        Duration(seconds=315_576_000_000),
    ],
)
async def test_a_window_of_less_than_a_minute_or_more_than_90_days_is_refused(
    ingestion, location, window
):
    with refused(problems.InvalidRequest, "WINDOW_OUT_OF_RANGE"):
        await failures(ingestion, location, window=window)


async def test_location_and_workflow_are_required(ingestion, location):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await failures(ingestion, "")
    with refused(problems.InvalidRequest, "WORKFLOW_MISSING"):
        await failures(ingestion, location, "")


async def test_a_token_of_another_list_is_refused(ingestion, location, history):
    token = (await failures(ingestion, location, page_size=1)).next_page_token
    with refused(problems.InvalidRequest, "PAGE_TOKEN_WRONG"):
        await failures(ingestion, location, page_token=token, window=duration(timedelta(hours=1)))
    with refused(problems.InvalidRequest, "PAGE_TOKEN_WRONG"):
        await ingestion.ListExecutions(
            pb.ListExecutionsRequest(location_id=location, page_token=token), timeout=5
        )
