"""What changed since the scan before, and what a scan says as a whole."""

import pytest

from services.scheduler.domain.comparison import Comparison, compare
from services.scheduler.domain.finding import Severity, worst_first
from services.scheduler.domain.result import lowest_first
from services.scheduler.domain.rules import NotAssessed
from services.scheduler.domain.summary import WorkflowScore, location_score, summarized
from tests.scheduler.domain.making import a_finding, a_result

A, B, C, D = (a_finding(f"GHL{letter}") for letter in "ABCD")
NOTHING = Comparison((), (), frozenset())
WARNING = a_finding("GHLW", severity=Severity.WARNING, base_penalty=18)
INFO = a_finding("GHLI", severity=Severity.INFO, base_penalty=4)


def marks(*findings):
    return {finding.fingerprint for finding in findings}


def test_findings_are_new_known_or_gone():
    comparison = compare([B, C, D], marks(A, B, C))

    assert comparison.new == (D,)
    assert marks(*comparison.known) == marks(B, C)
    assert comparison.fixed == marks(A)


def test_all_findings_of_a_first_scan_are_new():
    assert marks(*compare([A, B], frozenset()).new) == marks(A, B)


def test_a_finding_told_in_other_words_is_the_same():
    renamed = a_finding("GHLA", workflow_name="New name", evidence="Other numbers.", occurrences=4)

    assert compare([renamed], marks(A)).known == (renamed,)


def test_findings_come_worst_first():
    heavy = a_finding("GHLH", severity=Severity.WARNING, base_penalty=10, occurrences=5)

    assert worst_first([INFO, WARNING, heavy, A]) == [A, heavy, WARNING, INFO]


def test_results_come_lowest_first_and_unscored_ones_last():
    results = [a_result("wf-1", None), a_result("wf-2", 90), a_result("wf-3", 0)]

    assert [each.workflow_id for each in lowest_first(results)] == ["wf-3", "wf-2", "wf-1"]


@pytest.mark.parametrize(
    ("scores_and_runs", "expected"),
    [
        ([], None),
        ([(None, 500)], None),
        ([(40, 10), (None, 500)], 40),
        ([(40, 30), (80, 10)], 50),
        ([(0, 1), (90, 2)], 60),
        ([(0, 0), (90, 0)], 45),
        ([(20, 0), (90, 99)], 89),
    ],
)
def test_the_score_of_a_location_weighs_workflows_by_their_runs(scores_and_runs, expected):
    results = [
        a_result(f"wf-{position}", score, runs=runs)
        for position, (score, runs) in enumerate(scores_and_runs)
    ]

    assert location_score(results) == expected


def test_a_summary_counts_findings_changes_and_checks():
    results = [
        a_result("wf-1", 45, findings=(A, B, WARNING), runs=10),
        a_result("wf-2", 90, findings=(INFO,), runs=20),
        a_result("wf-3", None, not_assessed=(NotAssessed("GHL403", "20 runs"),)),
    ]
    summary = summarized(
        results,
        compare([A, B, WARNING, INFO], marks(A, C)),
        compared_with_scan_id="scan-1",
    )

    assert summary.text == (
        "3 workflows scanned: 2 critical, 1 warning, 1 info; 3 new, 1 fixed, 1 known. Score 75."
    )
    assert summary.score == 75
    assert (summary.critical_count, summary.warning_count, summary.info_count) == (2, 1, 1)
    assert (summary.new_count, summary.fixed_count, summary.known_count) == (3, 1, 1)
    assert summary.compared_with_scan_id == "scan-1"
    assert (summary.checks_run, summary.checks_total) == (6, 7)
    assert summary.worst_workflows == (
        WorkflowScore("wf-1", "Name of wf-1", 45),
        WorkflowScore("wf-2", "Name of wf-2", 90),
    )


@pytest.mark.parametrize(
    ("results", "comparison", "before", "expected"),
    [
        ([], NOTHING, "", "0 workflows scanned: nothing found. No score: too few runs."),
        (
            [a_result(score=90)],
            Comparison((), (), frozenset({"gone"})),
            "scan-1",
            "1 workflow scanned: nothing found; 0 new, 1 fixed, 0 known. Score 90.",
        ),
        (
            [a_result(score=90)],
            NOTHING,
            "scan-1",
            "1 workflow scanned: nothing found. Score 90.",
        ),
        (
            [a_result(score=50, findings=(WARNING, WARNING))],
            Comparison((WARNING, WARNING), (), frozenset()),
            "",
            "1 workflow scanned: 2 warnings. Score 50.",
        ),
    ],
)
def test_the_sentence_says_only_what_there_is(results, comparison, before, expected):
    assert summarized(results, comparison, compared_with_scan_id=before).text == expected


def test_the_worst_five_are_shown():
    results = [a_result(f"wf-{number}", 90 - number) for number in range(7)]
    summary = summarized(results, NOTHING, compared_with_scan_id="")

    assert [each.score for each in summary.worst_workflows] == [84, 85, 86, 87, 88]


def test_an_unscored_workflow_is_not_among_the_worst():
    summary = summarized(
        [a_result("wf-1", None), a_result("wf-2", 90)], NOTHING, compared_with_scan_id=""
    )

    assert [each.workflow_id for each in summary.worst_workflows] == ["wf-2"]
