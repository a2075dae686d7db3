"""Kinds of errors: how often, since when, where."""

from datetime import UTC, timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import duration, timestamp
from tests.ingestion.builders import PARTIAL, a_failure, ago, an_execution, record, refused

TIMEOUT = "Timeout after {} s for contact {}"


async def groups(ingestion, location, **request):
    message = pb.ListErrorGroupsRequest(location_id=location, **request)
    return await ingestion.ListErrorGroups(message, timeout=5)


async def test_errors_that_differ_only_in_values_are_one_group(stopped_clock):
    ingestion, hours = stopped_clock.ingestion, timedelta(hours=1)
    now = stopped_clock.now
    runs = [
        a_failure("l", "a", error_message=TIMEOUT.format(1, "x1"), executed_at=now - 5 * hours),
        a_failure("l", "b", error_message=TIMEOUT.format(2, "x2"), executed_at=now - 5 * hours),
        an_execution(
            "l", "b", status=PARTIAL, error_message=TIMEOUT.format(3, "x3"),
            failed_action_name="", executed_at=now - 2 * hours,
        ),
        a_failure("l", "a", error_message=TIMEOUT.format(4, "x4"), executed_at=now - 30 * hours),
        a_failure("l", "a", error_message="The contact unsubscribed", executed_at=now),
        an_execution("l", "a"),
    ]  # fmt: skip
    results = await record(ingestion, *runs)
    found = await groups(ingestion, "l", window=duration(24 * hours))

    assert (found.group_count, found.bucket) == (2, pb.BUCKET_HOUR)
    assert found.window_start.ToDatetime(UTC) == now - 24 * hours
    assert found.window_end.ToDatetime(UTC) == now
    timeouts, expected = found.groups
    assert len(timeouts.error_fingerprint) == 16
    timeouts.ClearField("error_fingerprint")

    def hour(at):
        return timestamp(at.replace(minute=0, second=0, microsecond=0))

    assert timeouts == pb.ErrorGroup(
        error_class="HTTP_REMOTE",
        sample_message=TIMEOUT.format(3, "x3"),
        count=3,
        previous_count=1,
        first_seen_at=timestamp(now - 5 * hours),
        last_seen_at=timestamp(now - 2 * hours),
        buckets=[
            pb.CountBucket(start=hour(now - 5 * hours), count=2),
            pb.CountBucket(start=hour(now - 2 * hours), count=1),
        ],
        workflow_count=2,
        workflow_ids=["b", "a"],
        execution_ids=[results[place].execution_id for place in (2, 1, 0)],
    )
    assert (expected.error_class, expected.expected, expected.count) == ("EXPECTED", True, 1)
    assert expected.previous_count == 0


async def test_failures_without_a_message_are_a_group_of_their_own(ingestion, location):
    await record(ingestion, a_failure(location), a_failure(location, failed_action_name="SMS"))
    await record(ingestion, an_execution(location, status=PARTIAL))
    (found,) = (await groups(ingestion, location)).groups
    assert (found.error_class, found.error_fingerprint, found.count) == ("", "", 2)


async def test_days_are_days_of_utc(stopped_clock):
    ingestion = stopped_clock.ingestion
    midnight = (stopped_clock.now - timedelta(days=2)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    moments = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=23)]
    await record(ingestion, *[a_failure("l", executed_at=at) for at in moments])
    found = await groups(ingestion, "l", bucket=pb.BUCKET_DAY)
    (group,) = found.groups
    assert found.bucket == pb.BUCKET_DAY
    assert [(each.start.ToDatetime(UTC), each.count) for each in group.buckets] == [
        (midnight - timedelta(days=1), 1),
        (midnight, 2),
    ]


async def test_the_most_frequent_come_first_and_all_are_counted(ingestion, location):
    for count, word in ((1, "alpha"), (3, "beta"), (2, "gamma")):
        await record(ingestion, *[a_failure(location, error_message=word)] * count)
    found = await groups(ingestion, location, page_size=2)
    assert [each.sample_message for each in found.groups] == ["beta", "gamma"]
    assert found.group_count == 3


async def test_a_group_names_at_most_10_workflows_and_5_executions(ingestion, location):
    await record(ingestion, *[a_failure(location, f"wf-{place:02}") for place in range(12)])
    (found,) = (await groups(ingestion, location)).groups
    assert found.workflow_count == 12
    assert list(found.workflow_ids) == [f"wf-{place:02}" for place in range(10)]
    assert len(found.execution_ids) == 5


async def test_only_the_workflow_asked_for_is_looked_at(ingestion, location):
    await record(ingestion, a_failure(location, "a"), a_failure(location, "b"))
    (found,) = (await groups(ingestion, location, workflow_id="a")).groups
    assert (list(found.workflow_ids), found.count) == (["a"], 1)


async def test_nothing_outside_the_window_or_the_location_is_seen(ingestion, location):
    await record(
        ingestion, a_failure(f"{location}-b"), a_failure(location, executed_at=ago(hours=2))
    )
    found = await groups(ingestion, location, window=duration(timedelta(hours=1)))
    assert (list(found.groups), found.group_count) == ([], 0)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"window": duration(timedelta(seconds=59))}, "WINDOW_OUT_OF_RANGE"),
        ({"window": duration(timedelta(days=90, seconds=1))}, "WINDOW_OUT_OF_RANGE"),
        ({"bucket": 9}, "BUCKET_UNKNOWN"),
        ({"page_size": -1}, "PAGE_SIZE_NEGATIVE"),
    ],
)
async def test_what_is_wrong_with_the_request_is_said(ingestion, location, asked, reason):
    with refused(problems.InvalidRequest, reason):
        await groups(ingestion, location, **asked)
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await groups(ingestion, "")
