"""GHL211 to GHL216: the smallest workflow that fires each, and the nearest that must not."""

from copy import deepcopy

import pytest

from services.scheduler.domain.finding import Severity
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import a_location, defined, found_in, lacking_in

LINE = [e.sms(), e.email(), e.notify()]


def rewired(workflow_steps, **links):
    """A definition in which some steps, by position, lead elsewhere."""
    content = e.definition(workflow_steps)
    for position, target in links.items():
        content["workflowData"]["templates"][int(position[1:])]["next"] = target
    return content


def of(content):
    return defined([]).__class__(workflow_id="wf-1", definition=content)


def test_a_go_to_back_without_a_pause_is_found():
    (finding,) = found_in(defined([*LINE, e.go_to("Send text")]), "GHL211")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 40)
    assert finding.place_name == "Go To"
    assert "loop of 4 steps without a pause" in finding.evidence


def test_a_step_that_leads_to_itself_is_found():
    own = e.definition([])["_id"]
    steps = [{"id": "a", "type": "sms", "attributes": {"body": "x"}, "next": "a"}]

    assert found_in(of({"_id": own, "steps": steps}), "GHL211")


@pytest.mark.parametrize(
    "inside",
    [
        e.wait(),
        e.drip(),
        e.step("manual-call"),
        e.step("conversationai_ai_message"),
        e.step("ivr_gather"),
        e.step("acme-app-action"),
        e.step("workflow_goal"),
    ],
)
def test_a_loop_with_a_step_that_may_pause_is_fine(inside):
    assert found_in(defined([*LINE, inside, e.go_to("Send text")]), "GHL211") == []


@pytest.mark.parametrize("passed", ["call", "voicemail", "stripe_one_time_charge"])
def test_what_everybody_passes_is_no_pause_in_a_loop_without_a_way_out(passed):
    endless = [*LINE, e.step(passed), e.go_to("Send text")]
    answered = e.if_else("Answered?", [e.notify()], [e.go_to("Send text")])

    assert len(found_in(defined(endless), "GHL211")) == 1
    assert found_in(defined([*LINE, e.step(passed), answered]), "GHL211") == []


def test_a_loop_that_counts_its_rounds_and_has_a_way_out_is_fine():
    counting = e.step("math_operation", "Count")
    out = [counting, e.if_else("Done?", [e.notify()], [e.go_to("Count")])]
    endless = [counting, e.sms(), e.go_to("Count")]
    asked = [e.sms(), e.if_else("Done?", [e.notify()], [e.go_to("Send text")])]

    assert found_in(defined(out), "GHL211") == []
    assert found_in(defined(endless), "GHL211")
    assert found_in(defined(asked), "GHL211")


def test_two_ways_that_come_together_are_no_loop():
    together = e.step("add_notes", "Together", body="x")
    both = e.if_else("?", [together, e.sms()], [e.go_to("Together")])

    assert found_in(defined([both]), "GHL211") == []


def circle(first, second, **settings):
    one = defined(first, **settings)
    return one, a_location(one, e.definition(second, _id="wf-2", name="Second"))


def test_workflows_that_start_each_other_at_once_are_found():
    one, location = circle([e.sms(), e.add_to_workflow("wf-2")], [e.add_to_workflow("wf-1")])
    (finding,) = found_in(one, "GHL212", location)
    assert (finding.severity, finding.penalty) == (Severity.WARNING, 20)

    again, location = circle(
        [e.add_to_workflow("wf-2")], [e.add_to_workflow("wf-1")], allowMultiple=True
    )
    (finding,) = found_in(again, "GHL212", location)
    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 40)
    assert "“Second”" in finding.evidence


def test_workflows_that_start_each_other_by_tags_are_found():
    one = defined([e.add_tag("B")], [e.trigger("contact_tag", ("tagsAdded", "index-of-true", "a"))])
    other = e.definition(
        [e.add_tag("A")],
        [e.trigger("contact_tag", ("contact.tags", "index-of-true", ["b", "c"]))],
        _id="wf-2",
    )

    assert found_in(one, "GHL212", a_location(one, other))


