"""The health score: worked numbers, and the laws of its arithmetic."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.finding import Severity
from services.scheduler.domain.score import Basis, Deduction, gains, score_of
from tests.scheduler.domain.making import a_finding

FULL = Basis(runs=5, definition=True)
RUNS_ONLY = Basis(runs=5)
DEFINITION_ONLY = Basis(runs=4, definition=True)


def critical(penalty, **more):
    return a_finding(more.pop("rule_id", f"GHL-c{penalty}"), base_penalty=penalty, **more)


def warning(penalty, **more):
    return critical(penalty, rule_id=f"GHL-w{penalty}", severity=Severity.WARNING, **more)


def info(penalty):
    return critical(penalty, rule_id=f"GHL-i{penalty}", severity=Severity.INFO)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        pytest.param([], 100, id="no finding"),
        pytest.param([critical(35)], 65, id="one critical"),
        pytest.param([critical(35), warning(12), warning(10)], 43, id="critical and two warnings"),
        pytest.param([critical(35), critical(30)], 35, id="two criticals"),
        pytest.param([critical(55)], 45, id="trigger off"),
        pytest.param(
            [warning(18), warning(12), warning(10), warning(8), warning(4)],
            60,
            id="five warnings, capped",
        ),
        pytest.param([info(4), info(5), info(6)], 90, id="infos, capped"),
        pytest.param([critical(30, occurrences=3)], 55, id="one value missing in three steps"),
        pytest.param(
            [critical(30, place=place) for place in ("a", "b", "c")],
            55,
            id="the same told place by place",
        ),
        pytest.param([critical(30, occurrences=9)], 40, id="at most double"),
        pytest.param([critical(35 * 0.3), critical(30 * 0.3)], 80, id="a draft with two criticals"),
        pytest.param([critical(60)], 40, id="60 % of 20 runs failed"),
        pytest.param([critical(90), critical(55)], 0, id="never below 0"),
        pytest.param(
            [warning(49, counts_as=Severity.CRITICAL)], 51, id="a failure rate is never capped"
        ),
    ],
)
def test_the_worked_numbers_hold(findings, expected):
    assert score_of(findings, FULL).value == expected


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        (FULL, 100),
        (DEFINITION_ONLY, 95),
        (RUNS_ONLY, 90),
        (Basis(runs=4), None),
        (Basis(), None),
    ],
)
def test_the_evidence_sets_a_ceiling(basis, expected):
    assert score_of([], basis).value == expected


def test_a_ceiling_above_the_score_takes_nothing():
    assert score_of([], FULL).deductions == ()
    assert score_of([warning(18)], RUNS_ONLY).deductions == (
        Deduction("Title of GHL-w18", "GHL-w18", 18),
    )


def test_without_a_score_there_is_no_arithmetic_and_nothing_to_gain():
    assert score_of([critical(35)], Basis()).deductions == ()
    assert gains([critical(35)], Basis()) == {}


def test_the_lines_come_worst_first_with_cap_rounding_and_ceiling_after_them():
    findings = [warning(30), warning(18), critical(10.5), info(4)]

    assert [(line.label, line.points) for line in score_of(findings, FULL).deductions] == [
        ("Title of GHL-w30", 30),
        ("Title of GHL-w18", 18),
        ("Title of GHL-c10.5", 10.5),
        ("Title of GHL-i4", 4),
        ("warnings capped at 40", -8),
        ("rounded to a whole number", -0.5),
    ]
    assert [(line.label, line.points) for line in score_of([info(4)], RUNS_ONLY).deductions] == [
        ("Title of GHL-i4", 4),
        ("at most 90 without a definition", 6),
    ]
    assert score_of([critical(90), critical(55)], FULL).deductions[-1] == Deduction(
        "floor at 0", "", -45
    )
    assert score_of([], DEFINITION_ONLY).deductions == (
        Deduction("at most 95 with fewer than 5 runs", "", 5),
    )


@st.composite
def some_findings(draw):
    """Findings as rules make them: places of one workflow, each with its own fingerprint."""
    kinds = st.tuples(
        st.sampled_from(["GHL1", "GHL2", "GHL3", "GHL4", "GHL5"]),
        st.sampled_from(Severity),
        st.sampled_from(Severity),
        st.sampled_from([4, 8, 12, 18, 30, 35, 55, 90]),
        st.sampled_from([1, 0.3, 0.5]),
        st.integers(1, 7),
    )
    return [
        a_finding(
            rule_id,
            severity=severity,
            counts_as=counts_as,
            base_penalty=penalty * weight,
            occurrences=occurrences,
            place=f"step {number}",
        )
        for number, (rule_id, severity, counts_as, penalty, weight, occurrences) in enumerate(
            draw(st.lists(kinds, max_size=8))
        )
    ]


bases = st.sampled_from([FULL, RUNS_ONLY, DEFINITION_ONLY])


@given(some_findings(), bases)
def test_the_deductions_add_up_to_what_the_score_lacks(findings, basis):
    score = score_of(findings, basis)
    lines = [Decimal(str(line.points)) for line in score.deductions]

    assert sum(lines) == 100 - score.value
    assert 0 <= score.value <= 100


@given(some_findings(), some_findings(), bases)
def test_a_finding_more_never_raises_the_score(findings, more, basis):
    assert score_of(findings + more, basis).value <= score_of(findings, basis).value


@given(some_findings(), bases)
def test_fixing_a_finding_gives_exactly_what_was_announced(findings, basis):
    announced = gains(findings, basis)
    now = score_of(findings, basis).value

    assert len(announced) == len(findings)
    for fixed in findings:
        rest = [finding for finding in findings if finding is not fixed]
        assert score_of(rest, basis).value == now + announced[fixed.fingerprint]
        assert announced[fixed.fingerprint] >= 0


@given(some_findings().flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_findings_does_not_matter(orders):
    in_one_order, in_another = orders

    assert score_of(in_one_order, FULL) == score_of(in_another, FULL)
