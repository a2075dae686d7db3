"""GHL221 to GHL223, GHL226, GHL230: what must fire each, and the nearest that must not."""

import pytest

from services.scheduler.domain.finding import Severity
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import defined, found_in, lacking_in


def event_wait(kind="reply", **attributes):
    return e.step("wait", "Wait", type=kind, **attributes)


@pytest.mark.parametrize("kind", ["reply", "condition", "email_event", "trigger_link"])
def test_a_wait_for_an_event_without_timeout_is_found(kind):
    (finding,) = found_in(defined([e.sms(), event_wait(kind), e.notify()]), "GHL221")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 18)


def test_it_is_worse_when_a_message_follows_that_never_goes_out():
    (reply,) = found_in(defined([event_wait(), e.notify(), e.email()]), "GHL221")
    (gate,) = found_in(defined([event_wait("condition"), e.email()]), "GHL221")

    assert (reply.severity, reply.penalty) == (Severity.CRITICAL, 27)
    assert (gate.severity, gate.penalty) == (Severity.WARNING, 18)


@pytest.mark.parametrize(
    "step",
    [
        e.wait_for_reply([e.sms()], [e.email()]),
        event_wait(startAfter={"type": "days", "value": 2}),
        event_wait(timeout={"value": 2}),
        event_wait(time_out_after=3),
        event_wait(transitions=[{"id": "t", "condition": "timeout"}]),
        event_wait("time", startAfter={"value": 1}),
        event_wait("acme-event"),
        event_wait(None),
        event_wait({"odd": 1}),
        {"type": "wait", "name": "Wait", "attributes": {}},
        e.step("acme-wait", type="reply"),
    ],
)
def test_a_wait_with_a_timeout_or_for_something_else_is_fine(step):
    assert found_in(defined([step]), "GHL221") == []


def timed(**attributes):
    return defined([e.step("wait", "Wait", type="time", transitions=[], **attributes), e.sms()])


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"startAfter": None},
        {"startAfter": {}},
        {"startAfter": {"type": "days", "when": "after"}},
        {"startAfter": {"type": "days", "value": 0}},
        {"startAfter": {"type": "days", "value": ""}},
        {"startAfter": {"type": "days", "value": "-1"}},
        {"startAfter": {"type": "days", "value": "soon"}},
        {"startAfter": {"value": 0, "distributed": {"days": 0}}},
        {"windowCondition": {}},
    ],
)
def test_a_wait_without_a_length_is_found(attributes):
    (finding,) = found_in(timed(**attributes), "GHL222")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 40)


@pytest.mark.parametrize(
    "attributes",
    [
        {"startAfter": {"type": "minutes", "value": 1}},
        {"startAfter": {"type": "hour", "value": "0.5"}},
        {"startAfter": {"value": "{{custom_values.days}}"}},
        {"startAfter": {"value": 0, "distributed": {"hours": 2}}},
        {"startAfter": {"value": {"odd": 1}}},
        {"startAfter": [1]},
        {"startAfter": {}, "window": {"start": "09:00", "days": [1]}},
        {"specificDate": "2027-01-01"},
    ],
)
def test_a_wait_with_a_length_or_for_something_we_do_not_know_is_fine(attributes):
    assert found_in(timed(**attributes), "GHL222") == []


def test_other_waits_and_waits_without_attributes_are_fine():
    bare = {"type": "wait", "name": "Wait", "attributes": None}

    assert found_in(defined([e.wait_for_appointment(), e.wait()]), "GHL222") == []
    assert found_in(defined([e.sms()], workflowData={"templates": [bare]}), "GHL222") == []


NO_RECIPIENT = {"subject": "New", "html": "x"}


