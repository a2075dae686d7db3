"""GHL228, GHL231 and GHL232: what must fire each, and the nearest that must not."""

import pytest

from services.scheduler.domain.finding import Severity
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import a_location, defined, found_in, lacking_in


@pytest.mark.parametrize(
    "text",
    [
        "Lorem ipsum dolor sit",
        "TODO: write this",
        "Our offer [TODO]",
        "The price is TBD",
        "Hi [NAME]",
        "Hi [FIRST NAME],",
        "Click [INSERT LINK]",
        "Call xxx-xxx-xxxx",
        "See https://example.com/offer",
    ],
)
def test_a_placeholder_in_a_live_message_is_found(text):
    for step in (e.sms(text), e.email("Hi", f"<b>{text}</b>")):
        (finding,) = found_in(defined([step]), "GHL228")
        assert (finding.severity, finding.penalty) == (Severity.WARNING, 10)


@pytest.mark.parametrize(
    "text",
    [
        "¡TODO incluido! Tu cita es mañana.",
        "Love, your team xxx",
        "Size XXL or XXXL?",
        "Super Bowl XXX",
        "Our [new] menu [pdf]",
        "Insert coin to play",
        "<p class='xxxxx todo'>Hi</p>",
        "See https://my-example.com/offer",
        "An example.command",
    ],
)
def test_a_text_that_only_looks_like_one_is_fine(text):
    assert found_in(defined([e.sms(text)]), "GHL228") == []


def test_a_placeholder_in_a_draft_or_a_note_is_fine():
    assert found_in(defined([e.sms("TBD")], status="draft"), "GHL228") == []
    assert found_in(defined([e.step("add_notes", body="TBD")]), "GHL228") == []
    assert lacking_in(defined([e.sms("TBD")], status="odd"), "GHL228") == "whether it is published"


SEQUENCE = [e.sms(), e.wait(), e.email(), e.wait(), e.sms()]
REPLIED = {"conditionType": "customer_reply", "conditionSubType": "replied_to_workflow"}
LEADS = [e.trigger("contact_created", ("contact.source", "==", "ad"))]


def test_outreach_that_does_not_stop_on_reply_is_found():
    workflow = defined(SEQUENCE, LEADS, stopOnResponse=False)
    (finding,) = found_in(workflow, "GHL231", a_location(workflow))

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 10)
    assert finding.evidence.startswith("Up to 3 messages")


def test_asking_for_a_reply_after_all_messages_is_too_late():
    workflow = defined([*SEQUENCE, e.wait_for_reply([], [])], LEADS, stopOnResponse=False)

    assert found_in(workflow, "GHL231", a_location(workflow))


@pytest.mark.parametrize(
    ("steps", "triggers", "stops"),
    [
        (SEQUENCE, LEADS, True),
        (SEQUENCE, LEADS, None),
        (SEQUENCE[:3], LEADS, False),
        ([e.sms(), e.email(), e.sms()], LEADS, False),
        ([e.email(), e.wait(), e.email(), e.wait(), e.email()], LEADS, False),
        ([e.if_else("?", [e.sms(), e.wait()], [e.sms(), e.wait(), e.email()])], LEADS, False),
        (SEQUENCE, [e.trigger("appointment", ("calendar.id", "==", "x"))], False),
        (SEQUENCE, [e.trigger("acme.event")], False),
        ([*SEQUENCE, e.goal()], LEADS, False),
        ([*SEQUENCE[:3], e.wait_for_reply([], []), e.sms()], LEADS, False),
        ([*SEQUENCE[:4], e.if_else("?", [e.step("add_notes")], [e.sms()], REPLIED)], LEADS, False),
    ],
)
def test_outreach_that_stops_or_is_none_is_fine(steps, triggers, stops):
    workflow = defined(steps, triggers, stopOnResponse=stops)

    assert found_in(workflow, "GHL231", a_location(workflow)) == []


def test_another_workflow_may_take_out_who_replies():
    workflow = defined(SEQUENCE, LEADS, stopOnResponse=False)
    handler = e.definition(
        [e.remove_from_workflow("wf-1")], [e.trigger("customer_reply")], _id="wf-2"
    )

    assert found_in(workflow, "GHL231", a_location(workflow, handler)) == []
    assert "other workflows" in lacking_in(workflow, "GHL231")


def test_a_first_text_without_opt_out_is_an_info():
    workflow = defined([e.sms("Hi there"), e.wait(), e.sms("Still there?")], LEADS)
    (finding,) = found_in(workflow, "GHL232")

    assert (finding.severity, finding.penalty) == (Severity.INFO, 4)


@pytest.mark.parametrize(
    "text", ["Reply STOP", "Text stop to end", "opt-out any time", "Responde BAJA"]
)
def test_a_first_text_that_says_how_to_opt_out_is_fine(text):
    assert found_in(defined([e.sms(text), e.sms("More")], LEADS), "GHL232") == []


def test_an_answer_to_what_the_contact_did_needs_no_opt_out():
    booked = [e.trigger("appointment", ("calendar.id", "==", "x"))]

    assert found_in(defined([e.sms("Hi there")], booked), "GHL232") == []
    assert found_in(defined([e.email()], LEADS), "GHL232") == []
    assert lacking_in(defined([e.sms("Hi")], []), "GHL232") == "what starts it"
