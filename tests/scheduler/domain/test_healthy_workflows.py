"""Workflows in good health give no finding, however long they are and whatever they do."""

from collections import Counter

import pytest

from services.scheduler.domain.definition.values import words
from services.scheduler.domain.definition.vocabulary import STEP_TYPES, TRIGGER_TYPES
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.result import examined
from services.scheduler.domain.rules import RULES, assess
from tests.scheduler.domain.corpus import evidence_of, healthy_location

SELDOM_SEEN = words(
    """
    affiliate_new_lead category_completed conv_ai_autonomous_trigger conv_ai_trigger
    lesson_completed lesson_started proposal_estimate_update
    """
)


@pytest.fixture(scope="module")
def location():
    return healthy_location()


def test_the_corpus_is_of_real_size_and_has_every_type(location):
    workflows = [evidence_of(each).parsed for each in location.definitions.values()]
    sizes = [len(each.steps) for each in workflows]
    steps = {step.type for each in workflows for step in each.steps}
    triggers = {trigger.type for each in workflows for trigger in each.triggers}

    assert len(workflows) >= 60
    assert min(sizes) >= 10
    assert 70 <= max(sizes) <= 100
    assert STEP_TYPES - steps == set()
    assert TRIGGER_TYPES - triggers == SELDOM_SEEN


def test_a_healthy_workflow_gives_no_finding_of_warning_or_worse(location):
    found = Counter()
    for each in location.definitions.values():
        for finding in assess(evidence_of(each), location.evidence).findings:
            if finding.severity is not Severity.INFO:
                found[f"{finding.rule_id} {finding.evidence}"] += 1

    assert found == {}


def test_every_rule_can_judge_a_workflow_of_which_all_is_known(location):
    for each in location.definitions.values():
        assessment = assess(evidence_of(each), location.evidence)

        assert assessment.not_assessed == ()
        assert len(assessment.assessed_rule_ids) == len(RULES) == 40


def test_what_is_unknown_in_a_healthy_workflow_is_told_without_points(location):
    result = examined(evidence_of(next(iter(location.definitions.values()))), location.evidence)

    assert [(each.id, each.detail) for each in result.coverage] == [
        ("GHL903", "step types: acme-app-action")
    ]
    assert result.score.value >= 90
