"""GHL901 to GHL906: what could not be seen is told, and takes no points."""

from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowStatus
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.references import References
from services.scheduler.domain.result import examined
from services.scheduler.domain.rules import RULES, assess
from services.scheduler.domain.rules.page import rules_page
from services.scheduler.domain.rules.rule import Gap, rule
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import LOCATION, a_workflow, defined, ran


def entries(workflow, location=LOCATION, **more):
    return {each.id: each for each in assess(workflow, location, **more).coverage}


def test_a_definition_that_could_not_be_read_is_told_with_its_reason():
    refused = a_workflow(definition_refusal="403 WORKFLOW_API_NOT_ENABLED_FOR_LOCATION")
    entry = entries(refused)[Gap.DEFINITION]

    assert entry.title == "Definition not readable"
    assert entry.detail == "403 WORKFLOW_API_NOT_ENABLED_FOR_LOCATION"
    assert {each.id for each in RULES if Evidence.DEFINITION in each.needs} <= set(entry.rule_ids)
    assert entries(a_workflow())[Gap.DEFINITION].detail == "none was read or uploaded"
    assert (
        entries(a_workflow(definition={"odd": 1}))[Gap.DEFINITION].detail == "its shape is unknown"
    )


def test_a_workflow_that_never_reported_a_run_is_told():
    assert entries(ran(""))[Gap.RUNS].detail == "none since it is known"
    assert Gap.RUNS not in entries(ran("S"))


def test_what_was_not_understood_is_listed():
    workflow = defined([e.step("acme-app"), e.step("zen-app")], [e.trigger("acme.event")])

    assert (
        entries(workflow)[Gap.SHAPE].detail
        == "step types: acme-app, zen-app; trigger types: acme.event"
    )
    assert "no list of steps" in entries(a_workflow(definition={}))[Gap.SHAPE].detail
    assert Gap.SHAPE not in entries(defined([e.sms()]))


def test_a_list_that_was_refused_is_told_where_a_rule_had_to_look_into_it():
    location = LocationEvidence(location_id="loc-1", references=References())
    needing = entries(defined([e.assign(e.USER)]), location)[Gap.REFERENCES]

    assert needing.detail == "the location's forms; the location's users"
    assert needing.rule_ids == ("GHL205", "GHL225")
    assert Gap.REFERENCES not in entries(defined([e.wait()], []), location)


def test_a_scan_that_was_cut_short_and_a_rule_that_failed_are_told():
    def broken(_workflow, _location):
        yield {}["odd"]

    made = rule("GHL999", "Broken", severity=Severity.INFO, penalty=1, needs=set(), remedy=".")
    found = entries(
        a_workflow(),
        LocationEvidence(location_id="loc-1", cut_short="rate limited"),
        rules=[made(broken)],
    )

    assert found[Gap.CUT_SHORT].detail == "rate limited"
    assert found[Gap.RULE_FAILED].rule_ids == ("GHL999",)


def test_what_could_not_be_seen_takes_no_points():
    workflow = defined([e.step("acme-app")], [], listed_status=WorkflowStatus.PUBLISHED)
    result = examined(workflow, LOCATION)

    assert [each.id for each in result.coverage] == [Gap.DEFINITION, Gap.RUNS, Gap.SHAPE]
    assert result.findings == ()
    assert result.score.value == 95


def test_the_page_has_every_rule_with_all_a_reader_needs():
    page = rules_page()

    assert [each.id for each in RULES] == sorted(each.id for each in RULES)
    for each in RULES:
        assert each.basis.endswith(".")
        assert f"### {each.id}\n\n**{each.name}**" in page
        assert f"- Why: {each.basis}\n- What to do: {each.remedy}\n" in page
    for gap in Gap:
        assert f"| {gap} |" in page
