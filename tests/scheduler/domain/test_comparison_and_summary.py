"""What changed since the scans before, and what a scan says as a whole."""

from datetime import timedelta

import pytest

from services.scheduler.domain.comparison import Comparison, Standing, compare
from services.scheduler.domain.finding import FindingState, Severity, worst_first
from services.scheduler.domain.result import lowest_first
from services.scheduler.domain.rules import CoverageEntry, Gap, NotAssessed
from services.scheduler.domain.rules.coverage import TITLES
from services.scheduler.domain.score import grade_of
from services.scheduler.domain.summary import (
    Baseline,
    GapCount,
    RuleCount,
    WorkflowScore,
    location_score,
    summarized,
)
from tests.scheduler.domain.making import a_finding, a_result, known_as

A, B, C, D = (a_finding(f"GHL{letter}") for letter in "ABCD")
ALL_RULES = ("GHLA", "GHLB", "GHLC", "GHLD")
NOTHING = Comparison()
BEFORE = Baseline(scan_id="scan-1")
WARNING = a_finding("GHLW", severity=Severity.WARNING, base_penalty=18)
INFO = a_finding("GHLI", severity=Severity.INFO, base_penalty=4)


def looked(*findings, **more):
    """What a scan says that could look for everything in one workflow."""
    return a_result(findings=findings, **{"assessed_rule_ids": ALL_RULES} | more)


def marks(findings):
    return {finding.fingerprint for finding in findings}


def test_findings_are_new_known_or_gone():
    comparison = compare([looked(B, C, D)], known_as(Standing.OPEN, A, B, C))

    assert comparison.new == (D,)
    assert marks(comparison.known) == marks([B, C])
    assert marks(comparison.fixed) == marks([A])
    assert comparison.regressed == comparison.ignored == ()


def test_all_findings_of_a_first_scan_are_new():
    assert marks(compare([looked(A, B)], {}).new) == marks([A, B])


def test_a_finding_told_in_other_words_is_the_same():
    renamed = a_finding("GHLA", workflow_name="New name", evidence="Other numbers.", occurrences=4)

    assert compare([looked(renamed)], known_as(Standing.OPEN, A)).known == (renamed,)


def test_what_was_fixed_and_is_back_has_regressed():
    comparison = compare([looked(A, B)], known_as(Standing.FIXED, A))

    assert (comparison.new, comparison.regressed) == ((B,), (A,))
    assert comparison.risen == (B, A)


def test_what_is_ignored_is_nothing_else():
    comparison = compare([looked(B, ignored=(A,))], known_as(Standing.OPEN, A, B))

    assert (comparison.ignored, comparison.known, comparison.fixed) == ((A,), (B,), ())


def test_what_is_ignored_no_longer_is_new():
    assert compare([looked(A)], known_as(Standing.IGNORED, A)).new == (A,)


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([], id="the workflow is gone or out of scope"),
        pytest.param([looked(assessed_rule_ids=("GHLB",))], id="the rule lacked its input"),
    ],
)
def test_what_could_not_be_looked_for_is_not_known_to_be_fixed(results):
    assert compare(results, known_as(Standing.OPEN, A)) == NOTHING


@pytest.mark.parametrize("standing", [Standing.FIXED, Standing.IGNORED])
def test_only_what_was_open_is_told_as_fixed(standing):
    assert compare([looked()], known_as(standing, A)).fixed == ()


def test_what_was_known_in_a_draft_surfaces_when_it_is_published():
    in_draft, published = looked(A, draft=True), looked(A)

    assert compare([in_draft], {}).in_drafts == {A.fingerprint}
    first = compare([published], known_as(Standing.DRAFT, A))
    assert (first.known, first.surfaced, first.in_drafts) == ((A,), (A,), frozenset())
    assert compare([in_draft], known_as(Standing.DRAFT, A)).surfaced == ()
    assert compare([published], known_as(Standing.OPEN, A)).surfaced == ()
    assert marks(compare([looked()], known_as(Standing.DRAFT, A)).fixed) == marks([A])


