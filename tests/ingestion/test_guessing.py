"""A batch guesses the time and that its keys are free; a wrong guess leaves no trace."""

from datetime import UTC, timedelta

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import (
    ACCEPTED,
    DUPLICATE,
    REJECTED,
    a_failure,
    an_execution,
    listed,
    record,
)


async def test_a_clock_that_was_set_is_believed_at_once(stopped_clock, location):
    times = []
    for hours in (0, 5, -3, 0):
        stopped_clock.move(hours=hours)
        times.append(stopped_clock.now)
        await record(stopped_clock.ingestion, an_execution(location, run_id=str(len(times))))
    kept = {run.run_id: run for run in await listed(stopped_clock.ingestion, location)}

    assert [kept[run].executed_at.ToDatetime(UTC) for run in "1234"] == times
    assert all(run.executed_at == run.received_at for run in kept.values())


async def test_what_is_too_old_is_refused_by_the_clock_and_not_by_a_guess(stopped_clock, location):
    long_ago = stopped_clock.ago(days=30) + timedelta(minutes=30)
    stopped_clock.move(hours=1)
    await record(stopped_clock.ingestion, an_execution(location))
    stopped_clock.move(hours=-1)
    (result,) = await record(stopped_clock.ingestion, an_execution(location, executed_at=long_ago))
    assert result.outcome == ACCEPTED


async def test_beside_a_duplicate_everything_else_counts_once(ingestion, location):
    await record(ingestion, an_execution(location, idempotency_key="known"))
    results = await record(
        ingestion,
        a_failure(location, idempotency_key="new"),
        an_execution(location, idempotency_key="known"),
        a_failure(location),
        a_failure(location, idempotency_key="new"),
        an_execution(location, idempotency_key="late", executed_at={"seconds": 10**15}),
    )
    metrics = await ingestion.GetWorkflowMetrics(
        pb.GetWorkflowMetricsRequest(location_id=location, workflow_id="wf"), timeout=5
    )

    outcomes = [each.outcome for each in results]
    assert outcomes == [ACCEPTED, DUPLICATE, ACCEPTED, DUPLICATE, REJECTED]
    assert len(await listed(ingestion, location)) == 3
    counts = metrics.metrics.current
    assert (counts.total, counts.failed) == (3, 2)


async def test_the_key_of_a_refused_run_stays_free_after_a_right_guess(ingestion, location):
    await record(ingestion, an_execution(location))
    (refusal,) = await record(
        ingestion, an_execution(location, idempotency_key="k", executed_at={"seconds": 10**15})
    )
    (result,) = await record(ingestion, an_execution(location, idempotency_key="k"))
    assert (refusal.outcome, result.outcome) == (REJECTED, ACCEPTED)
