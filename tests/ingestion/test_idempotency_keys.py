"""A delivery that is repeated counts once."""

import asyncio
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from tests.ingestion.builders import (
    ACCEPTED,
    DUPLICATE,
    REJECTED,
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    listed,
    record,
    waiting_for_locks,
)
from tests.support.waiting import eventually


async def test_a_repeated_delivery_changes_nothing_and_names_the_first(ingestion, location):
    (first,) = await record(ingestion, an_execution(location, idempotency_key="k"))
    (again,) = await record(
        ingestion, a_failure(location, idempotency_key="k", workflow_name="other")
    )
    (kept,) = await listed(ingestion, location)

    assert (first.outcome, again.outcome) == (ACCEPTED, DUPLICATE)
    assert kept.execution_id == first.execution_id == again.execution_id
    assert kept.workflow_name == ""


async def test_a_key_given_twice_in_one_batch_counts_once(ingestion, location):
    first, other, again = await record(
        ingestion,
        an_execution(location, idempotency_key="k"),
        an_execution(location, idempotency_key="l"),
        an_execution(location, idempotency_key="k"),
    )
    assert [each.outcome for each in (first, other, again)] == [ACCEPTED, ACCEPTED, DUPLICATE]
    assert again.execution_id == first.execution_id
    assert len(await listed(ingestion, location)) == 2


async def test_keys_of_other_workflows_and_locations_are_other_keys(ingestion, location):
    results = await record(
        ingestion,
        an_execution(location, "a", idempotency_key="k"),
        an_execution(location, "b", idempotency_key="k"),
        an_execution(f"{location}-b", "a", idempotency_key="k"),
    )
    assert [each.outcome for each in results] == [ACCEPTED] * 3


async def test_without_a_key_equal_runs_are_two_runs(ingestion, location):
    at = ago(minutes=1)
    await record(ingestion, *[an_execution(location, run_id="r", executed_at=at)] * 2)
    assert len(await listed(ingestion, location)) == 2


async def test_a_rejected_run_does_not_use_its_key_up(ingestion, location):
    results = await record(
        ingestion,
        an_execution(location, idempotency_key="k", executed_at=ago(days=31)),
        an_execution(location, idempotency_key="k"),
    )
    assert [each.outcome for each in results] == [REJECTED, ACCEPTED]


async def test_a_key_is_free_again_after_7_days(stopped_clock):
    ingestion, run = stopped_clock.ingestion, an_execution("l", idempotency_key="k")
    (first,) = await record(ingestion, run)
    stopped_clock.move(days=7, microseconds=-1)
    (still,) = await record(ingestion, run)
    stopped_clock.move(microseconds=1)
    (free,) = await record(ingestion, run)
    (again,) = await record(ingestion, run)

    assert (still.outcome, still.execution_id) == (DUPLICATE, first.execution_id)
    assert free.outcome == ACCEPTED
    assert (again.outcome, again.execution_id) == (DUPLICATE, free.execution_id)


async def test_50_copies_at_the_same_moment_on_two_replicas_are_one_run(
    new_database, notifier_address
):
    url = new_database("ingestion")
    async with (
        an_ingestion(url, notifier_address) as one,
        an_ingestion(url, notifier_address) as other,
    ):
        # Each copy travels with another, in either order: keys are locked sorted.
        pair = [an_execution("l", idempotency_key=key) for key in ("k1", "k2")]
        calls = [
            record(replica, *(pair if copy % 2 else reversed(pair)))
            for copy in range(25)
            for replica in (one, other)
        ]
        results = [each for batch in await asyncio.gather(*calls) for each in batch]
        kept = await listed(one, "l")

    assert [each.outcome for each in results].count(ACCEPTED) == 2
    assert [each.outcome for each in results].count(DUPLICATE) == 98
    assert {each.execution_id for each in results} == {each.execution_id for each in kept}
    assert len(kept) == 2


async def test_a_batch_that_loses_a_deadlock_is_tried_once_more(
    new_database, notifier_address, postgres
):
    url = new_database("ingestion")
    administered = make_conninfo(postgres, dbname=urlsplit(url).path[1:])
    # PostgreSQL ends whoever notices first: not the other, however busy the machine is.
    patient = "-c deadlock_timeout=10min"
    claim = (
        "INSERT INTO execution_keys VALUES ('l', 'wf', 'finished', %s, gen_random_uuid(), now())"
    )
    async with (
        an_ingestion(url, notifier_address) as ingestion,
        await psycopg.AsyncConnection.connect(url) as between,
        await psycopg.AsyncConnection.connect(administered, options=patient) as other,
    ):
        await between.execute(claim, ["k2"])
        await other.execute(claim, ["k3"])
        keys = ("k1", "k2", "k3")
        batch = asyncio.create_task(
            record(ingestion, *[an_execution("l", idempotency_key=key) for key in keys])
        )
        await eventually(lambda: waiting_for_locks(administered) == 1)
        waiting = asyncio.create_task(other.execute(claim, ["k1"]))
        await eventually(lambda: waiting_for_locks(administered) == 2)
        await between.rollback()  # now the batch waits for the other, which waits for it
        await waiting
        await other.commit()
        results = await batch

    assert [each.outcome for each in results] == [DUPLICATE, ACCEPTED, DUPLICATE]
