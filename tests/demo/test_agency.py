"""The agency of the demo: what its workflows look like, and what happens in them."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

import pytest

from demo.agency import LOCATIONS
from demo.lives import DAY, OFFICE, Fault, Life, executions, growing, since, until
from services.scheduler.domain.definition import LocationGraph, links_of, read_definition
from services.scheduler.domain.evidence import LocationEvidence, WorkflowEvidence
from services.scheduler.domain.rules.assessment import assess

NOW = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
"""A Thursday."""
ZONE = "America/New_York"
WORKFLOWS = list(chain.from_iterable(each.workflows for each in LOCATIONS))
NAMES = {"workflowId": "wf-1", "workflowName": "Test"}


def ran(days=30, now=NOW, **life):
    return executions(Life(**life), NAMES, ZONE, now, days)


def age(run, now=NOW):
    return (now - datetime.fromisoformat(run["executedAt"])) / DAY


def failed(runs):
    return [each for each in runs if each["status"] == "failed"]


def test_there_are_some_forty_workflows_in_three_locations():
    assert len(LOCATIONS) == 3
    assert 40 <= len(WORKFLOWS) <= 45
    assert len({each.workflow_id for each in WORKFLOWS}) == len(WORKFLOWS)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: each.slug)
def test_every_definition_is_understood_whole(workflow):
    definition = read_definition(json.loads(json.dumps(workflow.definition(NOW))))

    assert definition.readable
    assert definition.workflow_id == workflow.workflow_id
    assert definition.oddities == ()
    assert definition.unknown_step_types == definition.unknown_trigger_types == ()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: each.slug)
def test_what_fails_is_a_step_of_the_workflow(workflow):
    steps = {each["name"] for each in workflow.definition(NOW)["workflowData"]["templates"]}
    assert {each.step for each in (workflow.life.faults if workflow.life else ())} <= steps


def test_definitions_alone_show_many_rules_and_every_third_is_well():
    found, well = Counter(), 0
    for location in LOCATIONS:
        definitions = [each.definition(NOW) for each in location.workflows]
        links = [
            links_of(
                read_definition(each),
                workflow_id=each["_id"],
                workflow_name=each["name"],
                live=each["status"] == "published",
            )
            for each in definitions
        ]
        known = LocationEvidence(location_id="l", graph=LocationGraph(links, complete=False))
        for each in definitions:
            workflow = WorkflowEvidence(workflow_id=each["_id"], definition=each)
            rules = {finding.rule_id for finding in assess(workflow, known).findings}
            found.update(rules)
            well += not rules

    assert len(found) >= 20
    assert well >= len(WORKFLOWS) / 3


def test_an_edited_workflow_has_a_version_before():
    edited = [each for each in WORKFLOWS if each.was_edited]

    assert edited
    for each in edited:
        before, after = each.definition(NOW, before=True), each.definition(NOW)
        assert before["version"] == after["version"] - 1
        assert before["updatedAt"] < after["updatedAt"]
        assert before["workflowData"] != after["workflowData"]


def test_the_same_moment_gives_the_same_runs():
    assert ran(daily=20) == ran(daily=20)
    assert ran(daily=20) != ran(daily=20, now=NOW + timedelta(hours=1))


def test_every_run_lies_in_the_days_and_has_an_id_of_its_own():
    runs = ran(daily=20, storm=True)

    assert all(0 < age(each) < 30 for each in runs)
    assert len({each["runId"] for each in runs}) == len(runs)


def test_runs_keep_to_the_hours_and_the_week_of_their_location():
    times = [
        datetime.fromisoformat(each["executedAt"]).astimezone(ZoneInfo(ZONE))
        for each in ran(daily=40, weekend=0)
    ]

    assert {each.hour for each in times} <= set(OFFICE)
    assert {each.weekday() for each in times} == set(range(5))


@pytest.mark.parametrize(
    ("share", "fails"),
    [
        (since(3, 1.0), lambda days: days <= 3),
        (until(5, 1.0), lambda days: days > 5),
    ],
)
def test_faults_begin_and_end_on_their_day(share, fails):
    runs = ran(daily=30, faults=[Fault(step="Send", says=["No {n}"], share=share)])

    assert {each["runId"] for each in failed(runs)} == {
        each["runId"] for each in runs if fails(age(each))
    }
    assert all("{n}" not in each["errorMessage"] for each in failed(runs))


def test_what_grows_fails_more_often_every_week():
    runs = ran(daily=300, faults=[Fault(step="Send", says=["No"], share=growing(0.5, 14))])
    weeks = Counter(int(age(each) // 7) for each in failed(runs))

    assert weeks[0] > 2 * weeks[1] > 0
    assert weeks[2] == 0


def test_silence_begins_on_its_day():
    assert min(age(each) for each in ran(daily=60, silent_for=4)) > 4


def test_a_storm_is_one_contact_in_half_an_hour():
    calm, stormy = ran(daily=5), ran(daily=5, storm=True)
    storm = [each for each in stormy if each["contactId"] == "contact-loop"]

    assert len(stormy) == len(calm) + len(storm)
    assert len(storm) >= 50
    assert max(map(age, storm)) - min(map(age, storm)) < 0.5 / 24
