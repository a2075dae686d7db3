"""Workflows of a second hand: what is planted is found, what is healthy is left alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from services.scheduler.domain.evidence import LocationEvidence, WorkflowEvidence, location_graph
from services.scheduler.domain.finding import Finding, Severity
from services.scheduler.domain.rules import assess
from services.scheduler.domain.rules.catalogue import RULES
from tests.scheduler.domain.unseen import wrong_paths, wrong_starts, wrong_steps
from tests.scheduler.domain.unseen.agencies import Agency, agencies
from tests.scheduler.domain.unseen.drawing import DIALECTS, Dialect, Flow, exported
from tests.scheduler.domain.unseen.spoiling import Case, NoPlace

HEALTHY_LOCATIONS = 12
SICK_LOCATIONS = 4
TRIES = 12
FOUND_AT_LEAST = 0.95
FALSE_AT_MOST = 0.01
SPOILERS = wrong_starts.SPOILERS | wrong_paths.SPOILERS | wrong_steps.SPOILERS
WAYS = [(rule_id, way) for rule_id, ways in SPOILERS.items() for way in ways]


def written(flow: Flow, dialect: Dialect | None = None) -> WorkflowEvidence:
    """A workflow as an export in some dialect."""
    random = Random(flow.id)
    chosen = dialect or random.choice(DIALECTS)
    return WorkflowEvidence(
        workflow_id=flow.id, workflow_name=flow.name, definition=exported(flow, chosen, random)
    )


def location_of(agency: Agency, workflows: Sequence[WorkflowEvidence]) -> LocationEvidence:
    return LocationEvidence(
        location_id="loc-unseen",
        references=agency.world.references,
        graph=location_graph(workflows),
        reporting_workflows=len(workflows),
    )


def found_in(case: Case) -> tuple[Finding, ...]:
    """What a scan of the location finds in the workflow that was spoilt."""
    spoilt = written(case.flow)
    others = [
        written(case.others[each.id]) if each.id in case.others else as_it_was(each)
        for each in case.agency.others(case.flow)
    ]
    return assess(spoilt, location_of(case.agency, [*others, spoilt])).findings


_as_it_was: dict[str, WorkflowEvidence] = {}


def as_it_was(flow: Flow) -> WorkflowEvidence:
    """A workflow that nobody spoilt, read once: most of a location is the same each time."""
    if flow.id not in _as_it_was:
        _as_it_was[flow.id] = written(flow)
    return _as_it_was[flow.id]


def cases(agency: Agency, random: Random) -> Iterator[Case]:
    for flow in random.sample(agency.flows, k=len(agency.flows)):
        yield Case(agency, replace(flow.copy(), status="published"), random)


def planted(way, random: Random) -> Iterator[Case]:
    """Workflows with a fault, where the way finds a place for it."""
    for agency in agencies(SICK_LOCATIONS, seed="sick"):
        for case in cases(agency, random):
            try:
                way(case)
            except NoPlace:
                continue
            yield case


@pytest.fixture(scope="module")
def healthy() -> list[Agency]:
    return list(agencies(HEALTHY_LOCATIONS, seed="healthy"))


def test_they_are_of_real_size(healthy):
    sizes = [len(flow.nodes) for agency in healthy for flow in agency.flows]

    assert min(sizes) >= 10
    assert max(sizes) > 80
    assert len(sizes) > 150


def test_hardly_a_healthy_workflow_is_blamed(healthy):
    blamed, all_flows = [], 0
    for agency in healthy:
        workflows = [written(flow) for flow in agency.flows]
        location = location_of(agency, workflows)
        for workflow in workflows:
            found = assess(workflow, location).findings
            loud = [each for each in found if each.severity is not Severity.INFO]
            blamed += [(workflow.workflow_name, each.evidence) for each in loud[:1]]
            all_flows += 1

    assert len(blamed) <= FALSE_AT_MOST * all_flows, blamed


def test_every_rule_on_definitions_has_a_fault():
    assert SPOILERS.keys() == {each.id for each in RULES if each.id.startswith("GHL2")}


@pytest.mark.parametrize(("rule_id", "way"), WAYS, ids=lambda each: getattr(each, "__name__", each))
def test_what_is_planted_is_found(rule_id, way):
    tried, missed = 0, []
    for case in planted(way, Random(way.__name__)):
        if tried == TRIES:
            break
        tried += 1
        if rule_id not in {each.rule_id for each in found_in(case)}:
            missed.append(case.flow.name)

    assert tried >= TRIES / 2
    assert len(missed) <= (1 - FOUND_AT_LEAST) * tried, missed


def test_the_dialect_of_an_export_does_not_matter(healthy):
    """The same workflow gives the same findings, known by the same fingerprints."""
    for rule_id, way in WAYS:
        case = next(planted(way, Random(rule_id)))
        alone = LocationEvidence(location_id="loc", references=case.agency.world.references)
        told = {
            frozenset(
                (each.fingerprint, each.occurrences)
                for each in assess(written(case.flow, dialect), alone).findings
            )
            for dialect in DIALECTS
        }
        assert len(told) == 1, (rule_id, told)


def marks(flow: Flow, agency: Agency) -> list[str]:
    alone = LocationEvidence(location_id="loc-unseen", references=agency.world.references)
    return sorted(each.fingerprint for each in assess(written(flow), alone).findings)


@pytest.mark.parametrize(("rule_id", "way"), WAYS, ids=lambda each: getattr(each, "__name__", each))
def test_a_finding_is_known_again_after_renames_and_reorderings(rule_id, way):
    case = next(planted(way, Random(rule_id)))
    before = marks(case.flow, case.agency)

    case.flow.name = "Something else entirely"
    for node in case.flow.nodes:
        node.name = f"{node.name} (new)"
    for trigger in case.flow.triggers:
        trigger["name"] = "Renamed"
    case.random.shuffle(case.flow.nodes)
    case.random.shuffle(case.flow.triggers)

    assert marks(case.flow, case.agency) == before
    assert len(set(before)) == len(before)