def test_every_finding_has_one_state():
    known = known_as(Standing.OPEN, A) | known_as(Standing.FIXED, B)

    assert compare([looked(A, B, C, ignored=(D,))], known).states() == {
        A.fingerprint: FindingState.OPEN,
        B.fingerprint: FindingState.REGRESSED,
        C.fingerprint: FindingState.NEW,
        D.fingerprint: FindingState.IGNORED,
    }


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
        a_result("wf-1", 45, findings=(A, B, WARNING), runs=10, ignored=(D,)),
        a_result("wf-2", 90, findings=(INFO,), runs=20),
        a_result("wf-3", None, not_assessed=(NotAssessed("GHL403", "20 runs"),)),
    ]
    summary = summarized(
        results,
        Comparison(new=(B, WARNING), regressed=(INFO,), known=(A,), ignored=(D,), fixed=(C,)),
        Baseline(scan_id="scan-1", score=80, workflow_ids=frozenset({"wf-1", "wf-9"})),
        took=timedelta(seconds=9),
        ghl_calls=4,
    )

    assert summary.text == (
        "3 workflows scanned: 2 critical, 1 warning, 1 info; "
        "3 new, 1 of them back again, 1 fixed, 1 known. Score 75."
    )
    assert (summary.score, summary.score_before) == (75, 80)
    assert (summary.critical_count, summary.warning_count, summary.info_count) == (2, 1, 1)
    assert (summary.new_count, summary.fixed_count, summary.known_count) == (3, 1, 1)
    assert (summary.regressed_count, summary.ignored_count) == (1, 1)
    assert summary.compared_with_scan_id == "scan-1"
    assert (summary.appeared_count, summary.vanished_count) == (2, 1)
    assert (summary.checks_run, summary.checks_total) == (6, 7)
    assert (summary.seconds, summary.ghl_calls) == (9, 4)
    assert summary.grades == {"high_risk": 1, "good": 1, "not_assessed": 1}
    assert summary.worst_workflows == (
        WorkflowScore("wf-1", "Name of wf-1", 45),
        WorkflowScore("wf-2", "Name of wf-2", 90),
    )


def test_a_summary_counts_by_rule_the_most_first():
    twice = a_finding("GHLW", place="s2", severity=Severity.CRITICAL)
    results = [a_result(findings=(A, WARNING, twice))]

    assert summarized(results, NOTHING).rules == (
        RuleCount("GHLW", "Title of GHLW", Severity.CRITICAL, 2),
        RuleCount("GHLA", "Title of GHLA", Severity.CRITICAL, 1),
    )


def test_a_summary_counts_what_could_not_be_seen_by_kind():
    runs, shape = (CoverageEntry(gap, TITLES[gap], "why") for gap in (Gap.RUNS, Gap.SHAPE))
    results = [a_result(coverage=(runs, shape)), a_result(coverage=(runs,)), a_result()]

    assert summarized(results, NOTHING).gaps == (
        GapCount("GHL902", "No runs received yet", 2),
        GapCount("GHL903", "Definition has parts of unknown shape", 1),
    )


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        (100, "good"),
        (90, "good"),
        (89, "fair"),
        (75, "fair"),
        (74, "needs_attention"),
        (50, "needs_attention"),
        (49, "high_risk"),
        (25, "high_risk"),
        (24, "critical"),
        (0, "critical"),
        (None, "not_assessed"),
    ],
)
def test_a_score_has_a_grade(score, grade):
    assert grade_of(score) == grade


@pytest.mark.parametrize(
    ("results", "comparison", "before", "expected"),
    [
        ([], NOTHING, None, "0 workflows scanned: nothing found. No score: too few runs."),
        (
            [a_result(score=90)],
            Comparison(fixed=tuple(known_as(Standing.OPEN, A).values())),
            BEFORE,
            "1 workflow scanned: nothing found; 0 new, 1 fixed, 0 known. Score 90.",
        ),
        (
            [a_result(score=90)],
            NOTHING,
            BEFORE,
            "1 workflow scanned: nothing found. Score 90.",
        ),
        (
            [a_result(score=50, findings=(WARNING, WARNING))],
            Comparison(new=(WARNING, WARNING)),
            None,
            "1 workflow scanned: 2 warnings. Score 50.",
        ),
    ],
)
def test_the_sentence_says_only_what_there_is(results, comparison, before, expected):
    assert summarized(results, comparison, before).text == expected


def test_the_worst_five_are_shown():
    results = [a_result(f"wf-{number}", 90 - number) for number in range(7)]
    summary = summarized(results, NOTHING)

    assert [each.score for each in summary.worst_workflows] == [84, 85, 86, 87, 88]


def test_an_unscored_workflow_is_not_among_the_worst():
    summary = summarized([a_result("wf-1", None), a_result("wf-2", 90)], NOTHING)

    assert [each.workflow_id for each in summary.worst_workflows] == ["wf-2"]