@pytest.mark.parametrize("between", [e.wait(), e.step("acme-app-action")])
def test_a_circle_with_a_pause_is_an_info_and_only_with_re_entry(between):
    steps = [between, e.add_to_workflow("wf-2")], [e.add_to_workflow("wf-1")]
    one, location = circle(*steps)
    assert found_in(one, "GHL212", location) == []

    again, location = circle(*steps, allowMultiple=True)
    (finding,) = found_in(again, "GHL212", location)
    assert (finding.severity, finding.penalty) == (Severity.INFO, 5)


def test_a_circle_under_a_condition_is_an_info():
    guarded = [e.if_else("Guard?", [e.add_to_workflow("wf-2")], [])]
    one, location = circle(guarded, [e.add_to_workflow("wf-1")], allowMultiple=True)

    assert [each.severity for each in found_in(one, "GHL212", location)] == [Severity.INFO]


def test_who_starts_over_by_a_tag_must_have_lost_it_first():
    trigger = [e.trigger("contact_tag", ("tagsAdded", "index-of-true", "a"))]
    again = defined([e.add_tag("a")], trigger, allowMultiple=True)
    removed = defined([e.remove_tag("a"), e.add_tag("a")], trigger, allowMultiple=True)

    assert found_in(again, "GHL212", a_location(again)) == []
    assert found_in(removed, "GHL212", a_location(removed))


def test_a_tag_that_starts_only_some_contacts_makes_no_storm():
    some = [e.trigger("contact_tag", ("tagsAdded", "index-of-true", "a"), ("x", "==", "y"))]
    one = defined([e.add_tag("b")], some, allowMultiple=True)
    waiting = [e.trigger("contact_tag", ("tagsAdded", "index-of-true", "b"))]
    other = e.definition([e.add_tag("a")], waiting, _id="wf-2")

    (finding,) = found_in(one, "GHL212", a_location(one, other))
    assert finding.severity is Severity.INFO


def test_a_workflow_that_may_be_a_draft_closes_no_circle():
    one = defined([e.add_to_workflow("wf-2")])
    unsure = e.definition([e.add_to_workflow("wf-1")], _id="wf-2", status="")

    assert found_in(one, "GHL212", a_location(one, unsure)) == []


def test_a_draft_closes_no_circle_and_a_line_is_none():
    one = defined([e.add_to_workflow("wf-2")])
    draft = e.definition([e.add_to_workflow("wf-1")], _id="wf-2", status="draft")
    end = e.definition([e.sms()], _id="wf-2")

    assert found_in(one, "GHL212", a_location(one, draft)) == []
    assert found_in(one, "GHL212", a_location(one, end)) == []
    assert "some of" in lacking_in(one, "GHL212", a_location(one, None))


@pytest.mark.parametrize("target", ["gone", ["gone"]])
def test_a_next_step_that_does_not_exist_is_found(target):
    (finding,) = found_in(of(rewired(LINE, n0=target)), "GHL213")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 35)
    assert "(gone)" in finding.evidence


@pytest.mark.parametrize("target", [None, "", [], [""], "END", {"odd": 1}])
def test_the_last_step_may_say_so_in_many_ways(target):
    assert found_in(of(rewired(LINE, n2=target)), "GHL213") == []


def test_a_go_to_and_a_branch_that_lead_nowhere_are_found():
    branch = e.definition([e.if_else("VIP?", [e.sms()], [e.email()])])
    branch["workflowData"]["templates"][0]["next"][0] = "gone"

    assert found_in(defined([e.sms(), e.go_to("gone")]), "GHL213")
    assert found_in(of(branch), "GHL213")


def test_a_branch_that_is_no_step_is_missing_only_where_the_others_are():
    branch = e.definition([e.if_else("VIP?", [], [e.sms()])])
    lost = deepcopy(branch)
    lost["workflowData"]["templates"] = [
        each for each in lost["workflowData"]["templates"] if each.get("nodeType") != "branch-yes"
    ]
    question = {"id": "q", "type": "if_else", "next": ["yes", "no"]}
    question["attributes"] = {"branches": [{"id": "yes"}, {"id": "no"}]}

    assert found_in(of(lost), "GHL213")
    assert found_in(of({"steps": [question]}), "GHL213") == []
    assert found_in(of(branch), "GHL213") == []


