"""GHL406 to GHL410, and failures that are no fault of a workflow."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduler.domain.evidence import RunCounts, StepLog
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.result import examined
from tests.scheduler.domain.making import (
    HOUR,
    LOCATION,
    a_workflow,
    counts,
    errors,
    found,
    lacking,
    ran,
)

DAY = timedelta(days=1)


def failing(*classes, runs=100):
    return ran("", last_7_days=counts(succeeded=runs), error_classes=classes)


@pytest.mark.parametrize(
    ("rule_id", "errors_seen", "runs", "penalty"),
    [
        ("GHL406", errors("SMS_FILTERED", 3), 150, 20),
        ("GHL406", errors("EMAIL_BOUNCE", 5), 100, 20),
        ("GHL406", errors("EMAIL_AUTH", 3), 100_000, 20),
        ("GHL407", errors("CONTACT_DATA", 10), 100, 8),
        ("GHL408", errors("HTTP_REMOTE", 3), 300, 15),
        ("GHL408", errors("RATE_LIMIT", 30), 300, 15),
        ("GHL408", errors("NOT_FOUND", 2, "status code 410"), 100, 15),
    ],
)
def test_a_class_of_errors_that_is_a_share_of_the_runs_is_found(
    rule_id, errors_seen, runs, penalty
):
    (finding,) = found(failing(errors_seen, runs=runs), rule_id)

    assert (finding.severity, finding.penalty) == (Severity.WARNING, penalty)
    assert errors_seen.error_class in finding.evidence


@pytest.mark.parametrize(
    ("rule_id", "errors_seen", "runs"),
    [
        ("GHL406", errors("SMS_FILTERED", 2), 10),
        ("GHL406", errors("SMS_FILTERED", 3), 151),
        ("GHL406", errors("EMAIL_BOUNCE", 4), 100),
        ("GHL406", errors("EMAIL_AUTH", 2), 10),
        ("GHL407", errors("CONTACT_DATA", 2), 10),
        ("GHL407", errors("CONTACT_DATA", 9), 100),
        ("GHL408", errors("HTTP_REMOTE", 2), 10),
        ("GHL408", errors("HTTP_REMOTE", 3), 301),
        ("GHL408", errors("NOT_FOUND", 1, "404"), 10),
        ("GHL408", errors("NOT_FOUND", 9, "contact not found"), 10),
        ("GHL408", errors("EXPECTED", 90), 100),
        ("GHL406", errors("EXPECTED", 90), 100),
        ("GHL407", errors("EXPECTED", 90), 100),
    ],
)
def test_fewer_errors_or_other_ones_are_no_finding(rule_id, errors_seen, runs):
    assert found(failing(errors_seen, runs=runs), rule_id) == []


@pytest.mark.parametrize("rule_id", ["GHL406", "GHL407", "GHL408"])
def test_shares_are_not_judged_without_runs(rule_id):
    assert lacking(failing(errors("AUTH", 3), runs=0), rule_id) == "runs within 7 days"


def test_remote_failures_of_several_classes_add_up():
    (finding,) = found(failing(errors("HTTP_REMOTE", 2, "502"), errors("RATE_LIMIT", 1)), "GHL408")

    assert finding.evidence == (
        "3 of the 100 runs of the last 7 days failed at a remote endpoint "
        "(2 HTTP_REMOTE, 1 RATE_LIMIT), most recently: “502”."
    )


QUIET_WEEK = (2, 0, 7, 30, 4, 1) * 24


def test_one_contact_that_starts_it_over_and_over_is_a_storm():
    (finding,) = found(ran("S", most_starts=50), "GHL409")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 40)
    assert found(ran("S", most_starts=49), "GHL409") == []


def test_an_hour_like_none_before_is_a_warning():
    (finding,) = found(ran("S", hourly_runs=(*QUIET_WEEK, 300, 5)), "GHL409")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 20)


@pytest.mark.parametrize(
    "hours",
    [
        QUIET_WEEK,
        (*QUIET_WEEK, 199),
        (*QUIET_WEEK[:-30], 400, *QUIET_WEEK[-29:], 500),
        (60, 80) * 84 + (599,),
        (300,),
        (0,) * 47 + (5000,),
        (),
    ],
    ids=["quiet", "few", "an import like before", "busy", "new", "too little known", "nothing"],
)
def test_a_volume_that_may_be_usual_is_no_storm(hours):
    assert found(ran("S", hourly_runs=hours), "GHL409") == []


def test_storms_are_not_judged_without_volumes():
    assert lacking(ran("S"), "GHL409") == "starts by contact, or runs by the hour"


def logged(**more):
    return a_workflow(step_logs=(StepLog(**{"step_id": "a", "step_name": "Send"} | more),))


@pytest.mark.parametrize(("rows", "silent"), [(1000, 3), (10, 1), (1, 1)])
def test_a_step_that_fails_silently_is_found(rows, silent):
    (finding,) = found(logged(rows=rows, silent_failures=silent, sample_reason="403"), "GHL410")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)
    assert (finding.place, finding.place_name) == ("a", "Send")


def test_a_step_that_is_skipped_often_is_a_warning():
    (finding,) = found(logged(rows=10, skipped=3), "GHL410")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 15)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"rows": 1000, "silent_failures": 2},
        {"rows": 9, "skipped": 9},
        {"rows": 100, "skipped": 29},
    ],
)
def test_a_step_that_does_its_work_is_fine(more):
    assert found(logged(**more), "GHL410") == []


def test_without_step_logs_nothing_is_said_of_steps():
    assert lacking(a_workflow(), "GHL410") == "step logs"


def expected(workflow, *positions):
    """The same workflow, with some failures that are no fault of its own."""
    history = workflow.history
    runs = tuple(
        replace(each, expected=n in positions) for n, each in enumerate(history.recent_runs)
    )
    more = {
        window: replace(getattr(history, window), expected=len(positions))
        for window in ("last_7_days", "last_24_hours")
    }
    return replace(workflow, history=replace(history, recent_runs=runs, **more))


def test_expected_failures_never_lower_a_score():
    letters = "FFFFFFSSSSSSSSSSSSSS"
    faulty, fine = ran(letters), expected(ran(letters), *range(6))

    assert {each.rule_id for each in examined(faulty, LOCATION).findings} >= {"GHL401", "GHL402"}
    assert examined(fine, LOCATION).findings == ()
    assert examined(fine, LOCATION).score.value == 90


def test_an_expected_failure_neither_breaks_nor_makes_a_row_of_failures():
    assert found(expected(ran("FFFFFFS"), 2), "GHL402")
    assert found(expected(ran("FFFFFS"), 2), "GHL402") == []


def test_a_day_of_expected_failures_is_no_outage():
    week = "FFF" + "S" * 5
    day = expected(ran(week, every=timedelta(hours=10)), 0, 1, 2)
    mixed = ran("FFFF" + "S" * 5, every=timedelta(hours=7))

    assert found(day, "GHL402") == []
    assert found(expected(mixed, 1), "GHL402")


def test_expected_failures_are_left_out_of_the_rate_and_told():
    counted = RunCounts(total=20, succeeded=12, failed=8, expected=3)
    (finding,) = found(ran("", last_7_days=counted), "GHL401")

    assert finding.penalty == 25
    assert finding.evidence == (
        "5 of the 20 runs of the last 7 days failed: 25.0%. "
        "3 more failed as expected (unsubscribed, do not disturb)."
    )


def test_expected_failures_do_not_make_failures_rise():
    letters = "FFFSSSSSSS" + "S" * 10

    assert found(ran(letters), "GHL403")
    assert found(expected(ran(letters), 0, 1), "GHL403") == []


@pytest.mark.parametrize(("ago", "silent"), [(93, False), (94, True)])
def test_a_pause_that_newest_runs_do_not_show_is_no_silence(ago, silent):
    """A busy workflow that rests at weekends: its 20 newest runs are all of one day."""
    busy = ran("S" * 200, every=HOUR / 6, newest_ago=ago * HOUR, longest_gap=62.5 * HOUR)

    assert bool(found(busy, "GHL104")) is silent


def test_a_workflow_that_pauses_on_dates_is_not_called_silent():
    silent = ran("S" * 30, newest_ago=3 * DAY)
    definition = {"steps": [], "scheduledPauseDates": [{"from": "2026-11-16"}]}

    assert found(silent, "GHL104")
    assert "dates" in lacking(replace(silent, definition=definition), "GHL104")
