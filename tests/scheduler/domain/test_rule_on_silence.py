"""GHL104: a workflow that was busy and runs no more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduler.domain.evidence import WorkflowStatus
from services.scheduler.domain.finding import Severity
from tests.scheduler.domain.making import HOUR, NOW, found, lacking, ran, runs

DAY = timedelta(days=1)


def test_a_busy_workflow_that_has_not_run_for_a_day_went_silent():
    (finding,) = found(ran("S" * 30, newest_ago=26 * HOUR), "GHL104")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 18)
    assert finding.evidence == (
        "No run since 2026-11-19 10:00 UTC, 26 hours ago; "
        "the 14 days before had 30 runs with a median gap of 60 min."
    )


@pytest.mark.parametrize(
    "workflow",
    [
        ran("S" * 30, newest_ago=DAY - timedelta(minutes=1)),
        ran("S" * 20, every=12 * HOUR, newest_ago=2 * DAY - HOUR),
        ran("F" * 30, newest_ago=HOUR),
    ],
    ids=["not yet a day", "not yet four gaps", "it runs, if badly"],
)
def test_a_pause_that_is_not_long_enough_is_no_silence(workflow):
    assert found(workflow, "GHL104") == []


def test_four_gaps_of_a_slow_workflow_are_silence():
    assert found(ran("S" * 20, every=12 * HOUR, newest_ago=2 * DAY), "GHL104")


def test_a_pause_like_the_one_between_its_newest_runs_is_no_silence():
    """A workflow that rests at weekends rests at this one too."""
    friday, next_friday = runs("S" * 10, newest_ago=7 * DAY), runs("S" * 10, newest_ago=60 * HOUR)
    weekdays = ran("S" * 20, newest_ago=60 * HOUR, recent_runs=(*next_friday, *friday))

    assert found(weekdays, "GHL104") == []
    assert found(ran("S" * 20, newest_ago=60 * HOUR), "GHL104")


@pytest.mark.parametrize("busy_period_runs", [0, 1, 9])
def test_a_workflow_without_rhythm_is_not_judged(busy_period_runs):
    seldom = ran("S" * busy_period_runs, newest_ago=3 * DAY, last_execution_at=NOW - 3 * DAY)

    assert lacking(seldom, "GHL104") == "10 runs within 14 days, to know its rhythm"


def test_a_draft_is_expected_to_be_silent():
    silent = ran("S" * 30, newest_ago=3 * DAY)

    assert found(replace(silent, status=WorkflowStatus.DRAFT), "GHL104") == []
    assert found(replace(silent, status=WorkflowStatus.PUBLISHED), "GHL104")


def test_without_metadata_a_workflow_silent_for_a_month_was_switched_off():
    for_a_month = ran("S" * 30, newest_ago=30 * DAY)

    assert found(for_a_month, "GHL104") == []
    assert found(replace(for_a_month, status=WorkflowStatus.PUBLISHED), "GHL104")
