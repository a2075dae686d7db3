"""GHL201 to GHL207: the smallest workflow that fires each, and the nearest that must not."""

import pytest

from services.scheduler.domain.evidence import LocationEvidence, WorkflowStatus
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.references import References
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import a_location, defined, found_in, lacking_in, ran

TAG = e.trigger("contact_tag", ("tagsAdded", "index-of-true", "Hot Lead"))
CALLER = e.definition([e.add_to_workflow("wf-1")], _id="wf-2", name="Caller")


def test_a_published_workflow_that_nothing_starts_is_found():
    lonely = defined([e.sms()], [])

    (finding,) = found_in(lonely, "GHL201", a_location(lonely))
    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 35)


@pytest.mark.parametrize(
    ("workflow", "others"),
    [
        (defined([e.sms()]), []),
        (defined([], []), []),
        (defined([e.sms()], [], status="draft"), []),
        (defined([e.sms()], []), [CALLER]),
        (defined([e.sms()], [], history=ran("S").history), []),
    ],
    ids=["it has one", "no steps either", "a draft", "another one calls it", "it runs"],
)
def test_a_workflow_that_something_starts_or_that_is_no_live_one_is_fine(workflow, others):
    assert found_in(workflow, "GHL201", a_location(workflow, *others)) == []


def test_without_triggers_nothing_is_concluded_from_what_was_not_read():
    no_list = defined([e.sms()], None)
    empty = defined([e.sms()], [])

    assert "triggers" in lacking_in(no_list, "GHL201", a_location(no_list))
    assert "other workflows" in lacking_in(empty, "GHL201")
    assert "some of" in lacking_in(empty, "GHL201", a_location(empty, None))


def test_triggers_that_are_all_switched_off_are_found():
    off = [TAG | {"active": False}, e.FORM_SENT | {"active": "false"}]
    (finding,) = found_in(defined([e.sms()], off), "GHL202")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 55)
    assert finding.evidence == (
        "It is published, and all 2 triggers are switched off: “contact_tag”, “form_submission”."
    )


@pytest.mark.parametrize(
    "triggers",
    [
        [],
        [TAG],
        [TAG | {"active": False}, e.FORM_SENT],
        [{key: value for key, value in TAG.items() if key != "active"}],
        [TAG | {"active": False}, {"type": "acme.event"}],
        [TAG | {"active": "perhaps"}],
    ],
)
def test_a_trigger_that_is_on_or_does_not_say_is_enough(triggers):
    assert found_in(defined([e.sms()], triggers), "GHL202") == []


def test_a_workflow_with_triggers_off_that_another_calls_is_fine():
    called = defined([e.sms()], [TAG | {"active": False}])

    assert found_in(called, "GHL202", a_location(called, CALLER)) == []
    assert found_in(called, "GHL202", a_location(called))


@pytest.mark.parametrize(
    "kind",
    [
        "appointment",
        "customer_appointment",
        "call_status",
        "opportunity_changed",
        "pipeline_stage_updated",
    ],
)
def test_a_trigger_for_everything_of_its_kind_is_found(kind):
    (finding,) = found_in(defined([e.notify()], [e.trigger(kind, name="T")]), "GHL203")

    assert (finding.severity, finding.place) == (Severity.WARNING, f"trigger-{kind}-T")
    assert finding.place_name == "T"


def test_a_reply_trigger_for_everything_is_worse_where_the_workflow_writes_back():
    (loud,) = found_in(defined([e.sms()], [e.trigger("customer_reply")]), "GHL203")
    (quiet,) = found_in(defined([e.notify()], [e.trigger("customer_reply")]), "GHL203")

    assert (loud.severity, loud.penalty) == (Severity.WARNING, 12)
    assert (quiet.severity, quiet.penalty) == (Severity.INFO, 6)


@pytest.mark.parametrize(
    "trigger",
    [
        e.trigger("appointment", ("calendar.id", "==", e.CALENDAR)),
        e.trigger("appointment", active=False),
        {"type": "appointment"},
        {"type": "appointment", "conditions": {"odd": 1}},
        {"type": "appointment", "conditions": ["odd"]},
        {"type": "appointment", "conditions": [], "filters": [{"field": "calendar.id"}]},
        e.trigger("contact_created"),
        e.trigger("acme.appointment"),
    ],
)
def test_a_trigger_with_a_filter_or_of_a_kind_that_needs_none_is_fine(trigger):
    assert found_in(defined([e.sms()], [trigger]), "GHL203") == []


@pytest.mark.parametrize("conditions", [[], [{"field": "", "operator": "", "value": ""}]])
def test_a_contact_change_without_a_field_is_found(conditions):
    trigger = e.trigger("contact_changed") | {"conditions": conditions}
    (finding,) = found_in(defined([e.sms()], [trigger]), "GHL204")

    assert finding.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "trigger",
    [
        e.trigger("contact_changed", ("contact.tags", "has-changed", "")),
        e.trigger("contact_changed", (f"contact.{e.FIELD}", "has-changed", "")),
        e.trigger("contact_changed", active=False),
        {"type": "contact_changed"},
        e.trigger("contact_created"),
    ],
)
def test_a_contact_change_of_a_field_is_fine(trigger):
    assert found_in(defined([e.sms()], [trigger]), "GHL204") == []


def with_lists(**lists):
    return LocationEvidence(location_id="loc-1", references=References(**lists))


NO_TAGS = with_lists(tags=frozenset(), forms=frozenset())


