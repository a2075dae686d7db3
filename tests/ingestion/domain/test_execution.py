"""How a report becomes an execution, and how a batch is summed up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain.execution import (
    ExecutedAtOutOfRange,
    Execution,
    Report,
    Status,
    received,
)
from services.ingestion.domain.workflow import sightings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def kept(**report):
    given = {"location_id": "l", "workflow_id": "w", "status": Status.SUCCESS, **report}
    return received(Report(**given), execution_id="id", now=NOW)


@pytest.mark.parametrize(
    ("offset", "executed_at", "adjusted"),
    [
        (timedelta(0), NOW, False),
        (timedelta(days=-30), NOW - timedelta(days=30), False),
        (timedelta(minutes=5), NOW + timedelta(minutes=5), False),
        (timedelta(minutes=5, microseconds=1), NOW, True),
        (timedelta(days=3650), NOW, True),
    ],
)
def test_a_run_keeps_its_time_unless_that_lies_in_the_future(offset, executed_at, adjusted):
    execution = kept(executed_at=NOW + offset)
    assert (execution.executed_at, execution.executed_at_adjusted) == (executed_at, adjusted)


def test_a_run_without_a_time_ended_now():
    assert kept().executed_at == NOW
    assert not kept().executed_at_adjusted


@pytest.mark.parametrize("offset", [timedelta(days=30, microseconds=1), timedelta(days=365_000)])
def test_a_run_of_more_than_30_days_ago_is_refused(offset):
    with pytest.raises(ExecutedAtOutOfRange):
        kept(executed_at=NOW - offset)


@pytest.mark.parametrize(
    ("status", "message", "error_class"),
    [
        (Status.FAILED, "401", "AUTH"),
        (Status.PARTIAL, "401", "AUTH"),
        (Status.SUCCESS, "401", ""),
        (Status.FAILED, "", ""),
    ],
)
def test_only_an_error_with_a_message_has_a_class(status, message, error_class):
    execution = kept(status=status, error_message=message)
    assert execution.error_class == error_class
    assert bool(execution.error_fingerprint) == bool(error_class)


@pytest.mark.parametrize(
    ("status", "message", "counts"),
    [
        (Status.FAILED, "", True),
        (Status.FAILED, "timeout", True),
        (Status.FAILED, "recipient unsubscribed", False),
        (Status.PARTIAL, "timeout", False),
        (Status.SUCCESS, "", False),
    ],
)
def test_only_failures_that_nobody_expects_count_to_the_threshold(status, message, counts):
    assert kept(status=status, error_message=message).counts_to_threshold is counts


def run(minute, number, *, workflow="w", name="", status=Status.SUCCESS):
    return Execution(
        location_id="l",
        workflow_id=workflow,
        workflow_name=name,
        status=status,
        execution_id=f"{number:03}",
        executed_at=NOW + timedelta(minutes=minute),
        received_at=NOW,
    )


def test_a_sighting_takes_the_newest_run_and_the_newest_name():
    batch = [
        run(1, 1, name="old"),
        run(3, 2, name="new", status=Status.FAILED),
        run(2, 3, name="late"),
        run(4, 4, status=Status.PARTIAL),
    ]
    (found,) = sightings(batch)
    assert (found.name, found.named_at) == ("new", NOW + timedelta(minutes=3))
    assert found.last_status == Status.PARTIAL
    assert found.last_execution_at == NOW + timedelta(minutes=4)


def test_of_two_runs_at_the_same_moment_the_later_arrival_is_the_newer():
    batch = [run(0, 2, status=Status.FAILED), run(0, 1)]
    assert sightings(batch)[0].last_status == Status.FAILED


runs = st.lists(
    st.builds(run, st.integers(0, 3), st.integers(0, 999), workflow=st.sampled_from("abc")),
    unique_by=lambda each: each.execution_id,
)


@given(runs, st.randoms(use_true_random=False))
def test_the_order_in_a_batch_does_not_matter(batch, random):
    shuffled = random.sample(batch, len(batch))
    assert sightings(shuffled) == sightings(batch)


@given(runs)
def test_workflows_are_locked_in_one_order(batch):
    keys = [each.workflow for each in sightings(batch)]
    assert keys == sorted(set(keys))