def test_steps_that_no_way_leads_to_are_found_once():
    (finding,) = found_in(of(rewired([*LINE, e.sms()], n1="")), "GHL214")

    assert (finding.severity, finding.penalty, finding.occurrences) == (Severity.WARNING, 8, 1)
    assert finding.evidence == "Step “Tell the team” cannot be reached, nor can the 1 after it."


def test_a_loop_that_no_way_leads_to_is_found():
    content = rewired([*LINE, e.wait(), e.go_to("Tell the team")], n1="")

    assert [each.rule_id for each in found_in(of(content), "GHL214")] == ["GHL214"]


def test_a_workflow_that_is_a_loop_has_a_start():
    assert found_in(defined([e.sms(), e.wait(), e.go_to("Send text")]), "GHL214") == []


def test_what_a_broken_link_cuts_off_is_told_by_the_broken_link_alone():
    content = rewired([*LINE, e.sms()], n1="gone")

    assert found_in(of(content), "GHL213")
    assert found_in(of(content), "GHL214") == []


def test_what_stands_below_a_step_of_unknown_type_may_be_reached():
    steps = [e.sms(), e.step("acme-router"), e.email(), e.notify()]

    assert found_in(of(rewired(steps, n1="")), "GHL214") == []
    assert found_in(of(rewired(steps, n0="")), "GHL214") == []
    assert found_in(of(rewired(steps, n2="")), "GHL214")


def test_links_of_unknown_shape_leave_paths_unjudged():
    content = rewired(LINE, n0={"id": "x"})

    assert "unknown shape" in lacking_in(of(content), "GHL214")
    assert found_in(of(content), "GHL213") == []


@pytest.mark.parametrize("rule_id", ["GHL211", "GHL213", "GHL214", "GHL215"])
def test_a_list_without_links_is_not_judged(rule_id):
    flat = of({"steps": [{"type": "sms"}, {"type": "email"}]})

    assert (
        lacking_in(flat, rule_id) == "the links between the steps, which this definition leaves out"
    )


def asked(**changes):
    content = e.definition([e.if_else("VIP?", [e.sms()], [e.email()])])
    content["workflowData"]["templates"][0] |= changes
    return content


def test_a_question_without_an_answer_for_the_rest_is_found():
    content = asked()
    steps = content["workflowData"]["templates"]
    steps[0]["next"].pop()
    content["workflowData"]["templates"] = steps[:3]
    (finding,) = found_in(of(content), "GHL215")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 10)
    assert finding.place_name == "VIP?"


def test_a_branch_with_nothing_in_it_is_an_info():
    (finding,) = found_in(defined([e.if_else("VIP?", [e.sms()], [])]), "GHL215")

    assert (finding.severity, finding.penalty) == (Severity.INFO, 5)
    assert "“None”" in finding.evidence


@pytest.mark.parametrize(
    "content",
    [
        asked(),
        asked(next={"odd": 1}),
        asked(attributes={}),
        asked(attributes={"branches": "odd"}),
        {"steps": [{"id": "q", "type": "if_else"}, {"id": "b", "type": "sms", "next": "q"}]},
    ],
)
def test_a_question_with_all_answers_or_of_unknown_shape_is_fine(content):
    assert found_in(of(content), "GHL215") == []


def test_a_live_workflow_without_steps_is_found():
    (finding,) = found_in(defined([]), "GHL216")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)
    assert found_in(defined([], status="draft"), "GHL216") == []
    assert found_in(defined([e.step("acme-app-action")]), "GHL216") == []
    assert found_in(of({"steps": ["odd"], "status": "published"}), "GHL216") == []
    assert lacking_in(of({"steps": []}), "GHL216") == "whether it is published"
