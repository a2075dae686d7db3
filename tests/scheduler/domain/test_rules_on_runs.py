"""GHL401 to GHL405: the smallest history that fires each, and the nearest that must not."""

from datetime import timedelta

import pytest

from services.scheduler.domain.finding import Severity
from tests.scheduler.domain.making import (
    HOUR,
    a_workflow,
    counts,
    errors,
    found,
    lacking,
    ran,
)

ONE_AND_A_HALF_DAYS = timedelta(hours=36)


@pytest.mark.parametrize(
    ("history", "severity", "penalty"),
    [
        (counts(succeeded=18, failed=2), Severity.WARNING, 10),
        (counts(succeeded=3, failed=1, partial=1), Severity.WARNING, 15),
        (counts(succeeded=51, failed=49), Severity.WARNING, 49),
        (counts(succeeded=10, failed=10), Severity.CRITICAL, 50),
        (counts(succeeded=8, failed=12), Severity.CRITICAL, 60),
        (counts(partial=10), Severity.CRITICAL, 50),
        (counts(failed=5), Severity.CRITICAL, 50),
        (counts(failed=40), Severity.CRITICAL, 90),
    ],
)
def test_a_failure_rate_from_ten_percent_takes_its_share(history, severity, penalty):
    (finding,) = found(ran("", last_7_days=history), "GHL401")

    assert (finding.severity, finding.penalty) == (severity, penalty)
    assert finding.counts_as is Severity.CRITICAL
    assert finding.occurrences == 1


@pytest.mark.parametrize("history", [counts(succeeded=4, failed=1), counts(succeeded=9, failed=1)])
def test_a_single_failure_is_bad_luck_whatever_its_share(history):
    assert found(ran("", last_7_days=history), "GHL401") == []


@pytest.mark.parametrize(
    "history",
    [
        counts(succeeded=91, failed=9),
        counts(succeeded=9, partial=1),
        counts(succeeded=5),
    ],
)
def test_a_failure_rate_below_ten_percent_is_not_a_finding(history):
    assert found(ran("", last_7_days=history), "GHL401") == []


def test_a_failure_rate_of_four_runs_is_not_judged():
    four = ran("", last_7_days=counts(failed=4))

    assert lacking(four, "GHL401") == "5 runs within 7 days; there were 4"


def test_the_evidence_of_a_failure_rate_can_be_checked_by_hand():
    (finding,) = found(ran("FFPSSSSSSS"), "GHL401")

    assert finding.evidence == (
        "2 of the 10 runs of the last 7 days failed and 1 ended partial (counted as half): 25.0%."
    )
    assert finding.execution_ids == ("ex-0", "ex-1", "ex-2")


def test_runs_older_than_the_window_are_not_shown_as_its_evidence():
    (finding,) = found(ran("FFSSSFFFF", every=ONE_AND_A_HALF_DAYS), "GHL401")

    assert finding.execution_ids == ("ex-0", "ex-1")


def test_five_failures_in_a_row_are_an_outage():
    (finding,) = found(ran("FFFFFFS"), "GHL402")

    assert (finding.severity, finding.penalty, finding.occurrences) == (Severity.CRITICAL, 55, 1)
    assert finding.evidence == "The last 6 runs all failed, from 2026-11-20 06:00 UTC on."
    assert finding.execution_ids == ("ex-0", "ex-1", "ex-2", "ex-3", "ex-4")


def test_three_failures_are_an_outage_when_the_day_had_no_other_run():
    (finding,) = found(ran("FFF" + "S" * 5, every=timedelta(hours=10)), "GHL402")

    assert finding.evidence == "All 3 runs of the last 24 hours failed."
    assert finding.execution_ids == ("ex-0", "ex-1", "ex-2")


@pytest.mark.parametrize(
    ("letters", "every"),
    [
        ("FFFFS", HOUR),
        ("SFFFFF", HOUR),
        ("FFFFPF", HOUR),
        ("FFSSSS", timedelta(hours=12)),
        ("FFS", timedelta(hours=2)),
    ],
)
def test_failures_with_another_end_among_them_are_no_outage(letters, every):
    assert found(ran(letters, every=every), "GHL402") == []


