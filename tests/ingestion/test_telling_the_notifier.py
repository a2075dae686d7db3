"""Whoever must know that a workflow fails, or recovered, is told: once, and surely."""

import asyncio
from datetime import UTC

import psycopg
import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from services.ingestion.wiring import running
from tests.ingestion.builders import (
    NOWHERE,
    PARTIAL,
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    listed,
    record,
    settings_of,
    stub_of,
)
from tests.ingestion.fake_notifier import FakeNotifier, answering
from tests.support.waiting import eventually


async def told(notifier, location, count):
    """The events of a location, once there are so many; fails when there are more."""
    await eventually(lambda: len(notifier.events(location)) >= count)
    assert len(notifier.events(location)) == count
    return [each.WhichOneof("detail") for each in notifier.events(location)]


async def test_the_third_failure_in_24_hours_is_told_with_all_that_is_known(
    ingestion, location, notifier
):
    first, last = ago(hours=20), ago(minutes=5)
    await record(ingestion, a_failure(location, executed_at=first))
    await record(ingestion, a_failure(location, executed_at=ago(hours=1)))
    await record(ingestion, a_failure(location, executed_at=ago(hours=26)))
    assert notifier.events(location) == []
    await record(
        ingestion,
        a_failure(
            location,
            workflow_name="Welcome",
            executed_at=last,
            failed_action_name="Send SMS",
            error_message="30007: Message filtered " + "é" * 2000,
        ),
    )
    await told(notifier, location, 1)
    (event,) = notifier.events(location)
    failing = event.workflow_failing

    assert event.location_id == location
    assert event.occurred_at.ToDatetime(UTC) > ago(minutes=1)
    assert (failing.workflow_id, failing.workflow_name) == ("wf", "Welcome")
    assert (failing.new_failures, failing.failure_count) == (3, 3)
    assert (failing.failure_threshold, failing.time_window_hours) == (3, 24)
    assert failing.first_failure_at.ToDatetime(UTC) == first
    assert failing.last_failure_at.ToDatetime(UTC) == last
    assert (failing.failed_action_name, failing.error_class) == ("Send SMS", "SMS_FILTERED")
    assert failing.error_message.startswith("30007: Message filtered é")
    assert len(failing.error_message) == 1000
    newest = [each.execution_id for each in await listed(ingestion, location)]
    assert list(failing.execution_ids) == newest[:3]


async def test_each_batch_with_failures_is_told_while_it_goes_on(ingestion, location, notifier):
    await record(ingestion, *[a_failure(location)] * 4)
    await told(notifier, location, 1)
    await record(ingestion, *[a_failure(location)] * 2, a_failure(location, "another"))
    await told(notifier, location, 2)
    await record(ingestion, an_execution(location, status=PARTIAL))
    await record(ingestion, a_failure(location, error_message="unsubscribed"))
    await record(ingestion, a_failure(location, executed_at=ago(hours=25)))
    await record(ingestion, a_failure(location))
    await told(notifier, location, 3)

    told_of = notifier.failing(location)
    assert [each.new_failures for each in told_of] == [4, 2, 1]
    assert [each.failure_count for each in told_of] == [4, 6, 7]
    assert [len(each.execution_ids) for each in told_of] == [4, 5, 5]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_failures_count_by_their_own_time_in_whatever_order_they_come(
    ingestion, location, notifier, order
):
    moments = [ago(hours=23), ago(hours=2), ago(minutes=1)]
    for place in order:
        assert notifier.events(location) == []
        await record(ingestion, a_failure(location, executed_at=moments[place]))
    await told(notifier, location, 1)


async def test_the_first_success_after_is_told_as_recovered(ingestion, location, notifier):
    await record(ingestion, *[a_failure(location, executed_at=ago(hours=2))] * 3)
    await record(ingestion, an_execution(location, executed_at=ago(hours=3)))
    await record(ingestion, an_execution(location, status=PARTIAL))
    success = ago(minutes=50)
    await record(
        ingestion,
        an_execution(location, executed_at=ago(minutes=1)),
        an_execution(location, executed_at=success),
    )
    await record(ingestion, an_execution(location))

    assert await told(notifier, location, 2) == ["workflow_failing", "workflow_recovered"]
    recovered = notifier.events(location)[1].workflow_recovered
    assert recovered.workflow_id == "wf"
    assert recovered.recovered_at.ToDatetime(UTC) == success


async def test_a_failure_after_the_recovery_is_told_again_with_what_is_new(
    ingestion, location, notifier
):
    await record(ingestion, *[a_failure(location)] * 3)
    await record(ingestion, an_execution(location))
    await record(ingestion, a_failure(location))
    kinds = ["workflow_failing", "workflow_recovered", "workflow_failing"]

    assert await told(notifier, location, 3) == kinds
    assert notifier.failing(location)[1].new_failures == 1
    assert notifier.failing(location)[1].failure_count == 4


async def test_in_one_batch_the_order_of_the_items_breaks_ties(ingestion, location, notifier):
    at = ago(minutes=1)
    failures = [a_failure(location, "ends well", executed_at=at)] * 3
    await record(ingestion, *failures, an_execution(location, "ends well", executed_at=at))
    failures = [a_failure(location, "ends badly", executed_at=at)] * 3
    await record(ingestion, an_execution(location, "ends badly", executed_at=at), *failures)
    await told(notifier, location, 3)

    (recovered,) = [
        each.workflow_recovered.workflow_id
        for each in notifier.events(location)
        if each.HasField("workflow_recovered")
    ]
    assert recovered == "ends well"


