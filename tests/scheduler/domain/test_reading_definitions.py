"""Definitions of every shape are read alike, and no shape can break the reader."""

import time

import pytest

from services.scheduler.domain.definition import read_definition
from services.scheduler.domain.definition.reading import MOST_STEPS
from tests.scheduler.domain import exports as e

LINE = [
    {"id": "a", "type": "sms", "name": "First", "attributes": {"body": "Hi"}, "next": "b"},
    {"id": "b", "type": "email", "attributes": {"subject": "Hi", "html": "x"}, "next": ""},
]


def ids(definition):
    return [each.id for each in definition.steps]


@pytest.mark.parametrize(
    "content",
    [
        {"workflowData": {"templates": LINE}},
        {"workflowData": {"steps": LINE}},
        {"templates": LINE},
        {"steps": LINE},
        {"actions": LINE},
        {"nodes": LINE},
        {"definition": {"actions": LINE}},
        {"workflow": {"workflowData": {"templates": LINE}}, "triggers": []},
        {"data": {"workflow": {"steps": LINE}}},
        [{**LINE[0], "_id": "a"}, LINE[1]],
        {
            "steps": [
                {"_id": "a", "actionType": "sms", "next": ["b"]},
                {"_id": "b", "type": "email"},
            ]
        },
    ],
)
def test_the_names_that_exports_use_mean_the_same(content):
    found = read_definition(content)

    assert found.readable
    assert ids(found) == ["a", "b"]
    assert [each.type for each in found.steps] == ["sms", "email"]
    assert found.graph.successors == ((1,), ())
    assert found.graph.entries == (0,)


def test_settings_triggers_and_conditions_are_read():
    trigger = e.trigger("contact_tag", ("tagsAdded", "index-of-true", "Hot Lead"), active=False)
    found = read_definition(e.definition([e.sms()], [trigger], allowMultiple="true"))

    assert (found.workflow_id, found.name, found.status) == ("wf-1", "Lead follow-up", "published")
    assert found.settings.allow_multiple is True
    assert found.settings.stop_on_response is True
    (read,) = found.triggers
    assert (read.type, read.active) == ("contact_tag", False)
    assert read.conditions[0].values == ("Hot Lead",)
    assert found.live_triggers == ()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, None),
        ({"triggers": None}, None),
        ({"triggers": "none"}, None),
        ({"triggers": []}, []),
        ({"triggers": {"data": [{"type": "contact_tag"}]}}, ["contact_tag"]),
        ({"triggers": {"items": [{"triggerType": "x"}]}}, ["x"]),
        ({"triggers": [{"type": "a", "deleted": True}, "odd", {"type": "b"}]}, ["b"]),
    ],
)
def test_no_list_of_triggers_is_not_the_same_as_an_empty_one(document, expected):
    found = read_definition({"steps": LINE} | document).triggers

    assert (found and [each.type for each in found]) == (expected or found)
    assert (found is None) == (expected is None)


@pytest.mark.parametrize(
    "content",
    [None, 7, "text", [], {}, [1, 2], {"steps": "none"}, {"steps": {"a": 1}}, {"foo": {"bar": []}}],
)
def test_what_has_no_list_of_steps_is_not_readable(content):
    found = read_definition(content)

    assert not found.readable
    assert found.oddities == ("no list of steps",)


def test_unknown_types_and_odd_entries_are_told_and_the_rest_is_read():
    steps = [*LINE, 7, {"id": "c", "type": "acme-app"}, {"id": "a", "type": "sms"}, {"id": "d"}]
    odd_link = {"id": "e", "type": "sms", "next": {"id": "a"}}
    found = read_definition({"steps": [*steps, odd_link], "triggers": [{"type": "acme.event"}, []]})

    assert ids(found) == ["a", "b", "c", "d", "e"]
    assert found.unknown_step_types == ("acme-app",)
    assert found.unknown_trigger_types == ("acme.event",)
    assert found.oddities == (
        "an entry among the steps that is no step",
        "two steps with one id",
        "a step without a type",
        "a step whose links could not be read",
        "an entry among the triggers that is no trigger",
    )
    assert not found.graph.complete


def test_an_if_else_leads_to_its_branches_and_they_to_their_steps():
    found = read_definition(e.definition([e.if_else("VIP?", [e.sms()], [e.email()])]))
    by_id = {each.id: each for each in found.steps}

    def after(step):
        return [found.steps[n] for n in found.graph.successors[found.steps.index(by_id[step.id])]]

    yes, no = after(found.steps[0])
    assert (yes.node_type, no.node_type) == ("branch-yes", "branch-no")
    assert [after(yes)[0].type, after(no)[0].type] == ["sms", "email"]
    assert found.graph.islands == ()