@pytest.mark.parametrize(
    "condition",
    [
        ("tagsAdded", "index-of-true", "Hot Lead"),
        ("contact.tags", "index-of-true", ["hot lead", "warm lead"]),
        ("form.id", "is-any-of", [e.FORM]),
        ("form.id", "==", e.FORM),
    ],
)
def test_a_trigger_on_something_that_is_gone_is_found(condition):
    kind = "form_submission" if condition[0] == "form.id" else "contact_tag"
    (finding,) = found_in(defined([e.sms()], [e.trigger(kind, condition)]), "GHL205", NO_TAGS)

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 35)


@pytest.mark.parametrize(
    ("condition", "location"),
    [
        (("tagsAdded", "index-of-true", "HOT\xa0 lead"), with_lists(tags=frozenset({"Hot Lead"}))),
        (("tagsAdded", "index-of-true", ["gone", "hot"]), with_lists(tags=frozenset({"hot"}))),
        (("tagsAdded", "index-of-false", "gone"), NO_TAGS),
        (("tagsRemoved", "index-of-true", "gone"), NO_TAGS),
        (("tagsAdded", "some-new-operator", "gone"), NO_TAGS),
        (("tagsAdded", "index-of-true", {"odd": "gone"}), NO_TAGS),
        (("tagsAdded", "index-of-true", "{{contact.tag}}"), NO_TAGS),
        (("form.id", "==", "any"), NO_TAGS),
        (("some.new.field", "==", "gone"), NO_TAGS),
    ],
)
def test_a_trigger_on_something_that_is_there_or_cannot_be_told_is_fine(condition, location):
    trigger = e.trigger("contact_tag", condition)

    assert found_in(defined([e.sms()], [trigger]), "GHL205", location) == []


def test_a_tag_that_some_workflow_adds_is_there():
    waiting = defined([e.sms()], [TAG])
    adding = e.definition([e.add_tag("hot lead")], _id="wf-2")

    assert (
        found_in(
            waiting, "GHL205", a_location(waiting, adding, references=References(tags=frozenset()))
        )
        == []
    )


def test_only_the_list_that_is_needed_is_missed():
    trigger = e.trigger("appointment", ("calendar.id", "==", e.CALENDAR))
    waiting = defined([e.sms()], [trigger])

    assert lacking_in(waiting, "GHL205", NO_TAGS) == "the location's calendars"
    assert lacking_in(waiting, "GHL205") == "the location's calendars"
    assert found_in(defined([e.sms()], []), "GHL205") == []


def test_two_live_workflows_on_one_trigger_are_found():
    one = defined([e.sms()], [TAG])
    same = e.trigger("contact_tag", ("tagsAdded", "index-of-true", " hot lead"), name="Other name")
    other = e.definition([e.email()], [e.FORM_SENT, same], _id="wf-2", name="Second")
    (finding,) = found_in(one, "GHL206", a_location(one, other))

    assert finding.severity is Severity.WARNING
    assert "“Second”" in finding.evidence


@pytest.mark.parametrize(
    "other",
    [
        e.definition([e.sms()], [TAG], _id="wf-2", status="draft"),
        e.definition([e.sms()], [TAG | {"active": False}], _id="wf-2"),
        e.definition([e.sms()], [e.trigger("contact_tag", ("tagsAdded", "x", "y"))], _id="wf-2"),
        e.definition([e.sms()], [TAG | {"type": "contact_created"}], _id="wf-2"),
        e.definition([e.sms()], [TAG | {"schedule_config": {"days": [1]}}], _id="wf-2"),
    ],
)
def test_a_trigger_that_is_off_or_differs_is_fine(other):
    one = defined([e.sms()], [TAG])

    assert found_in(one, "GHL206", a_location(one, other)) == []


@pytest.mark.parametrize("kind", ["inbound_webhook", "scheduler_trigger", "acme.event"])
def test_triggers_with_an_address_of_their_own_or_of_unknown_type_are_never_the_same(kind):
    one = defined([e.sms()], [e.trigger(kind)])
    other = e.definition([e.sms()], [e.trigger(kind)], _id="wf-2")

    assert found_in(one, "GHL206", a_location(one, other)) == []


def test_the_same_trigger_twice_in_one_workflow_is_another_matter():
    one = defined([e.sms()], [TAG, TAG])

    assert found_in(one, "GHL206", a_location(one)) == []


@pytest.mark.parametrize("step", [e.create_opportunity(), e.step("create_opportunity")])
def test_an_opportunity_at_every_entry_is_found(step):
    (finding,) = found_in(defined([e.sms(), step], allowMultiple=True), "GHL207")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 8)


@pytest.mark.parametrize(
    ("steps", "more"),
    [
        ([e.create_opportunity()], {"allowMultiple": False}),
        ([e.create_opportunity()], {"allowMultiple": None}),
        ([e.create_opportunity()], {"triggers": [e.trigger("appointment", ("x", "==", "y"))]}),
        ([e.create_opportunity()], {"triggers": [e.trigger("acme.event")]}),
        ([e.create_opportunity()], {"triggers": []}),
        ([e.find_opportunity([], [e.create_opportunity()])], {}),
        ([e.step("create_update_contact")], {}),
        ([e.if_else("?", [], [e.create_opportunity()], {"conditionType": "opportunities"})], {}),
    ],
)
def test_an_opportunity_that_is_looked_up_or_of_its_own_is_fine(steps, more):
    assert found_in(defined(steps, **{"allowMultiple": True} | more), "GHL207") == []


def test_a_status_from_the_list_wins_over_the_definition():
    workflow = defined([e.sms()], [TAG | {"active": False}], status="published")
    stopped = defined([e.sms()], [TAG | {"active": False}], listed_status=WorkflowStatus.DRAFT)

    assert found_in(workflow, "GHL202")
    assert found_in(stopped, "GHL202") == []