def test_failures_of_long_ago_are_no_outage():
    forgotten = ran("FFFFFFF", newest_ago=timedelta(days=31))

    assert lacking(forgotten, "GHL402") == "5 runs within 30 days, or 3 within 24 hours"


def test_two_failures_more_among_the_newest_ten_are_a_rise():
    (finding,) = found(ran("FSFSSFSSSS" + "SSSFSSSSSS"), "GHL403")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 10)
    assert finding.evidence == "3 of the newest 10 runs failed, 1 of the 10 before."
    assert finding.execution_ids == ("ex-0", "ex-2", "ex-5")


@pytest.mark.parametrize(
    "letters",
    [
        "FSSSSSSSSS" + "SSSSSSSSSS",
        "FFFSSSSSSS" + "SSSSSSSSFF",
        "SSSSSSSSSS" + "FFFFFFFFFF",
        "PPPPSSSSSS" + "SSSSSSSSSS",
    ],
)
def test_fewer_more_failures_are_no_rise(letters):
    assert found(ran(letters), "GHL403") == []


def test_a_rise_is_not_judged_by_nineteen_runs():
    assert lacking(ran("F" * 19), "GHL403") == "20 runs within 30 days; there were 19"


@pytest.mark.parametrize(
    ("rule_id", "error_class", "count", "penalty"),
    [
        ("GHL404", "AUTH", 2, 43.75),
        ("GHL404", "AUTH", 5, 70),
        ("GHL404", "AUTH", 50, 70),
        ("GHL405", "SMS_SENDER", 1, 35),
        ("GHL405", "SMS_SENDER", 3, 52.5),
    ],
)
def test_errors_that_only_the_owner_can_cure_are_critical(rule_id, error_class, count, penalty):
    workflow = ran("S" * 5, error_classes=(errors("OTHER", 9), errors(error_class, count)))
    (finding,) = found(workflow, rule_id)

    assert (finding.severity, finding.occurrences, finding.penalty) == (
        Severity.CRITICAL,
        count,
        penalty,
    )


@pytest.mark.parametrize(
    ("rule_id", "classes"),
    [
        ("GHL404", [errors("AUTH", 1)]),
        ("GHL404", [errors("SMS_SENDER", 9), errors("OTHER", 9)]),
        ("GHL405", [errors("SMS_FILTERED", 9), errors("AUTH", 9)]),
        ("GHL405", []),
    ],
)
def test_other_errors_or_too_few_are_no_finding(rule_id, classes):
    assert found(ran("F" * 5, error_classes=tuple(classes)), rule_id) == []


def test_the_evidence_of_an_error_class_names_its_newest_message_and_runs():
    seen = errors("SMS_SENDER", 1, " 30034: not registered ", tuple(f"ex-{n}" for n in range(7)))
    (finding,) = found(ran("F", error_classes=(seen,)), "GHL405")

    assert finding.evidence == (
        "1 run of the last 7 days failed with an error of class SMS_SENDER, "
        "most recently: “30034: not registered”."
    )
    assert finding.execution_ids == ("ex-0", "ex-1", "ex-2", "ex-3", "ex-4")


def test_a_long_message_is_cut_in_the_evidence():
    (finding,) = found(ran("FF", error_classes=(errors("AUTH", 2, "x" * 500),)), "GHL404")

    assert len(finding.evidence) < 300


@pytest.mark.parametrize("rule_id", ["GHL404", "GHL405"])
def test_errors_are_not_judged_without_a_run_in_the_window(rule_id):
    assert lacking(ran("S", newest_ago=timedelta(days=8)), rule_id) == "runs within 7 days"


@pytest.mark.parametrize("rule_id", ["GHL104", "GHL401", "GHL402", "GHL403", "GHL404", "GHL405"])
def test_without_run_history_no_rule_on_runs_is_judged(rule_id):
    assert lacking(a_workflow(), rule_id) == "runs"


@pytest.mark.parametrize("every", [timedelta(minutes=1), HOUR, timedelta(hours=20)])
def test_a_healthy_workflow_of_any_pace_gives_no_finding(every):
    healthy = ran("S" * 500, every=every, newest_ago=every)

    for rule_id in ["GHL104", "GHL401", "GHL402", "GHL403", "GHL404", "GHL405"]:
        assert found(healthy, rule_id) == []