@pytest.mark.parametrize(
    ("step", "lacking"),
    [
        (e.email(subject=" "), "subject"),
        (e.email(html=""), "content"),
        (e.step("email", template_id="0"), "content"),
        (e.sms(body=None), "text and no attachment"),
        (e.webhook(url=""), "address"),
        (e.custom_webhook(url=None), "address"),
        (e.add_tag(), "tag"),
        (e.step("remove_contact_tag", tags=[""]), "tag"),
        (e.step("update_contact_field", fields=[]), "field"),
        (e.step("internal_notification", type="email", email=NO_RECIPIENT), "recipient"),
        (e.step("internal_notification", type="sms", sms={"body": "x"}), "recipient"),
        (
            e.step(
                "internal_notification", type="sms", sms={"userType": "user", "selectedUser": ""}
            ),
            "recipient",
        ),
        (e.step("goto", type="goto"), "target"),
        (e.step("add_to_workflow", workflow_id=[]), "workflow"),
    ],
)
def test_a_step_without_what_it_needs_is_found(step, lacking):
    (finding,) = found_in(defined([step]), "GHL223")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)
    assert finding.evidence.endswith(f"has no {lacking}.")


@pytest.mark.parametrize(
    "step",
    [
        e.email(),
        e.step("email", subject="", templateId="t-1"),
        e.step("email", template={"id": "t-1"}),
        e.step("email", subject="Hi", body="plain"),
        e.step("sms", body="", attachments=["https://api.example.org/a.png"]),
        e.step("sms", message="Hi"),
        e.custom_webhook(url=None, event="SLACK"),
        e.add_tag("one"),
        e.step("update_contact_field", field="x", value=1),
        e.notify(),
        e.step("internal_notification", type="sms", sms={"userType": "assign", "body": "x"}),
        e.step("internal_notification", type="sms", body="of another shape"),
        e.step("internal_notification"),
        e.step("add_to_workflow", workflowId="wf-2"),
        {"type": "email", "name": "inline", "attributes": None},
        e.step("acme-email"),
    ],
)
def test_a_step_with_what_it_needs_or_of_unknown_shape_is_fine(step):
    content = {**step, "attributes": step["attributes"]} if step["attributes"] else None
    workflow = defined([content]) if content else defined([], workflowData={"templates": [step]})
    if step["type"] == "internal_notification" and not step["attributes"]:
        workflow = defined([], workflowData={"templates": [step]})

    assert found_in(workflow, "GHL223") == []


@pytest.mark.parametrize(
    "step",
    [
        e.assign(),
        e.step("assign_user"),
        e.step("internal-add-opportunity-owner", user=""),
        e.step("assign_user", user_list=[""], customUserList=""),
    ],
)
def test_an_assignment_to_nobody_is_found(step):
    workflow = defined([], workflowData={"templates": [step]})
    (finding,) = found_in(workflow, "GHL226")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 12)


@pytest.mark.parametrize(
    "step",
    [
        e.assign(e.USER),
        e.step("assign_user", user_list=[], customUserList="{{opportunity.assignedTo}}"),
        e.step("assign_user", userId="x"),
        {"type": "assign_user", "name": "inline"},
        e.step("remove_assigned_user"),
    ],
)
def test_an_assignment_to_someone_or_of_unknown_shape_is_fine(step):
    assert found_in(defined([], workflowData={"templates": [step]}), "GHL226") == []


def test_an_opportunity_step_without_an_opportunity_is_found():
    (finding,) = found_in(defined([e.sms(), e.update_opportunity()]), "GHL230")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 12)


@pytest.mark.parametrize(
    ("steps", "triggers"),
    [
        ([e.update_opportunity()], [e.trigger("pipeline_stage_updated")]),
        ([e.update_opportunity()], [e.FORM_SENT, e.trigger("opportunity_created")]),
        ([e.update_opportunity()], [e.trigger("acme.event")]),
        ([e.create_opportunity(), e.update_opportunity()], [e.FORM_SENT]),
        ([e.find_opportunity([e.update_opportunity()], [])], [e.FORM_SENT]),
        ([e.sms()], []),
    ],
)
def test_an_opportunity_step_after_one_is_fine(steps, triggers):
    assert found_in(defined(steps, triggers), "GHL230") == []


def test_who_is_started_by_others_may_bring_an_opportunity():
    assert "what starts it" in lacking_in(defined([e.update_opportunity()], []), "GHL230")
