"""What the scheduler learned of workflows, and what an alert says of it."""

import asyncio
from datetime import UTC

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp
from tests.ingestion.builders import (
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    record,
    refused,
)
from tests.support.waiting import eventually


def a_state(workflow_id="wf", *, changed_at=None, **fields):
    return pb.WorkflowState(workflow_id=workflow_id, changed_at=timestamp(changed_at), **fields)


async def report(ingestion, location, *states):
    request = pb.ReportWorkflowsRequest(location_id=location, workflows=states)
    return (await ingestion.ReportWorkflows(request, timeout=5)).changed_count


async def listed(ingestion, location):
    request = pb.ListWorkflowsRequest(location_id=location)
    return list((await ingestion.ListWorkflows(request, timeout=5)).workflows)


async def the_alert(notifier, location):
    await eventually(lambda: notifier.failing(location))
    return notifier.failing(location)[0]


async def test_a_workflow_that_never_ran_is_known_once_it_is_reported(ingestion, location):
    changed_at = ago(days=40)
    told = a_state(name="Welcome", status="published", version=3, changed_at=changed_at)
    assert await report(ingestion, location, told) == 1
    (found,) = await listed(ingestion, location)

    assert (found.name, found.status, found.version) == ("Welcome", "published", 3)
    assert found.changed_at.ToDatetime(UTC) == changed_at
    assert not found.HasField("last_execution_at")


async def test_the_same_report_again_changes_nothing(ingestion, location):
    states = [a_state("b", version=1, changed_at=ago(hours=1)), a_state("a", name="A")]
    assert await report(ingestion, location, *states) == 2
    assert await report(ingestion, location, *states) == 0


async def test_what_is_older_than_what_is_known_changes_nothing(ingestion, location):
    await report(ingestion, location, a_state(version=24, changed_at=ago(hours=1)))
    late = [a_state(version=23, changed_at=ago(hours=2))] * 2
    assert await report(ingestion, location, *late) == 0
    assert [each.version for each in await listed(ingestion, location)] == [24]


async def test_of_several_states_of_a_workflow_the_newest_counts(ingestion, location):
    states = [a_state(version=number, changed_at=ago(hours=number)) for number in (1, 3, 2)]
    assert await report(ingestion, location, *states) == 1
    assert [each.version for each in await listed(ingestion, location)] == [1]


async def test_a_name_that_is_reported_holds_until_a_later_run_has_another(ingestion, location):
    await record(ingestion, an_execution(location, workflow_name="old", executed_at=ago(hours=1)))
    await report(ingestion, location, a_state(name="new"))
    await record(ingestion, an_execution(location, workflow_name="late", executed_at=ago(hours=2)))
    assert [each.name for each in await listed(ingestion, location)] == ["new"]
    await report(ingestion, location, a_state())
    assert [each.name for each in await listed(ingestion, location)] == ["new"]
    await record(ingestion, an_execution(location, workflow_name="newest"))
    assert [each.name for each in await listed(ingestion, location)] == ["newest"]


async def test_an_alert_names_the_change_nearest_before_the_failures(ingestion, location, notifier):
    for version, hours in ((22, 9), (23, 5), (24, 1)):
        await report(
            ingestion,
            location,
            a_state(version=version, status="published", changed_at=ago(hours=hours)),
        )
    first = ago(minutes=40)
    await record(
        ingestion,
        a_failure(location, executed_at=ago(hours=3)),
        a_failure(location, executed_at=first),
        a_failure(location, executed_at=ago(minutes=20)),
    )
    alert = await the_alert(notifier, location)

    assert (alert.last_change.previous_version, alert.last_change.version) == (23, 24)
    assert alert.last_change.previous_status == "published"
    assert alert.first_failure_since_change_at.ToDatetime(UTC) == first


async def test_a_change_after_the_failures_or_long_before_them_is_not_named(
    ingestion, location, notifier
):
    await report(ingestion, location, a_state(version=1, changed_at=ago(days=40)))
    await record(ingestion, *[a_failure(location, executed_at=ago(hours=2))] * 2)
    await report(ingestion, location, a_state(version=2, changed_at=ago(hours=1)))
    await record(ingestion, a_failure(location, executed_at=ago(hours=2)))
    alert = await the_alert(notifier, location)

    assert not alert.HasField("last_change")
    assert not alert.HasField("first_failure_since_change_at")


async def test_a_changed_threshold_alerts_with_the_change_too(stopped_clock, notifier):
    ingestion = stopped_clock.ingestion
    location = "threshold lowered after a change"
    await report(ingestion, location, a_state(version=7, changed_at=stopped_clock.ago(hours=1)))
    await record(ingestion, *[a_failure(location)] * 2)
    notifier.configure(location, failures=2)
    alert = await the_alert(notifier, location)
    assert alert.last_change.version == 7


async def test_reports_and_batches_at_the_same_moment_never_wait_for_each_other(
    new_database, notifier_address
):
    url = new_database("ingestion")
    ids = [f"wf-{number:02}" for number in range(30)]
    async with (
        an_ingestion(url, notifier_address) as one,
        an_ingestion(url, notifier_address) as other,
    ):
        calls = []
        for version in range(10):
            states = [a_state(each, version=version, name=each) for each in reversed(ids)]
            calls.append(report(one, "race of reports", *states))
            calls.append(report(other, "race of reports", *states))
            calls.append(record(other, *[a_failure("race of reports", each) for each in ids]))
        await asyncio.gather(*calls)
        found = await listed(one, "race of reports")
    assert [each.last_24_hours.failed for each in found] == [10] * 30


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ([], "NO_WORKFLOWS"),
        ([a_state("")], "WORKFLOW_MISSING"),
        ([a_state()] * 501, "TOO_MANY_WORKFLOWS"),
        ([a_state("w" * 65)], "FIELD_TOO_LONG"),
        ([a_state(), a_state(status="s" * 65)], "FIELD_TOO_LONG"),
        ([a_state(name="n" * 301)], "FIELD_TOO_LONG"),
    ],
)
async def test_a_malformed_report_keeps_nothing(ingestion, location, states, reason):
    with refused(problems.InvalidRequest, reason):
        await report(ingestion, location, *states)
    assert await listed(ingestion, location) == []


async def test_the_location_is_required(ingestion):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await report(ingestion, "", a_state())
