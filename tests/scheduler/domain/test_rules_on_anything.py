"""Whatever JSON comes in, reading and judging it ends soon, and ends well."""

import time
from copy import deepcopy
from dataclasses import replace
from functools import cache
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scheduler.domain.definition import LocationGraph, links_of, read_definition
from services.scheduler.domain.definition.vocabulary import STEP_TYPES, TRIGGER_TYPES
from services.scheduler.domain.evidence import WorkflowEvidence, WorkflowStatus
from services.scheduler.domain.rules import RULES, assess
from services.scheduler.domain.score import Basis, gains, score_of
from tests.scheduler.domain.corpus import evidence_of, healthy_location
from tests.scheduler.domain.faults import Plants

WORDS = [
    "id", "_id", "type", "actionType", "name", "next", "attributes", "parentKey", "branches",
    "transitions", "targetNodeId", "steps", "templates", "workflowData", "triggers", "conditions",
    "field", "operator", "value", "active", "body", "html", "subject", "url", "headers", "startAfter",
    "tags", "workflow_id", "user_list", "__customInputFields__", "allowMultiple", "status", "a", "b",
]  # fmt: skip
TEXTS = ["", "a", "b", "published", "time", "reply", "{{contact.x}}", "https://localhost", "=" * 9]
keys = st.sampled_from(WORDS) | st.text(max_size=5)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(TEXTS)
    | st.sampled_from(sorted(STEP_TYPES | TRIGGER_TYPES))
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)
ids = st.sampled_from(["a", "b", "c", "d", ""])
some_steps = st.fixed_dictionaries(
    {"id": ids, "type": st.sampled_from(sorted(STEP_TYPES))},
    optional={
        "next": ids | st.lists(ids, max_size=3) | anything,
        "parentKey": ids | anything,
        "attributes": anything
        | st.dictionaries(keys, anything, max_size=6)
        | st.fixed_dictionaries({"targetNodeId": ids, "branches": st.lists(anything, max_size=2)}),
        "name": anything,
        "nodeType": st.sampled_from(["condition-node", "branch-yes", "branch-no"]),
    },
)
some_triggers = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(TRIGGER_TYPES))},
    optional={
        "active": anything,
        "conditions": anything
        | st.lists(
            st.fixed_dictionaries({"field": keys, "operator": anything, "value": anything}),
            max_size=2,
        ),
        "schedule_config": anything,
    },
)
some_definitions = st.fixed_dictionaries(
    {"steps": st.lists(some_steps | anything, max_size=8)},
    optional={
        "triggers": anything | st.lists(some_triggers, max_size=3),
        "allowMultiple": anything,
        "stopOnResponse": anything,
        "status": st.sampled_from(["published", "draft"]) | anything,
        "scheduledPauseDates": anything,
    },
)
STATUSES = st.sampled_from([None, *WorkflowStatus])
RELAXED = settings(deadline=2000, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


@cache
def location():
    return healthy_location(12)


@cache
def known_well():
    return evidence_of({"_id": "wf-1", "name": "", "steps": []})


def judged(content, status=WorkflowStatus.PUBLISHED):
    """What all rules say of a workflow in a location in which it is one of several."""
    workflow = replace(known_well(), definition=content, status=status)
    links = [*location().links.values()]
    if workflow.parsed is not None:
        links.append(links_of(workflow.parsed, workflow_id="wf-1", live=True))
    evidence = replace(location().evidence, graph=LocationGraph(links, complete=True))
    assessment = assess(workflow, evidence)
    assert [each.error for each in assessment.not_assessed if each.error] == []
    said = len(assessment.assessed_rule_ids) + len(assessment.not_assessed)
    assert said == len(RULES)
    marks = [each.fingerprint for each in assessment.findings]
    assert len(set(marks)) == len(marks)
    assert 0 <= score_of(assessment.findings, Basis(runs=9, definition=True)).value <= 100
    return assessment


@RELAXED
@given(anything)
def test_any_json_is_read_and_judged_without_a_failure(content):
    read_definition(content)
    judged(content)


@RELAXED
@given(some_definitions, STATUSES)
def test_anything_like_a_definition_is_judged_without_a_failure(content, status):
    judged(content, status)


@st.composite
def mutated_exports(draw):
    """A healthy export in which a few values are gone, doubled, or something else."""
    chosen = draw(st.sampled_from(sorted(location().definitions)))
    changed = deepcopy(location().definitions[chosen])
    for _ in range(draw(st.integers(1, 4))):
        place = changed
        while True:
            inner = place if isinstance(place, dict) else dict(enumerate(place))
            if not inner:
                break
            key = draw(st.sampled_from(sorted(inner, key=str)))
            if isinstance(inner[key], dict | list) and inner[key] and draw(st.integers(0, 4)):
                place = inner[key]
                continue
            place[key] = draw(anything | st.just(inner[key]).map(lambda each: [each, each]))
            break
    return changed


@RELAXED
@given(mutated_exports())
def test_a_mutated_export_is_judged_without_a_failure(content):
    judged(content)


@RELAXED
@given(some_definitions, st.randoms(use_true_random=False))
def test_the_order_of_steps_and_of_rules_does_not_matter(content, random):
    def marks(workflow, rules=RULES):
        found = assess(workflow, location().evidence, rules).findings
        return sorted(each.fingerprint for each in found)

    steps = [each for each in content["steps"] if isinstance(each, dict)]
    own = {each.get("id"): each for each in steps if each.get("id") and isinstance(each["id"], str)}
    steps = list(own.values())
    workflow = WorkflowEvidence(workflow_id="wf-1", definition={"steps": steps, "triggers": []})
    shuffled, other_rules = steps[:], list(RULES)
    random.shuffle(shuffled)
    random.shuffle(other_rules)
    other = replace(workflow, definition={"steps": shuffled, "triggers": []})

    assert marks(workflow) == marks(workflow, other_rules)
    if workflow.parsed.graph.linked:
        assert marks(workflow) == marks(other)


def test_fixing_a_planted_fault_gives_what_was_announced():
    """The deductions add up, and a fault that goes away gives exactly its points back."""
    plants = Plants(location(), Random(7))
    basis = Basis(runs=20, definition=True)
    for definition in location().definitions.values():
        for name in ("ghl213", "ghl222", "ghl223", "ghl229", "ghl202"):
            planted = getattr(plants, name)(definition)
            findings = assess(planted.workflow, planted.location).findings
            score = score_of(findings, basis)
            announced = gains(findings, basis)
            (fault,) = [each for each in findings if each.rule_id == name.upper()]
            rest = [each for each in findings if each is not fault]

            assert round(100 - sum(each.points for each in score.deductions), 6) == score.value
            assert score_of(rest, basis).value == score.value + announced[fault.fingerprint]


def test_hostile_texts_are_searched_in_little_time():
    hostile = [
        "{{contact." * 9000,
        "<" * 90_000,
        "bearer " * 12_000,
        "x" * 90_000,
        "[insert " * 9000,
    ]
    hostile += ["{{contact." + "a." * 40_000, "=&" * 40_000, "{ contact.a" * 9000, "pit-" * 20_000]
    steps = [
        {
            "id": f"{n}-{kind}",
            "type": kind,
            "attributes": dict.fromkeys(("body", "url", "code"), text),
        }
        for n, text in enumerate(hostile)
        for kind in ("sms", "email", "webhook", "custom_code")
    ]
    began = time.process_time()
    judged({"steps": steps})

    assert time.process_time() - began < 5


def test_a_workflow_of_five_thousand_steps_is_judged_in_little_time():
    definition = next(iter(location().definitions.values()))
    steps = definition["workflowData"]["templates"]
    many = [
        {
            **each,
            "id": f"{n}-{each['id']}",
            "next": f"{n}-{each.get('next')}" if each.get("next") else "",
        }
        for n in range(5000 // len(steps))
        for each in steps
    ]
    began = time.process_time()
    judged({"steps": many, "triggers": definition["triggers"]})

    assert time.process_time() - began < 5
