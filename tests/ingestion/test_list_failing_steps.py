"""The steps at which runs fail."""

from datetime import UTC, timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import duration, timestamp
from tests.ingestion.builders import PARTIAL, a_failure, ago, an_execution, record, refused


async def steps(ingestion, location, **request):
    message = pb.ListFailingStepsRequest(location_id=location, **request)
    return await ingestion.ListFailingSteps(message, timeout=5)


def failed_at(location, workflow, id_="", name="", **fields):
    return a_failure(location, workflow, failed_action_id=id_, failed_action_name=name, **fields)


async def test_a_step_is_known_by_its_id_and_shown_with_its_newest_name(stopped_clock):
    ingestion, now, hour = stopped_clock.ingestion, stopped_clock.now, timedelta(hours=1)
    await record(
        ingestion,
        failed_at("l", "a", "s1", "Send SMS", error_message="timeout", executed_at=now - 2 * hour),
        failed_at("l", "a", "s1", "SMS", error_message="not found", executed_at=now - hour),
        failed_at("l", "a", "s1", "SMS", error_message="timeout", executed_at=now - 30 * hour),
        failed_at("l", "a", "s1", "SMS", error_message="timed out", executed_at=now - 26 * hour),
        an_execution("l", "a", status=PARTIAL, failed_action_id="s2", executed_at=now),
        an_execution("l", "a", status=PARTIAL),
        an_execution("l", "a", failed_action_id="s3"),
    )
    found = await steps(ingestion, "l", window=duration(24 * hour))

    assert found.step_count == 2
    assert found.window_end.ToDatetime(UTC) == now
    assert list(found.steps) == [
        pb.FailingStep(
            workflow_id="a",
            failed_action_id="s1",
            failed_action_name="SMS",
            count=2,
            previous_count=2,
            first_seen_at=timestamp(now - 2 * hour),
            last_seen_at=timestamp(now - hour),
            error_class="HTTP_REMOTE",
        ),
        pb.FailingStep(
            workflow_id="a",
            failed_action_id="s2",
            count=1,
            first_seen_at=timestamp(now),
            last_seen_at=timestamp(now),
        ),
    ]


async def test_steps_without_an_id_are_told_apart_by_name_and_all_by_workflow(ingestion, location):
    await record(
        ingestion,
        failed_at(location, "a", name="SMS"),
        failed_at(location, "a", name="SMS"),
        failed_at(location, "a", name="Mail"),
        failed_at(location, "b", name="SMS"),
        failed_at(location, "b"),
    )
    found = (await steps(ingestion, location)).steps
    assert {(each.workflow_id, each.failed_action_name): each.count for each in found} == {
        ("a", "SMS"): 2,
        ("a", "Mail"): 1,
        ("b", "SMS"): 1,
        ("b", ""): 1,
    }
    assert found[0].count == 2


async def test_only_so_many_as_asked_for_of_the_workflow_asked_for(ingestion, location):
    await record(ingestion, *[failed_at(location, each, "s") for each in ("a", "a", "b")])
    await record(ingestion, failed_at(location, "a", "t"), failed_at(f"{location}-b", "a", "s"))
    found = await steps(ingestion, location, page_size=1)
    assert [(each.failed_action_id, each.count) for each in found.steps] == [("s", 2)]
    assert found.step_count == 3
    assert (await steps(ingestion, location, workflow_id="b")).step_count == 1


async def test_nothing_outside_the_window_is_seen(ingestion, location):
    await record(ingestion, failed_at(location, "a", "s", executed_at=ago(days=8)))
    assert (await steps(ingestion, location)).step_count == 0


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"window": duration(timedelta(days=91))}, "WINDOW_OUT_OF_RANGE"),
        ({"page_size": -1}, "PAGE_SIZE_NEGATIVE"),
    ],
)
async def test_what_is_wrong_with_the_request_is_said(ingestion, location, asked, reason):
    with refused(problems.InvalidRequest, reason):
        await steps(ingestion, location, **asked)
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await steps(ingestion, "")