def test_branches_that_are_no_steps_of_their_own_lead_to_the_steps_below_them():
    question = {"id": "q", "type": "if_else", "next": ["yes", "no"]}
    question["attributes"] = {"branches": [{"id": "yes"}, {"id": "no", "segments": []}]}
    below = {"id": "a", "type": "sms", "parentKey": "yes"}
    found = read_definition({"steps": [question, below]})

    assert found.graph.successors == ((1,), ())
    assert found.graph.missing == ()
    assert found.graph.islands == ()


def test_a_list_without_links_is_taken_in_its_order():
    found = read_definition({"steps": [{"type": "sms"}, {"type": "wait"}, {"type": "email"}]})

    assert not found.graph.linked
    assert found.graph.successors == ((1,), (2,), ())
    assert ids(found) == ["#1", "#2", "#3"]


def test_the_first_step_is_the_one_that_stands_below_none_whatever_the_order():
    start = {"id": "start", "type": "sms", "next": "b"}
    steps = [{"id": "c", "type": "sms", "parentKey": "b"}, {"id": "b", "type": "sms", "next": "c"}]
    lost = {"id": "z", "type": "sms", "parentKey": "b", "next": "y"}
    tail = {"id": "y", "type": "sms", "parentKey": "z"}

    for order in ([start, *steps, lost, tail], [tail, lost, *steps[::-1], start]):
        found = read_definition({"steps": order})
        assert [found.steps[n].id for n in found.graph.entries] == ["start"]
        assert [(found.steps[i.position].id, i.steps) for i in found.graph.islands] == [("z", 2)]


def test_more_steps_than_anyone_has_are_cut_and_told():
    many = [{"id": str(n), "type": "sms", "next": str(n + 1)} for n in range(MOST_STEPS + 10)]
    found = read_definition({"steps": many})

    assert len(found.steps) == MOST_STEPS
    assert not found.graph.complete
    assert found.oddities == ("more than 5000 steps; only the first 5000 were read",)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_deep_value_anywhere_is_read_without_recursion():
    deep = nested(100_000)
    step = {"id": deep, "type": "sms", "name": deep, "attributes": {"body": deep}, "next": deep}
    condition = {"field": deep, "value": deep}
    trigger = {"type": "contact_tag", "conditions": [condition], "schedule_config": deep}
    found = read_definition({"steps": [step, deep], "triggers": [trigger, deep], "name": deep})

    assert len(found.steps) == 1
    assert not found.triggers[0].conditions[0].readable


def test_what_a_database_cannot_hold_is_taken_out():
    odd = "a\x00b\ud83d c"
    found = read_definition({"steps": [{"id": odd, "type": odd, "name": odd}], "name": odd})

    assert found.name == found.steps[0].id == "ab? c"
    assert found.unknown_step_types == ("ab? c",)


def chain(length):
    return [{"id": str(n), "type": "sms", "next": [str(n + 1)]} for n in range(length)]


def ladder(length):
    """Every step leads to the next two: many ways, few steps."""
    return [{"id": str(n), "type": "sms", "next": [str(n + 1), str(n + 2)]} for n in range(length)]


def mesh(width):
    """Every step leads to every other."""
    every = [str(n) for n in range(width)]
    return [{"id": each, "type": "sms", "next": every} for each in every]


def starts(length):
    """Half of the steps are starts of the same chain."""
    half = length // 2
    return chain(half) + [{"id": f"s{n}", "type": "sms", "next": "0"} for n in range(half)]


@pytest.mark.parametrize("steps", [chain(5000), ladder(5000), mesh(250), starts(5000)])
def test_large_graphs_are_read_in_little_time(steps):
    began = time.process_time()
    found = read_definition({"steps": steps})
    weights = [1] * len(found.steps)

    assert found.graph.heaviest_way(weights) >= 1
    assert len(list(found.graph.loops())) <= 1
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("told", "version"),
    [
        (7, 7),
        ("12", 12),
        (3.0, 3),
        (0, 0),
        (None, None),
        (True, None),
        (1.5, None),
        (-1, None),
        ("v2", None),
        (10**12, None),
        ("nan", None),
        ([7], None),
    ],
)
def test_the_version_is_a_count_or_is_not_known(told, version):
    assert read_definition({"steps": [], "version": told}).version == version
