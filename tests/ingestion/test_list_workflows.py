"""The workflows of a location."""

from datetime import UTC

import pytest

from libs import paging, problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import (
    FAILED,
    PARTIAL,
    SUCCESS,
    a_failure,
    ago,
    an_execution,
    record,
    refused,
)


async def workflows(ingestion, location, **request):
    message = pb.ListWorkflowsRequest(location_id=location, **request)
    return await ingestion.ListWorkflows(message, timeout=5)


async def the_workflow(ingestion, location):
    (found,) = (await workflows(ingestion, location)).workflows
    return found


async def test_a_workflow_is_known_once_it_ran(ingestion, location):
    moment = ago(hours=1)
    await record(
        ingestion,
        an_execution(location, workflow_name="Welcome", status=PARTIAL, executed_at=moment),
    )
    found = await the_workflow(ingestion, location)

    assert (found.location_id, found.workflow_id, found.name) == (location, "wf", "Welcome")
    assert found.first_seen_at.ToDatetime(UTC) > ago(minutes=1)
    assert found.last_execution_at.ToDatetime(UTC) == moment
    assert found.last_status == PARTIAL
    assert not found.failing


async def test_name_and_last_run_follow_the_time_of_the_runs_not_of_their_arrival(
    ingestion, location
):
    new, old, oldest = ago(hours=1), ago(hours=2), ago(hours=3)
    await record(ingestion, an_execution(location, workflow_name="B", executed_at=old))
    await record(ingestion, a_failure(location, executed_at=new))
    await record(ingestion, an_execution(location, workflow_name="A", executed_at=oldest))
    found = await the_workflow(ingestion, location)

    assert found.name == "B"
    assert found.last_status == FAILED
    assert found.last_execution_at.ToDatetime(UTC) == new

    await record(ingestion, an_execution(location, workflow_name="C", executed_at=new))
    found = await the_workflow(ingestion, location)
    assert (found.name, found.last_status) == ("C", SUCCESS)


async def test_a_run_without_a_name_leaves_the_name(ingestion, location):
    await record(ingestion, an_execution(location, workflow_name="Welcome"))
    await record(ingestion, an_execution(location))
    assert (await the_workflow(ingestion, location)).name == "Welcome"


async def test_a_workflow_over_its_threshold_is_failing_until_it_succeeds(ingestion, location):
    await record(ingestion, *[a_failure(location)] * 3)
    assert (await the_workflow(ingestion, location)).failing
    await record(ingestion, an_execution(location))
    assert not (await the_workflow(ingestion, location)).failing


async def test_workflows_come_by_id_page_by_page(ingestion, location):
    ids = ["B", "a", "b", "c", "é"]
    await record(ingestion, *[an_execution(location, each) for each in reversed(ids)])
    found, token = [], ""
    for _ in range(3):
        page = await workflows(ingestion, location, page_size=2, page_token=token)
        found.append([each.workflow_id for each in page.workflows])
        token = page.next_page_token
    assert found == [["B", "a"], ["b", "c"], ["é"]]
    assert token == ""


async def test_workflows_of_another_location_are_never_seen(ingestion, location):
    await record(ingestion, an_execution(f"{location}-b"))
    assert list((await workflows(ingestion, location)).workflows) == []


@pytest.mark.parametrize("position", [[], ["a", "b"]])
async def test_a_token_with_a_position_nobody_wrote_is_refused(ingestion, location, position):
    token = paging.token({"list": "workflows", "location_id": location}, position)
    with refused(problems.InvalidRequest, "PAGE_TOKEN_WRONG"):
        await workflows(ingestion, location, page_token=token)


async def test_a_position_that_cannot_be_stored_is_a_position(ingestion, location):
    token = paging.token({"list": "workflows", "location_id": location}, ["a\0"])
    assert list((await workflows(ingestion, location, page_token=token)).workflows) == []


async def test_location_and_page_size_are_checked(ingestion, location):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await workflows(ingestion, "")
    with refused(problems.InvalidRequest, "PAGE_SIZE_NEGATIVE"):
        await workflows(ingestion, location, page_size=-1)


async def test_a_workflow_shows_how_it_has_been_lately(stopped_clock):
    ingestion = stopped_clock.ingestion
    failed_at = stopped_clock.ago(days=2)
    await record(
        ingestion,
        an_execution("l", "a"),
        a_failure("l", "a", executed_at=failed_at),
        a_failure("l", "a", executed_at=stopped_clock.ago(days=8)),
        an_execution("l", "b", executed_at=stopped_clock.ago(days=20)),
    )
    first, second = (
        await ingestion.ListWorkflows(pb.ListWorkflowsRequest(location_id="l"), timeout=5)
    ).workflows

    assert (first.last_24_hours.total, first.last_24_hours.failure_rate) == (1, 0)
    assert (first.last_7_days.total, first.last_7_days.failure_rate) == (2, 0.5)
    assert first.last_failure_at.ToDatetime(UTC) == failed_at
    assert second.last_7_days == pb.RunCounts()
    assert not second.HasField("last_failure_at")
