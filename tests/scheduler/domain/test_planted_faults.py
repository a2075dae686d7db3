"""A fault planted at a random place of a healthy workflow is found by its rule, and by no other."""

from random import Random

import pytest

from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules import RULES, assess
from tests.scheduler.domain.corpus import healthy_location
from tests.scheduler.domain.faults import Plants

TRIES = 14
FOUND_AT_LEAST = 0.95
INFOS = {"GHL232"}


@pytest.fixture(scope="module")
def location():
    return healthy_location()


def test_there_is_a_fault_for_every_rule_that_is_no_mere_info():
    methods = {name.upper() for name in dir(Plants) if name.startswith("ghl")}

    assert methods == {each.id for each in RULES} - INFOS


@pytest.mark.parametrize("rule_id", sorted({each.id for each in RULES} - INFOS))
def test_a_planted_fault_is_found_by_its_rule_and_no_other(location, rule_id):
    random = Random(f"plant {rule_id}")
    plants = Plants(location, random)
    tried, missed, others = 0, [], []
    for definition in random.sample(list(location.definitions.values()), k=3 * TRIES):
        planted = getattr(plants, rule_id.lower())(definition)
        if planted is None or tried == TRIES:
            continue
        tried += 1
        findings = assess(planted.workflow, planted.location).findings
        loud = [each for each in findings if each.severity is not Severity.INFO]
        if not any(each.rule_id == rule_id for each in findings):
            missed.append(definition["name"])
        others += [f"{each.rule_id}: {each.evidence}" for each in loud if each.rule_id != rule_id]

    assert tried == TRIES
    assert others == []
    assert len(missed) <= (1 - FOUND_AT_LEAST) * TRIES, missed
