"""Batches that only count are recorded in one trip, and nothing that they count stays untold."""

import itertools

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from tests.ingestion.builders import (
    ACCEPTED,
    DUPLICATE,
    PARTIAL,
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    listed,
    record,
)
from tests.ingestion.fake_notifier import FakeNotifier
from tests.support.waiting import eventually

_serial = itertools.count(1)
RUNS = {"success": an_execution, "failed": a_failure}
batches = st.lists(
    st.tuples(st.sampled_from(["wf-1", "wf-2"]), st.sampled_from(list(RUNS))),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
async def replicas(databases, notifier_address):
    """Two services on one database; each remembers only what it recorded itself."""
    url = databases.new("ingestion")
    async with (
        an_ingestion(url, notifier_address) as one,
        an_ingestion(url, notifier_address) as two,
    ):
        for each in (one, two):
            await record(each, an_execution("warm"))  # so that it knows the time
        yield one, two
    databases.drop(url)


def told(notifier: FakeNotifier, location: str, workflow_id: str = "wf"):
    """What was told of a workflow in its order, failures in a row as their sum."""
    found = []
    for event in notifier.events(location):
        kind = event.WhichOneof("detail")
        detail = getattr(event, kind)
        if detail.workflow_id != workflow_id:
            continue
        new = getattr(detail, "new_failures", None)
        if new and found and found[-1]:
            found[-1] += new
        else:
            found.append(new)
    return found


def recorded_as(kind):
    name = "runwarden_ingest_batches_total"
    return REGISTRY.get_sample_value(name, {"kind": kind}) or 0


async def taken_as(kind, recorded):
    """The results of a batch that is recorded in this way."""
    before = recorded_as(kind)
    results = await recorded
    assert recorded_as(kind) == before + 1
    return results


async def failing(ingestion, notifier, location):
    """Makes the workflow fail three times, and waits until that is told."""
    await taken_as("judged", record(ingestion, *[a_failure(location)] * 3))
    await eventually(lambda: told(notifier, location) == [3])


async def test_successes_and_more_of_the_same_failures_take_one_trip(replicas, notifier, location):
    one, _ = replicas
    await taken_as("counted", record(one, an_execution(location), an_execution(location, "other")))
    await failing(one, notifier, location)

    await taken_as("counted", record(one, a_failure(location), an_execution(location, "other")))
    await taken_as("counted", record(one, a_failure(location), a_failure(location)))

    await eventually(lambda: told(notifier, location) == [6])
    newest = notifier.failing(location)[-1]
    assert newest.failure_count == 6
    ids = [each.execution_id for each in await listed(one, location, workflow_id="wf")]
    assert list(newest.execution_ids) == ids[:5]


async def test_failures_that_are_not_enough_are_judged(replicas, notifier, location):
    one, _ = replicas
    for _ in range(2):
        await taken_as("judged", record(one, a_failure(location)))
    await taken_as("judged", record(one, a_failure(location)))
    await eventually(lambda: told(notifier, location) == [3])


async def test_the_success_of_one_that_fails_is_judged_with_what_was_only_counted(
    replicas, notifier, location
):
    one, _ = replicas
    await failing(one, notifier, location)
    await taken_as("counted", record(one, *[a_failure(location)] * 4))
    await taken_as("judged", record(one, an_execution(location)))
    await eventually(lambda: told(notifier, location) == [7, None])


@pytest.mark.parametrize("runs", [(a_failure, an_execution), (an_execution, a_failure)])
async def test_where_it_is_not_known_what_came_last_it_is_judged(
    replicas, notifier, location, runs
):
    one, _ = replicas
    await failing(one, notifier, location)
    await taken_as("judged", record(one, *(each(location) for each in runs)))
    await eventually(lambda: sum(each or 0 for each in told(notifier, location)) == 4)


async def test_a_failure_of_yesterday_is_judged(replicas, notifier, location):
    one, _ = replicas
    await failing(one, notifier, location)
    await taken_as("judged", record(one, a_failure(location, executed_at=ago(hours=30))))
    await taken_as("judged", record(one, a_failure(location, executed_at=ago(hours=2))))
    await eventually(lambda: told(notifier, location) == [4])


async def test_a_success_that_another_process_waits_for_is_not_missed(replicas, notifier, location):
    one, two = replicas
    await failing(one, notifier, location)

    await taken_as("asked", record(two, an_execution(location)))

    await eventually(lambda: told(notifier, location) == [3, None])


async def test_locations_and_workflows_are_not_mistaken_for_each_other(
    replicas, notifier, location
):
    """Whose ids, one after the other with a slash between them, are the same."""
    one, two = replicas
    await record(one, *[a_failure(location, "a/b")] * 3)
    await record(two, *[a_failure(f"{location}/a", "b")] * 3)
    await eventually(lambda: told(notifier, location, "a/b") == [3])

    await taken_as(
        "asked", record(two, an_execution(location, "a/b"), a_failure(f"{location}/a", "b"))
    )

    await eventually(lambda: told(notifier, location, "a/b") == [3, None])


async def test_who_recovered_elsewhere_fails_anew(replicas, notifier, location):
    one, two = replicas
    await failing(one, notifier, location)
    await record(two, an_execution(location))

    await taken_as("asked", record(one, a_failure(location)))

    await eventually(lambda: told(notifier, location) == [3, None, 1])


async def test_a_partial_run_of_one_that_fails_is_no_recovery(replicas, notifier, location):
    one, _ = replicas
    await failing(one, notifier, location)
    await taken_as("judged", record(one, an_execution(location, status=PARTIAL)))
    await taken_as("counted", record(one, a_failure(location)))
    await eventually(lambda: told(notifier, location) == [4])


async def test_a_key_that_is_taken_is_found_and_leaves_no_trace(replicas, location):
    one, two = replicas
    (first,) = await taken_as("counted", record(one, an_execution(location, idempotency_key="k")))

    again, new = await taken_as(
        "asked",
        record(two, an_execution(location, idempotency_key="k"), an_execution(location, "new")),
    )

    assert (again.outcome, again.execution_id) == (DUPLICATE, first.execution_id)
    assert new.outcome == ACCEPTED
    assert len(await listed(one, location)) == 2


async def test_what_a_process_counted_and_did_not_tell_is_told_by_the_next(
    new_database, notifier, notifier_address, location
):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address) as ingestion:
        await record(ingestion, an_execution(location))
        await failing(ingestion, notifier, location)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE workflows SET untold_failures = 2 WHERE failing")

    async with an_ingestion(url, notifier_address):
        await eventually(lambda: told(notifier, location) == [5])


@given(st.lists(st.tuples(st.booleans(), batches), min_size=1, max_size=12))
async def test_over_two_processes_each_failure_is_told_once_and_each_recovery(
    replicas, notifier, stream
):
    location = f"law-{next(_serial)}"
    for second, batch in stream:
        await record(replicas[second], *(RUNS[kind](location, name) for name, kind in batch))

    for name in ("wf-1", "wf-2"):
        kinds = [[kind for each, kind in batch if each == name] for _, batch in stream]
        expected = as_told([each for each in kinds if each])
        await eventually(
            lambda name=name, expected=expected: told(notifier, location, name) == expected
        )


def as_told(stream):
    """What is told of one workflow, one batch after the other; `told` has its form."""
    found, failures, untold, due = [], 0, 0, False
    for kinds in stream:
        new = kinds.count("failed")
        failures, untold = failures + new, untold + new
        if new and failures >= 3:
            if found and found[-1]:
                found[-1] += untold
            else:
                found.append(untold)
            untold, due = 0, True
        # Runs of one batch that ended at the same moment are ordered by their ids.
        if due and kinds[-1] == "success":
            found.append(None)
            due = False
    return found