async def test_an_incident_whose_failures_grew_too_old_is_still_closed(stopped_clock, notifier):
    ingestion = stopped_clock.ingestion
    await record(ingestion, *[a_failure("grown old")] * 3)
    stopped_clock.move(days=2)
    await record(ingestion, a_failure("grown old"))
    response = await ingestion.ListWorkflows(
        pb.ListWorkflowsRequest(location_id="grown old"), timeout=5
    )
    assert not response.workflows[0].failing
    await record(ingestion, an_execution("grown old"))
    kinds = await told(notifier, "grown old", 2)
    assert kinds == ["workflow_failing", "workflow_recovered"]


async def test_failures_at_the_same_moment_on_two_replicas_reach_the_threshold_once(
    new_database, notifier, notifier_address
):
    given = settings_of(new_database("ingestion"), notifier_address)
    async with (
        running(given) as one,
        running(given) as other,
        stub_of(one, given) as first,
        stub_of(other, given) as second,
        stub_of(one, given) as third,
    ):
        rounds = [f"round-{number:03}" for number in range(200)]
        for workflow in rounds:
            failure = a_failure("race", workflow)
            await asyncio.gather(*[record(stub, failure) for stub in (first, second, third)])
        await told(notifier, "race", 200)

    failing = notifier.failing("race")
    assert sorted(each.workflow_id for each in failing) == sorted(rounds)
    assert {(each.failure_count, each.new_failures) for each in failing} == {(3, 3)}


async def test_batches_of_many_workflows_in_any_order_never_wait_for_each_other(
    new_database, notifier, notifier_address
):
    url = new_database("ingestion")
    workflows = [f"wf-{number:02}" for number in range(40)]
    async with (
        an_ingestion(url, notifier_address) as one,
        an_ingestion(url, notifier_address) as other,
    ):
        batches = [[a_failure("crowd", each) for each in workflows] for _ in range(12)]
        for batch in batches[::2]:
            batch.reverse()
        calls = [
            record(stub, *batch) for stub, batch in zip([one, other] * 6, batches, strict=True)
        ]
        results = [each.outcome for batch in await asyncio.gather(*calls) for each in batch]
        # What a workflow's next failures say while an event waits goes into that event.
        await eventually(
            lambda: sum(each.new_failures for each in notifier.failing("crowd")) == 480
        )

    assert results == [pb.RecordResult.OUTCOME_ACCEPTED] * 480
    for workflow in workflows:
        mine = [each for each in notifier.failing("crowd") if each.workflow_id == workflow]
        counts = [each.failure_count for each in mine]
        assert counts == sorted(set(counts))
        assert counts[-1] == 12
        assert sum(each.new_failures for each in mine) == 12


async def test_what_happened_while_the_notifier_was_away_is_told_when_it_is_back(new_database):
    url, notifier = new_database("ingestion"), FakeNotifier()
    async with answering(notifier) as address:
        pass
    async with an_ingestion(url, address) as ingestion:
        await record(ingestion, *[a_failure("l")] * 3)
        await record(ingestion, an_execution("l"))
        assert len(await listed(ingestion, "l")) == 4
        async with answering(notifier, address):
            kinds = await told(notifier, "l", 2)
    assert kinds == ["workflow_failing", "workflow_recovered"]


async def test_what_nobody_could_be_told_is_told_after_a_restart(
    new_database, notifier_address, notifier
):
    url = new_database("ingestion")
    async with an_ingestion(url, NOWHERE) as ingestion:
        await record(ingestion, *[a_failure("restarted", error_message="401")] * 3)
        before = await listed(ingestion, "restarted")
    async with an_ingestion(url, notifier_address) as ingestion:
        assert await listed(ingestion, "restarted") == before
        await record(ingestion, an_execution("restarted"))
        kinds = await told(notifier, "restarted", 2)
    assert kinds == ["workflow_failing", "workflow_recovered"]


async def test_an_event_the_notifier_refuses_holds_nobody_up(new_database):
    url, notifier = new_database("ingestion"), FakeNotifier()
    notifier.refused_workflows.add("refused")
    async with answering(notifier) as address, an_ingestion(url, address) as ingestion:
        await record(ingestion, *[a_failure("l", "refused")] * 3)
        await record(ingestion, *[a_failure("l", "taken")] * 3)
        await told(notifier, "l", 1)
    with psycopg.connect(url) as connection:
        dead = connection.execute("SELECT reason FROM outbox_dead_letters").fetchall()
        waiting = connection.execute("SELECT count(*) FROM outbox").fetchone()
    assert (dead, waiting) == ([("WORKFLOW_MISSING: No.",)], (0,))


async def test_in_a_storm_one_event_for_each_workflow_waits_and_carries_all_failures(new_database):
    url, notifier = new_database("ingestion"), FakeNotifier()
    async with answering(notifier) as address:
        pass
    async with an_ingestion(url, address) as ingestion:
        for _ in range(20):
            await record(ingestion, *[a_failure("l")] * 3, *[a_failure("l", "other")] * 3)
        await record(ingestion, an_execution("l"))
        await record(ingestion, *[a_failure("l")] * 4)
        async with answering(notifier, address):
            await eventually(lambda: len(notifier.failing("l")) >= 3)
            await eventually(
                lambda: sum(each.new_failures for each in notifier.failing("l")) == 124
            )

    about = {"wf": [], "other": []}
    for event in notifier.events("l"):
        kind = event.WhichOneof("detail")
        detail = getattr(event, kind)
        about[detail.workflow_id].append((kind, getattr(detail, "new_failures", 0)))
    assert about["wf"][-2:] == [("workflow_recovered", 0), ("workflow_failing", 4)]
    # One on its way while the notifier was away, and one in which the rest was added up.
    assert len(about["other"]) <= 2
