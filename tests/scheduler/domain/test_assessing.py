"""How rules are asked, and what becomes of one that cannot answer."""

from dataclasses import replace

import pytest

from services.scheduler.domain.evidence import Evidence, WorkflowStatus
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.result import examined
from services.scheduler.domain.rules import RULES, assess
from services.scheduler.domain.rules.rule import Sighting, rule
from tests.scheduler.domain.making import LOCATION, a_workflow, ran


def a_rule(rule_id, check, **more):
    return rule(
        rule_id,
        f"Name of {rule_id}",
        **{
            "severity": Severity.CRITICAL,
            "penalty": 35,
            "needs": {Evidence.RUNS},
            "remedy": "Repair it.",
        }
        | more,
    )(check)


def fails_half_way(workflow, location):
    yield Sighting(evidence="seen before the failure")
    raise KeyError("steps")


def sees(*places):
    def check(workflow, location):
        for place in places:
            yield Sighting(evidence=f"seen at {place}", place=place)

    return check


def test_every_rule_has_its_own_id_and_says_when_it_fires_and_what_to_do():
    assert len({each.id for each in RULES}) == len(RULES)
    for each in RULES:
        assert each.check.__doc__
        assert each.name
        assert each.remedy.endswith(".")
        assert 0 < each.penalty <= 100


def test_a_rule_that_fails_is_a_gap_and_the_others_go_on():
    rules = [a_rule("GHL1", fails_half_way), a_rule("GHL2", sees("step 1"))]
    assessment = assess(ran("S"), LOCATION, rules)

    assert [finding.rule_id for finding in assessment.findings] == ["GHL2"]
    assert assessment.assessed_rule_ids == ("GHL2",)
    (gap,) = assessment.not_assessed
    assert (gap.rule_id, gap.lacks) == ("GHL1", "GHL906 rule failed")
    assert isinstance(gap.error, KeyError)


def test_a_rule_without_its_evidence_is_not_assessed_and_never_passed():
    needs = {Evidence.REFERENCES, Evidence.DEFINITION}
    assessment = assess(ran("S"), LOCATION, [a_rule("GHL1", sees("step 1"), needs=needs)])

    assert assessment.assessed_rule_ids == ()
    assert assessment.findings == ()
    assert [gap.lacks for gap in assessment.not_assessed] == ["definition, references"]


@pytest.mark.parametrize("letters", ["", "S", "F" * 5, "SFP" * 20])
def test_every_rule_either_judges_or_says_what_it_lacks(letters):
    for workflow in (ran(letters), a_workflow(), a_workflow(status=WorkflowStatus.PUBLISHED)):
        assessment = assess(workflow, LOCATION)
        gaps = [gap.rule_id for gap in assessment.not_assessed]

        assert sorted([*assessment.assessed_rule_ids, *gaps]) == sorted(each.id for each in RULES)
        assert not any(gap.error for gap in assessment.not_assessed)


def test_a_fingerprint_is_stable_and_tells_rule_workflow_and_place_apart():
    rules = [a_rule("GHL1", sees("step 1", "step 2")), a_rule("GHL2", sees("step 1"))]
    first = assess(ran("S"), LOCATION, rules).findings
    again = assess(ran("FFF"), LOCATION, rules[::-1]).findings
    elsewhere = assess(replace(ran("S"), workflow_id="wf-2"), LOCATION, rules).findings

    assert len({finding.fingerprint for finding in (*first, *elsewhere)}) == 6
    assert {each.fingerprint for each in first} == {each.fingerprint for each in again}


@pytest.mark.parametrize(
    ("status", "needs", "penalty"),
    [
        (WorkflowStatus.DRAFT, {Evidence.DEFINITION}, 10.5),
        (WorkflowStatus.PUBLISHED, {Evidence.DEFINITION}, 35),
        (None, {Evidence.DEFINITION}, 35),
        (WorkflowStatus.DRAFT, {Evidence.METADATA}, 35),
    ],
)
def test_faults_in_the_definition_of_a_draft_weigh_less(status, needs, penalty):
    workflow = a_workflow(status=status, definition={"steps": []})
    (finding,) = assess(workflow, LOCATION, [a_rule("GHL1", sees("step 1"), needs=needs)]).findings

    assert finding.penalty == penalty


def test_a_workflow_is_scored_by_its_runs_of_the_last_30_days():
    result = examined(ran("FF" + "S" * 8), LOCATION)

    assert result.runs == 10
    assert [finding.rule_id for finding in result.findings] == ["GHL401"]
    assert result.score.value == 80
    assert not result.draft


@pytest.mark.parametrize("workflow", [a_workflow(), ran("SSSS"), ran("")])
def test_a_workflow_with_too_little_evidence_has_no_score(workflow):
    assert examined(workflow, LOCATION).score.value is None


def test_a_healthy_workflow_known_by_its_runs_alone_is_at_most_90():
    assert examined(ran("S" * 20), LOCATION).score.value == 90
